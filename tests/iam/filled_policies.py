"""A stage whose functions' calls are known with all that they ask for, and which may be held
against policies.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from localaws.aurora.client import service as rds_service
from localaws.iam import (
    Call,
    EncryptedSecret,
    PermissionRequest,
    Policy,
    ResourceLookup,
    evaluate,
    permission_requests,
)
from localaws.iam.refusals import refusal
from localaws.iam.sessions import Session

from aurora_restore.policies import Values, fill_policy, plans_of
from aurora_restore.stages import FUNCTIONS
from aurora_restore.stages import Stage as Configured
from chalicelib.flow.choreography import State, states_of
from chalicelib.flow.operation import Kind, Operation
from chalicelib.records.store import Change, DynamoStore, Item, TableName
from simulation.in_memory_services import client_error
from simulation.in_memory_store import InMemoryStore
from simulation.stage import ACCOUNT, STAGE, TARGET_REGION, SimulatedStage

SUFFIX = "-AbCdEf"  # what Secrets Manager adds to a name
# the secrets are encrypted under a customer's key, as people may make them
SECRETS_KEY = "alias/aurora-restore"
# the topic is encrypted under a customer's key, as the foundation makes it
TOPIC_KEY = "alias/aurora-restore"


def configured(environment: Mapping[str, str]) -> Configured:
    """Give the configured stage of the tests, with an environment of its own."""
    config = dict(Configured.read(STAGE).config)
    return Configured(
        STAGE, {**config, "stages": {STAGE: {"environment_variables": dict(environment)}}}
    )


def values(environment: Mapping[str, str], parameters: Mapping[str, str] | None = None) -> Values:
    """Give what the templates are filled in with for a stage with this environment and these SSM
    parameters.
    """
    stage = configured(environment)
    return Values.of(stage, plans_of(stage, parameters, account=ACCOUNT), account=ACCOUNT)


def policies(
    environment: Mapping[str, str], parameters: Mapping[str, str] | None = None
) -> dict[str, Policy]:
    """Fill in every function's policy for such a stage."""
    given = values(environment, parameters)
    return {function: Policy.of(fill_policy(function, given), function) for function in FUNCTIONS}


def arn_of(function: str) -> str:
    """Name a function of the stage."""
    return f"arn:aws:lambda:{TARGET_REGION}:{ACCOUNT}:function:aurora-restore-{STAGE}-{function}"


class HeldStage(SimulatedStage):
    """A stage that keeps what every call of its functions asks for, and refuses what their
    policies do not allow.

    `parameters` are SSM's, by the name below the stage's path. Of `meanwhile` a function's entry is
    run, once, when it makes its next call of RDS.
    """

    def __init__(
        self, environment: dict[str, str] | None = None, parameters: Mapping[str, str] | None = None
    ) -> None:
        self.asked: dict[tuple[str, object], PermissionRequest] = {}
        self.denied: list[str] = []
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self._running: str | None = None
        super().__init__(environment)
        self.values = values(self.environment, parameters)
        self.policies: dict[str, Policy] = policies(self.environment, parameters)
        for name, value in (parameters or {}).items():
            self.parameters.put_parameter(Name=f"/aurora-restore/{STAGE}/{name}", Value=value)
        self.store = _HeldStore(self)

    def deploy(self, **environment: str) -> None:
        """Deploy the stage with other settings; only what is asked for since then is kept."""
        self.environment |= environment
        self.values, self.policies = values(self.environment), policies(self.environment)
        self.asked.clear()

    @cached_property
    def world(self) -> ResourceLookup:
        """What the questions need to know."""
        return ResourceLookup(self.aurora.find, self.keys, self._secret, lambda _topic: TOPIC_KEY)

    def _secret(self, account: str, region: str, name: str) -> EncryptedSecret | None:
        known = name in self.secrets._values
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}{SUFFIX}"
        return EncryptedSecret(arn, SECRETS_KEY) if known else None

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once, under its own name."""
        self._running = step
        super().invoke(step, envelope)
        self._running = None

    def beat(self) -> None:
        """Run one tick of the heartbeat, under its own name."""
        self._running = "heartbeat"
        super().beat()
        self._running = None

    def run_until_turn_of(self, step: str) -> None:
        """Let time pass until the newest operation is in a state that a step answers."""
        before = len(self.all_operations())
        for _ in range(2_000):
            operations = self.all_operations()[before:]
            if operations and operations[-1].state in states_of(step):
                return
            self._go_on()
        raise TimeoutError(f"It never was the turn of {step}: {self.all_operations()[-1:]}.")

    def run_until_state(self, state: State) -> None:
        """Let time pass until the newest restore is in a state."""
        for _ in range(5_000):
            if self.all_operations() and self.newest().state is state:
                return
            self._go_on()
        raise TimeoutError(f"It never was {state}: {self.newest()}.")

    def newest(self) -> Operation:
        """Give the newest restore or rollback."""
        found = self.all_operations()
        return [operation for operation in found if operation.kind is not Kind.RETIRE][-1]

    def _go_on(self) -> None:
        """Let one thing happen: an event, a tick of the heartbeat, or the passing of time."""
        if self.queue:
            self.deliver_one(self.queue.popleft())
        elif self.clock.now() >= self.next_tick:
            self.next_tick += timedelta(seconds=60)
            self.beat()
        else:
            due = self.aurora.next_transition()
            self.move_to(min(due, self.next_tick) if due else self.next_tick)
            self.aurora.tick()

    def hold(
        self, service: str, method: str, parameters: Mapping[str, Any], region: str = TARGET_REGION
    ) -> None:
        """Keep what a call asks for.

        Raises the error of AWS if the function's policy does not allow it.
        """
        function = self._running
        if function is None:  # a test looks for itself
            return
        if service == "rds" and function in self.meanwhile:
            self._running = None
            self.meanwhile.pop(function)()
            self._running = function
        call = Call(
            service, _operation(service, method), parameters, ACCOUNT, region, arn_of(function)
        )
        for ask in permission_requests(call, self.world):
            self.asked[function, ask.identity] = ask
            self._judge(function, call, method, ask)

    def _judge(self, function: str, call: Call, method: str, ask: PermissionRequest) -> None:
        decision = evaluate([self.policies[function]], ask.action, ask.resource, ask.context)
        if not decision.allowed:
            self.denied.append(f"{function}: {ask.action} on {ask.resource} {decision.why}")
            session = Session.of(
                f"arn:aws:iam::{ACCOUNT}:role/aurora-restore-{STAGE}-{function}", arn_of(function)
            )
            refused = refusal(call, ask, decision, session.principal)
            raise client_error(refused.code, refused.message, method, refused.status)

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        return _Held(
            super().client(service, region),
            lambda method, given: self.hold(service, method, given, region),
        )


def _operation(service: str, method: str) -> str:
    return (
        rds_service().names[method]
        if service == "rds"
        else "".join(map(str.capitalize, method.split("_")))
    )


class _Held:
    """A client that asks before each call."""

    def __init__(self, client: Any, hold: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._client, self._hold = client, hold

    def __getattr__(self, method: str) -> Any:
        if method == "meta":  # which is no call
            return self._client.meta
        call = getattr(self._client, method)

        def held(**parameters: Any) -> Any:
            self._hold(method, parameters)
            return call(**parameters)

        return held

    def get_paginator(self, method: str) -> "_HeldPages":
        return _HeldPages(
            self._client.get_paginator(method), lambda given: self._hold(method, given)
        )


class _HeldPages:
    """A paginator that asks before its first page."""

    def __init__(self, pages: Any, hold: Callable[[Mapping[str, Any]], None]) -> None:
        self._pages, self._hold = pages, hold

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        self._hold(
            {name: value for name, value in parameters.items() if name != "PaginationConfig"}
        )
        yield from self._pages.paginate(**parameters)


class _HeldStore(InMemoryStore):
    """Tables in memory, each of whose uses is also put to the real store, to learn what DynamoDB
    would be asked.
    """

    def __init__(self, stage: HeldStage) -> None:
        super().__init__()
        self.tables = stage.store.tables
        tables = {
            "state_table": stage.environment["STATE_TABLE_NAME"],
            "audit_table": stage.environment["AUDIT_TABLE_NAME"],
        }
        self._real = DynamoStore(_DynamoDB(stage), **tables)

    def get(self, key: str, table: TableName = "state") -> Item | None:
        self._real.get(key, table)
        return super().get(key, table)

    def change(self, change: Change) -> Item:
        self._real.change(change)
        super().change_all(change)
        return super().get(change.key, change.table) or {}

    def change_all(self, *changes: Change) -> None:
        self._real.change_all(*changes)
        super().change_all(*changes)

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        list(self._real.query(index, value, up_to=up_to, newest_first=newest_first, page=page))
        return super().query(index, value, up_to=up_to, newest_first=newest_first, page=page)


class _DynamoDB:
    """A client that is asked and answers nothing."""

    def __init__(self, stage: HeldStage) -> None:
        self._stage = stage

    def __getattr__(self, method: str) -> Any:
        def call(**parameters: Any) -> dict[str, Any]:
            self._stage.hold("dynamodb", method, parameters)
            return {"Attributes": {}}

        return call

    def get_paginator(self, method: str) -> "_HeldPages":
        return _HeldPages(_NoPages(), lambda given: self._stage.hold("dynamodb", method, given))


class _NoPages:
    def paginate(self, **_parameters: Any) -> Iterator[Any]:
        yield {"Items": []}
