"""The stage that is looked at, and how to look: what every check is given."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from aurora_restore.deployment.config_checks import variables_place
from aurora_restore.deployment.stacks import STAGE_PARAMETER
from aurora_restore.doctor.expected import Expected
from aurora_restore.documents import Described
from aurora_restore.plan_view import reading_ports
from aurora_restore.stages import FUNCTIONS, Stage
from chalicelib.aws.client import AwsError, Clients, NotFoundError, Service
from chalicelib.flow.choreography import PROBE_REQUESTED
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.runtime import plans
from chalicelib.settings import Settings, resolve_plans

_GONE: Mapping[
    str, frozenset[str]
] = {  # beside chalicelib's own, which are of the services that the functions call
    "cloudformation": frozenset(
        {"ValidationError"}
    ),  # of DescribeStacks, which has no code of its own for it
    "cloudwatch": frozenset({"ResourceNotFound"}),
    "iam": frozenset({"NoSuchEntity"}),
    "s3": frozenset({"NoSuchBucket"}),
    "sqs": frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}),
    "ssm": frozenset({"ParameterNotFound"}),
}


@dataclass(frozen=True)
class Asked:
    """A question that was put on the bus, and when."""

    request_id: str
    at: datetime


@dataclass(frozen=True)
class StageView:
    """One stage in one account. What more than one check needs is read once.

    A reading that fails, fails each check.
    """

    stage: Stage
    checkout: Path
    account: str
    partition: str
    clients: Clients
    expected: Expected
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[float], None] = time.sleep  # seconds, for an answer to come

    # --- asking ---

    def service(self, name: str, region: str | None = None) -> Service:
        """One AWS service, in the stage's own region unless said otherwise."""
        return Service(self.clients, name, region or self.stage.region)

    def find(
        self, service: str, method: str, *, region: str | None = None, **parameters: Any
    ) -> Described | None:
        """Call one method; None where what it is about does not exist.

        Raises as `Service.call` does.
        """
        try:
            return self.service(service, region).call(method, **parameters)
        except NotFoundError:
            return None
        except AwsError as error:
            if error.code in _GONE.get(service, ()):
                return None
            raise

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """Spell the ARN of something of this account, in the stage's own region unless said otherwise."""
        return f"arn:{self.partition}:{service}:{region or self.stage.region}:{self.account}:{resource}"

    # --- what has a fixed name ---

    @property
    def own_topic_arn(self) -> str:
        """The foundation's topic, which the alarms write to."""
        return self.arn("sns", self.stage.topic)

    @property
    def topic_arn(self) -> str:
        """The topic that the functions write to: the foundation's, unless SNS_TOPIC_ARN names another."""
        return self.environment.get("SNS_TOPIC_ARN", "")

    @property
    def queue_arn(self) -> str:
        """The failure queue."""
        return self.arn("sqs", self.stage.failure_queue)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that every function should have."""
        return self.expected.environment

    # --- as the functions see it ---

    @cached_property
    def ports(self) -> Ports:
        """The world as a function of this stage sees it; raises SettingsError."""
        settings = Settings.of_environment(self.environment, variables_place(self.stage))
        return reading_ports(
            settings,
            self.clients,
            account=self.account,
            partition=self.partition,
            region=self.stage.region,
            now=self.now,
        )

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stage's SSM parameters by the name below its path.

        Raises SettingsError, and as `Service.pages` does.
        """
        return plans.parameters(self.ports)

    @cached_property
    def plans(self) -> Mapping[str, Plan | SettingsError]:
        """Every plan of the stage, or why it is none; raises as `parameters` does."""
        return resolve_plans(
            self.ports.settings, self.parameters, account=self.account, partition=self.partition
        )

    @cached_property
    def asked_to_try(self) -> Asked:
        """The question what `setup-db-users` reaches, put once, for every plan.

        Raises as `Service.call` does.
        """
        asked = Asked(str(uuid4()), self.now())
        for plan in self.plans.values():
            if isinstance(plan, Plan):
                detail = {"request_id": asked.request_id, "settings": plan.to_item()}
                self.ports.put_events([(PROBE_REQUESTED, detail)])
        return asked

    # --- what is deployed ---

    @cached_property
    def functions(self) -> Mapping[str, Described]:
        """The configurations of whatever Lambda has under the stage's names, by the rest of each name."""
        prefix = self.stage.function("")
        found = self.service("lambda").pages("list_functions", "Functions")
        return {
            one["FunctionName"].removeprefix(prefix): one
            for one in found
            if one["FunctionName"].startswith(prefix)
        }

    @cached_property
    def deployed(self) -> Mapping[str, Described]:
        """Those of them that are the app's, whole: a list leaves out their states (API reference, ListFunctions)."""
        ask = self.service("lambda").call
        names = {name: self.stage.function(name) for name in FUNCTIONS if name in self.functions}
        return {
            name: ask("get_function_configuration", FunctionName=one) for name, one in names.items()
        }

    @cached_property
    def rules(self) -> Mapping[str, Described]:
        """The rules that are there, by the function that each is to wake."""
        found = self.service("events").pages(
            "list_rules", "Rules", NamePrefix=self.stage.function("")
        )
        by_name = {one["Name"]: one for one in found}
        return {
            name: by_name[self.stage.rule(name)]
            for name in FUNCTIONS
            if self.stage.rule(name) in by_name
        }

    @cached_property
    def foundation(self) -> list[Described]:
        """What CloudFormation says it made by the two stacks in the stage's region."""
        return [
            one
            for stack in (self.stage.records_stack, self.stage.foundation_stack)
            for one in self.resources(stack)
        ]

    def made(self, stack: str, region: str | None = None) -> bool:
        """Tell whether there is a stack of a name, and this stage made it: ours say which stage they are of."""
        found = self.find("cloudformation", "describe_stacks", region=region, StackName=stack)
        if found is None or found["Stacks"][0]["StackStatus"] in (
            "DELETE_COMPLETE",
            "REVIEW_IN_PROGRESS",
        ):
            return False
        given = {
            one["ParameterKey"]: one.get("ParameterValue")
            for one in found["Stacks"][0].get("Parameters", [])
        }
        return given.get(STAGE_PARAMETER) == self.stage.name

    def resources(self, stack: str, region: str | None = None) -> list[Described]:
        """List the resources of a stack of this stage that were not deleted.

        Nothing where there is no such stack.
        """
        if not self.made(stack, region):
            return []
        found = self.service("cloudformation", region).pages(
            "list_stack_resources", "StackResourceSummaries", StackName=stack
        )
        return [one for one in found if one["ResourceStatus"] != "DELETE_COMPLETE"]
