"""A stage as its account has it: what more than one check needs is read once.

A reading that fails raises as `chalicelib.aws.client.Service` does, for everybody who needs it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from aurora_restore.account.identity import Account
from aurora_restore.account.parameters import planned_parameters
from aurora_restore.account.stack import StackState, observe_stack
from aurora_restore.documents import Described
from aurora_restore.reading_ports import reading_ports
from aurora_restore.stages import FUNCTIONS, Stage, variables_place
from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.settings import Settings, resolve_plans

_NOT_FOUND_CODES: Final[Mapping[str, frozenset[str]]] = {
    "cloudwatch": frozenset({"ResourceNotFound", "DashboardNotFoundError"}),
    "iam": frozenset({"NoSuchEntity"}),
    "s3": frozenset({"NoSuchBucket", "404"}),  # a HEAD request is answered without a body
    "sqs": frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}),
    "ssm": frozenset({"ParameterNotFound"}),
}
"""Codes beside chalicelib's own, which are those of the services that the functions call."""


@dataclass(frozen=True)
class AccountState:
    """One stage in one account."""

    account: Account
    stage: Stage
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), kw_only=True)
    _stacks: dict[tuple[str, str], StackState | None] = field(
        default_factory=dict, init=False, repr=False
    )

    # --- asking ---

    def service(self, name: str, region: str | None = None) -> Service:
        """Give one AWS service, in the stage's own region unless another is named."""
        return Service(self.account.clients, name, region or self.stage.region)

    def find(
        self, service: str, method: str, *, region: str | None = None, **parameters: Any
    ) -> Described | None:
        """Call one method; None where what it is about does not exist."""
        try:
            return self.service(service, region).call(method, **parameters)
        except NotFoundError:
            return None
        except AwsError as error:
            if error.code in _NOT_FOUND_CODES.get(service, ()):
                return None
            raise

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """Write the ARN of something of this account, in the stage's own region by default."""
        return self.account.arn(service, region or self.stage.region, resource)

    # --- settings ---

    @property
    def topic_arn(self) -> str:
        """The functions' topic: the foundation's, unless the stage names another."""
        return self.stage.topic_arn(self.account.number, self.account.partition)

    @cached_property
    def settings(self) -> Settings:
        """The stage's settings as its functions read them. Raises SettingsError."""
        variables = {"SNS_TOPIC_ARN": self.topic_arn} | self.stage.variables
        return Settings.of_environment(variables, variables_place(self.stage))

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stage's SSM parameters, by what follows its path."""
        path = self.stage.parameter_path
        found = self.service("ssm").pages(
            "get_parameters_by_path", "Parameters", Path=path, Recursive=True
        )
        return {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in found}

    @cached_property
    def planned_parameters(self) -> Mapping[str, str]:
        """The same, as they will be once the stage is deployed."""
        return planned_parameters(self.stage, self.parameters)

    def resolve_plans(self, parameters: Mapping[str, str]) -> Mapping[str, Plan | SettingsError]:
        """Resolve every plan, or why it is none. Raises SettingsError where none can be."""
        number, partition = self.account.number, self.account.partition
        return resolve_plans(self.settings, parameters, account=number, partition=partition)

    @cached_property
    def ports(self) -> Ports:
        """The ports as a function of this stage has them. Raises SettingsError."""
        return reading_ports(
            self.settings,
            self.account.clients,
            account=self.account.number,
            partition=self.account.partition,
            region=self.stage.region,
            now=self.now,
        )

    # --- what is there under the stage's names ---

    @cached_property
    def roles(self) -> list[Described]:
        """All roles of the account, as ListRoles gives them: they may be thousands."""
        return self.service("iam").pages("list_roles", "Roles")

    @cached_property
    def functions(self) -> Mapping[str, Described]:
        """The functions under the stage's names, by what follows in each name.

        Also those that somebody else made.
        """
        prefix = self.stage.function("")
        found = self.service("lambda").pages("list_functions", "Functions")
        return {
            function["FunctionName"].removeprefix(prefix): function
            for function in found
            if function["FunctionName"].startswith(prefix)
        }

    @cached_property
    def rules_by_name(self) -> Mapping[str, Described]:
        """The rules whose names begin as the stage's do."""
        prefix = self.stage.function("")
        found = self.service("events").pages("list_rules", "Rules", NamePrefix=prefix)
        return {rule["Name"]: rule for rule in found}

    @cached_property
    def rules(self) -> Mapping[str, Described]:
        """The app's rules that are there, by the function that each is to invoke."""
        names = {function: self.stage.rule(function) for function in FUNCTIONS}
        return {
            function: self.rules_by_name[name]
            for function, name in names.items()
            if name in self.rules_by_name
        }

    def rule_targets(self, rule: str) -> list[Described]:
        """List the targets of a rule, of which a rule has at most five (EventBridge quotas)."""
        targets: list[Described] = self.service("events").call("list_targets_by_rule", Rule=rule)[
            "Targets"
        ]
        return targets

    @cached_property
    def log_groups(self) -> list[Described]:
        """The log groups whose names begin as the stage's functions' do."""
        prefix = f"/aws/lambda/{self.stage.function('')}"
        return self.service("logs").pages(
            "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        )

    def role_policies(self, role: str) -> list[str]:
        """List the names of a role's inline policies."""
        return self.service("iam").pages("list_role_policies", "PolicyNames", RoleName=role)

    def role_policy(self, role: str, policy: str) -> Any:
        """Read an inline policy of a role."""
        found = self.service("iam").call("get_role_policy", RoleName=role, PolicyName=policy)
        return found["PolicyDocument"]

    def role_tags(self, role: str) -> Mapping[str, str]:
        """Read a role's tags, which ListRoles does not give (IAM API reference)."""
        tags = self.service("iam").pages("list_role_tags", "Tags", RoleName=role)
        return {tag["Key"]: tag["Value"] for tag in tags}

    def attached_policies(self, role: str) -> list[str]:
        """List the ARNs of the managed policies that are attached to a role."""
        attached = self.service("iam").pages(
            "list_attached_role_policies", "AttachedPolicies", RoleName=role
        )
        return [policy["PolicyArn"] for policy in attached]

    # --- stacks ---

    def stack(self, name: str, region: str | None = None) -> StackState | None:
        """Look a stack up, whosever it is."""
        key = (name, region or self.stage.region)
        if key not in self._stacks:
            self._stacks[key] = observe_stack(self.service("cloudformation", key[1]), name)
        return self._stacks[key]

    def own_stack(self, name: str, region: str | None = None) -> StackState | None:
        """Look a stack up; None unless it belongs to this stage."""
        found = self.stack(name, region)
        return found if found and found.is_of(self.stage.name, self.account.number) else None
