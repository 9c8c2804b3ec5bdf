"""A stage as its account has it: what a deployment and a removal look at before they change anything."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from botocore.exceptions import BotoCoreError, ClientError

from aurora_restore.deployment import chalice_state, stack_parameters, stacks
from aurora_restore.deployment.account import Account
from aurora_restore.deployment.chalice_state import DeployedResources, Forwarding, Role
from aurora_restore.deployment.config_checks import variables_place
from aurora_restore.deployment.stacks import Stack
from aurora_restore.stages import Stage
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan
from chalicelib.settings import Settings, resolve_plans


class AccountState:
    """What more than one check needs is read once.

    A reading that fails, fails whoever asks, but in other regions.
    """

    def __init__(self, account: Account, stage: Stage) -> None:
        self.account, self.stage = account, stage
        self._stacks: dict[tuple[str, str], Stack | None] = {}
        self._forwarders: dict[str, Stack | Exception | None] = {}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stage's SSM parameters, by what follows its path."""
        path = self.stage.parameter_path
        pages = self.account.clients("ssm", self.stage.region).get_paginator(
            "get_parameters_by_path"
        )
        found = pages.paginate(Path=path, Recursive=True)
        return {
            one["Name"].removeprefix(path): one["Value"]
            for page in found
            for one in page["Parameters"]
        }

    @cached_property
    def planned_parameters(self) -> Mapping[str, str]:
        """The same, as they will be once the stage is deployed."""
        return stack_parameters.planned_parameters(self.stage, self.parameters)

    @cached_property
    def settings(self) -> Settings:
        """The stage's settings as its functions will read them; raises SettingsError."""
        topic = self.stage.topic_arn(self.account.number, self.account.partition)
        variables = {"SNS_TOPIC_ARN": topic} | self.stage.variables
        return Settings.of_environment(variables, variables_place(self.stage))

    @cached_property
    def plans(self) -> Mapping[str, Plan | SettingsError]:
        """Every plan of the stage as it will be, or why it is none.

        Raises SettingsError where none can be.
        """
        account, parameters = self.account, self.planned_parameters
        return resolve_plans(
            self.settings, parameters, account=account.number, partition=account.partition
        )

    @cached_property
    def _roles(self) -> list[Role]:
        return chalice_state.roles_of(self.account, self.stage)

    @cached_property
    def deployed(self) -> DeployedResources:
        """What bears the names that Chalice gives."""
        return chalice_state.discover(self.account, self.stage, self._roles)

    # --- regions ---

    @cached_property
    def _forwardings(self) -> list[Forwarding]:
        return list(chalice_state.forwardings(self.account, self.stage, self._roles))

    @cached_property
    def deployed_regions(self) -> set[str]:
        """The regions that the stage is deployed in, as its roles tell: one, if all is well."""
        of_functions = chalice_state.deployed_regions(self.account, self.stage, self.deployed.ours)
        return of_functions | {one.home for one in self._forwardings}

    @cached_property
    def source_regions(self) -> list[str]:
        """The other regions whose events will be forwarded."""
        return stack_parameters.source_regions(self.stage, self.planned_parameters)

    @cached_property
    def forwarding_regions(self) -> set[str]:
        """The regions that may have a stack that forwards.

        Those that the roles of such stacks are for; of a stack that could not be made no role is
        left, so also those that the parameters name.
        """
        return {one.source for one in self._forwardings} | {
            *stack_parameters.source_regions(self.stage, self.parameters)
        }

    # --- stacks ---

    def stack(self, name: str, region: str) -> Stack | None:
        """Look a stack up."""
        if (name, region) not in self._stacks:
            self._stacks[name, region] = stacks.find(self.account, name, region)
        return self._stacks[name, region]

    @property
    def stacks_to_keep(self) -> list[Stack]:
        """Whatever bears the names of the stacks that will be deployed."""
        home = self._found(self.stage.region, self.stage.records_stack, self.stage.foundation_stack)
        return home + self._forwarding_from(self.source_regions)

    @property
    def obsolete_stacks(self) -> list[Stack]:
        """The stage's stacks in regions that no plan has its source in any more."""
        return self._ours(
            self._forwarding_from(self.forwarding_regions.difference(self.source_regions))
        )

    @property
    def stacks_to_delete(self) -> list[Stack]:
        """The stage's stacks that go with it, in the order in which they do."""
        foundation = self._found(self.stage.region, self.stage.foundation_stack)
        return self._ours(
            self._forwarding_from(self.forwarding_regions.union(self.source_regions)) + foundation
        )

    @property
    def unreadable_regions(self) -> dict[str, str]:
        """The regions where nobody can tell whether there is a stack that forwards, with AWS's reasons."""
        seen = {
            region: self._forwarder(region)
            for region in sorted(self.forwarding_regions.union(self.source_regions))
        }
        return {
            region: str(error) for region, error in seen.items() if isinstance(error, Exception)
        }

    def _forwarding_from(self, regions: Iterable[str]) -> list[Stack]:
        return [
            seen for region in sorted(regions) if isinstance(seen := self._forwarder(region), Stack)
        ]

    def _forwarder(self, region: str) -> Stack | Exception | None:
        """Look for the stack that forwards from a region, which may be disabled, or none: that stops no other look."""
        if region not in self._forwarders:
            try:
                self._forwarders[region] = stacks.find(
                    self.account, self.stage.forwarding_stack, region
                )
            except (ClientError, BotoCoreError) as error:
                self._forwarders[region] = error
        return self._forwarders[region]

    def _found(self, region: str, *names: str) -> list[Stack]:
        return [found for name in names if (found := self.stack(name, region))]

    def _ours(self, found: list[Stack]) -> list[Stack]:
        return [one for one in found if one.is_of(self.stage.name, self.account.number)]
