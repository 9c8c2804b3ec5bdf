"""A stage as its account has it, and what of it a deployment keeps, and what goes."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from aurora_restore.account.parameters import source_regions
from aurora_restore.account.stack import StackState
from aurora_restore.account.state import AccountState
from aurora_restore.deployment import chalice_state, home
from aurora_restore.deployment.chalice_state import DeployedResources
from aurora_restore.deployment.home import Forwarding
from aurora_restore.stages import FUNCTIONS
from chalicelib.flow.errors import RefusedError, SettingsError, TransientError
from chalicelib.flow.plan import Plan


class DeploymentState(AccountState):
    """A reading that fails, fails whoever asks, but for stacks in other regions."""

    @cached_property
    def plans(self) -> Mapping[str, Plan | SettingsError]:
        """Every plan of the stage as it will be, or why it is none.

        Raises SettingsError where none can be.
        """
        return self.resolve_plans(self.planned_parameters)

    @cached_property
    def deployed(self) -> DeployedResources:
        """What has the names that Chalice gives."""
        return chalice_state.discover(self)

    # --- regions ---

    @cached_property
    def _forwardings(self) -> list[Forwarding]:
        return list(home.forwardings(self))

    @cached_property
    def deployed_regions(self) -> set[str]:
        """The regions that the stage is deployed in, as its roles tell: one, if all is well."""
        return {forwarding.home for forwarding in self._forwardings}.union(*self._homes.values())

    @property
    def roles_without_region(self) -> list[str]:
        """The app's roles that tell no region, so that they may be another deployment's.

        A function that is not the app's own has its own policy, which may name no queue.
        """
        own = {self.stage.function(name) for name in FUNCTIONS}
        silent = [role for role, regions in self._homes.items() if role in own and not regions]
        return [role for role in silent if not home.is_half_made(self, role)]

    @cached_property
    def _homes(self) -> dict[str, set[str]]:
        roles = chalice_state.roles(self.deployed.resources)
        return {role: home.home_regions(self, role) for role in roles}

    @cached_property
    def source_regions(self) -> list[str]:
        """The other regions whose events will be forwarded."""
        return source_regions(self.stage, self.planned_parameters)

    @cached_property
    def forwarding_regions(self) -> set[str]:
        """The regions that may have a stack that forwards.

        Those that the roles of such stacks are for; of a stack that could not be made no role is
        left, so also those that the parameters name.
        """
        found = {forwarding.source for forwarding in self._forwardings}
        return found.union(source_regions(self.stage, self.parameters))

    # --- stacks ---

    @property
    def stacks_to_keep(self) -> list[StackState]:
        """Whatever has the names of the stacks that will be deployed."""
        names = (self.stage.records_stack, self.stage.foundation_stack)
        home_stacks = [found for name in names if (found := self.stack(name))]
        return home_stacks + self._forwarding_stacks(self.source_regions)

    @property
    def obsolete_stacks(self) -> list[StackState]:
        """The stage's stacks in regions that no plan has its source in any more."""
        regions = self.forwarding_regions.difference(self.source_regions)
        return self._own(self._forwarding_stacks(regions))

    @property
    def stacks_to_delete(self) -> list[StackState]:
        """The stage's stacks that go with it, in the order in which they do."""
        foundation = self.stack(self.stage.foundation_stack)
        regions = self.forwarding_regions.union(self.source_regions)
        return self._own(self._forwarding_stacks(regions) + ([foundation] if foundation else []))

    @property
    def unreadable_regions(self) -> dict[str, str]:
        """The regions where a stack that forwards cannot be looked up, with AWS's reasons."""
        regions = sorted(self.forwarding_regions.union(self.source_regions))
        found = {region: self._forwarder(region) for region in regions}
        return {region: stack for region, stack in found.items() if isinstance(stack, str)}

    def _forwarding_stacks(self, regions: Iterable[str]) -> list[StackState]:
        found = [self._forwarder(region) for region in sorted(regions)]
        return [stack for stack in found if isinstance(stack, StackState)]

    def _forwarder(self, region: str) -> StackState | str | None:
        """Look up the stack that forwards from a region, or say why that cannot be.

        A region may be disabled, or none at all: that stops no other look.
        """
        try:
            return self.stack(self.stage.forwarding_stack, region)
        except (RefusedError, TransientError) as error:
            return error.reason

    def _own(self, found: list[StackState]) -> list[StackState]:
        return [stack for stack in found if stack.is_of(self.stage.name, self.account.number)]
