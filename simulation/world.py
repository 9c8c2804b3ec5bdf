"""The simulated world: functions that run and die, and calls of which every one is a question to the oracle.

A crash cannot be caught by the application. A function that is suspended in a call while others run
is bounded by its time-out, as on Lambda: at its next call after that it is dead.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.flow.choreography import REQUESTED
from chalicelib.ports import Ports
from chalicelib.runtime import router
from chalicelib.settings import Settings
from chalicelib.steps.heartbeat import heartbeat
from simulation import faults
from simulation.injector import FINE, Oracle, Site
from simulation.instrumented import WatchedClient, WatchedDatabase, WatchedStore
from simulation.stage import ACCOUNT, TARGET_REGION
from simulation.timeline import Timeline

BRISK = {  # deadlines that let a run end soon; every rule about them stays the same
    "COPY_CHECK_INTERVAL": "60",
    "RESTORE_CHECK_INTERVAL": "60",
    "STEP_DEADLINE": "900",
    "SNAPSHOT_DEADLINE": "900",
    "COPY_QUEUE_DEADLINE": "900",
    "COPY_DEADLINE": "900",
    "DELETE_DEADLINE": "900",
    "RESTORE_DEADLINE": "900",
    "INSTANCE_DEADLINE": "900",
    "USERS_DEADLINE": "900",
    "ARCHIVE_DEADLINE": "900",
    "NOTIFICATION_DEADLINE": "900",
}


@dataclass
class Invocation:
    """One run of one function: what woke it, and until when it lives."""

    number: int
    step: str
    envelope: Mapping[str, Any]
    deadline: datetime
    operation_id: str | None = (
        None  # which operation it is about: by its event, or by what it claimed
    )
    calls: Counter[str] = field(default_factory=Counter)


class World(Timeline):
    """A stage in which functions run, each for as long as Lambda lets it."""

    def __init__(
        self,
        oracle: Oracle,
        *,
        environment: Mapping[str, str] | None = None,
        pace: float = 10,
        lambda_seconds: float = 60,
    ) -> None:
        self.lambda_seconds = lambda_seconds
        self.stack: list[Invocation] = []
        self.deaf: set[str] = set()
        self.throttled_until: datetime | None = None
        self.crashes, self.beats, self._invocations = 0, 0, 0
        self.at_boundary: Callable[[], None] = lambda: None
        super().__init__(oracle, {**BRISK, **(environment or {})}, pace)

    # --- calls ---

    def through(
        self,
        invocation: Invocation,
        service: str,
        method: str,
        options: tuple[str, ...],
        make: Callable[..., Any],
        *,
        parameters: Mapping[str, Any],
    ) -> Any:
        """Ask what becomes of one call of one function, and let that happen."""
        if self.clock.now() >= invocation.deadline:
            raise faults.CrashError
        name = f"{service}.{method}"
        invocation.calls[name] += 1
        state = self.state_of(invocation.operation_id or "")
        site = Site(
            state, invocation.step, f"{name}/{invocation.calls[name]}", turn=invocation.number
        )
        fate = self.ask(options, site)
        if (
            fate == FINE
            and service == "rds"
            and self.throttled_until
            and self.clock.now() < self.throttled_until
        ):
            fate = faults.THROTTLED
        if fate in faults.RACED:
            self._race(invocation, fate)
        return self._let(fate, service, method, make, parameters)

    def _let(
        self,
        fate: str,
        service: str,
        method: str,
        make: Callable[..., Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        if fate in (faults.CRASH_BEFORE, faults.THROTTLED, faults.ERROR):
            raise _instead(fate, service, method)
        if fate == faults.UNTAKEN:
            return faults.not_taken(parameters["Entries"])
        if fate == faults.LAGGING:
            with self._lagging():
                return make()
        answer = make(stale=True) if fate == faults.STALE else make()
        if fate == faults.REPEATED:
            return make()
        if fate in (faults.LOST, faults.CRASH_AFTER):
            raise faults.CrashError if fate == faults.CRASH_AFTER else faults.unanswered(service)
        return answer

    @contextmanager
    def _lagging(self) -> Iterator[None]:
        """Let what a call begins be described as it was before, for longer than is common."""
        usual = self.aurora.durations
        self.aurora.set_pace(replace(usual, status_lag=faults.LAG_SECONDS))
        try:
            yield
        finally:
            self.aurora.set_pace(usual)

    def _race(self, invocation: Invocation, fate: str) -> None:
        """Let others run to their end inside a call: a twin, the heartbeat, or all that comes until the operation ends.

        The last takes as long as the suspended function may live, at most.
        """
        if fate == faults.BEAT or (fate == faults.TWIN and invocation.step == "heartbeat"):
            self.beat()
        elif fate == faults.TWIN:
            self.invoke(invocation.step, dict(invocation.envelope))
        else:
            self.deliver()
            while self.open and self.clock.now() < invocation.deadline:
                self.step_time(invocation.deadline)

    # --- functions ---

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once, unless it is deaf; what it raises is kept.

        Lambda does not try again: the deployment says so, because the heartbeat is the retry. Only
        a person's request has nothing else to be found by, and goes to the failure queue.
        """
        if step in self.deaf:
            return
        with self._invocation(step, envelope) as invocation:
            self._survives(lambda: router.route(step, envelope, self._ports(invocation)))
        asked = envelope.get("id") in self._by_people and envelope["detail-type"] == REQUESTED
        if asked and not self._is_obeyed(envelope["id"]):
            self.expected -= 1  # refused, or in the failure queue: whoever asked has to ask again

    def _is_obeyed(self, event_id: str) -> bool:
        records = self.store.tables["state"].values()
        return any(record.get("requested_by_event") == event_id for record in records)

    def beat(self) -> None:
        """Run one tick of the heartbeat."""
        if "heartbeat" not in self.deaf:
            with self._invocation("heartbeat", {}) as invocation:
                first, self.beats = self.beats == 0, self.beats + 1
                self._survives(lambda: heartbeat(self._ports(invocation), first=first))

    def _survives(self, function: Callable[[], None]) -> bool:
        """Run a function; True when it crashed or raised."""
        try:
            function()
        except faults.CrashError:
            self.crashes += 1
        except Exception as error:  # noqa: BLE001 # this is Lambda's place: it takes whatever a function raises
            self.failures.append(error)
        else:
            return False
        return True

    @contextmanager
    def _invocation(self, step: str, envelope: Mapping[str, Any]) -> Iterator[Invocation]:
        self._invocations += 1
        deadline = self.clock.now() + timedelta(seconds=self.lambda_seconds)
        named = (envelope.get("detail") or {}).get("operation_id")
        self.stack.append(Invocation(self._invocations, step, envelope, deadline, named))
        outer, self.writer = self.writer, step
        try:
            yield self.stack[-1]
        finally:
            self.stack.pop()
            self.writer = outer
        if not self.stack:
            self.at_boundary()

    def _ports(self, invocation: Invocation) -> Ports:
        def client(service: str, region: str) -> Any:
            return WatchedClient(self, invocation, service, region, self._client(service, region))

        def database(*where: Any) -> Any:
            return WatchedDatabase(self, invocation, self._database(*where))

        return Ports(
            settings=Settings.of_environment(self.environment),
            store=WatchedStore(self, invocation, self.recording),
            account=ACCOUNT,
            partition="aws",
            region=TARGET_REGION,
            clients=client,
            now=self.clock.now,
            remaining_seconds=lambda: max(
                0.0, (invocation.deadline - self.clock.now()).total_seconds()
            ),
            new_id=self._new_id,
            database=database,
        )


def _instead(fate: str, service: str, method: str) -> BaseException:
    if fate == faults.CRASH_BEFORE:
        return faults.CrashError()
    return faults.throttled(service, method) if fate == faults.THROTTLED else faults.failed(method)
