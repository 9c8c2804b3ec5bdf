"""The stage beside what this checkout would deploy: what every check is given."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from aurora_restore.account.state import AccountState
from aurora_restore.doctor.expected import Expected
from aurora_restore.documents import Described
from aurora_restore.stages import FUNCTIONS
from chalicelib.flow.choreography import PROBE_REQUESTED
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan


@dataclass(frozen=True)
class ProbeRequest:
    """The question what `setup-db-users` reaches, and when it was put on the bus."""

    request_id: str
    at: datetime


@dataclass(frozen=True)
class StageView(AccountState):
    """One stage in one account, beside this checkout."""

    checkout: Path
    expected: Expected
    pause: Callable[[float], None] = field(default=time.sleep, kw_only=True)
    """Given seconds, waits for an answer to come."""

    # --- what has a fixed name ---

    @property
    def own_topic_arn(self) -> str:
        """The foundation's topic, which the alarms publish to."""
        return self.arn("sns", self.stage.topic)

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
    def plans(self) -> Mapping[str, Plan | SettingsError]:
        """Every plan of the stage as it is, or why it is none."""
        return self.resolve_plans(self.parameters)

    @cached_property
    def probe(self) -> ProbeRequest:
        """The question what `setup-db-users` reaches, put once, for every plan."""
        request = ProbeRequest(str(uuid4()), self.now())
        for plan in self.plans.values():
            if isinstance(plan, Plan):
                detail = {"request_id": request.request_id, "settings": plan.to_settings()}
                self.ports.put_events([(PROBE_REQUESTED, detail)])
        return request

    # --- what is deployed ---

    @cached_property
    def deployed(self) -> Mapping[str, Described]:
        """The app's functions, whole: ListFunctions leaves out their states (API reference)."""
        get = self.service("lambda").call
        return {
            name: get("get_function_configuration", FunctionName=self.stage.function(name))
            for name in FUNCTIONS
            if name in self.functions
        }

    @cached_property
    def foundation(self) -> list[Described]:
        """What CloudFormation says it made by the two stacks in the stage's region."""
        names = (self.stage.records_stack, self.stage.foundation_stack)
        return [resource for name in names for resource in self.resources(name)]

    def resources(self, stack: str, region: str | None = None) -> list[Described]:
        """List the resources of a stack of this stage; none where there is no such stack."""
        found = self.own_stack(stack, region)
        return [*found.resources] if found else []
