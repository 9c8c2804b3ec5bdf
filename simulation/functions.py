"""The functions of a stage: they run and die, and each of their calls may meet a fault.

A crash cannot be caught by the application. A function that is suspended in a call while others run
is bounded by its time-out, as on Lambda: at its next call after that it is dead.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.flow.choreography import MOVING
from chalicelib.ports import Ports
from chalicelib.runtime import router
from chalicelib.runtime.heartbeat import heartbeat
from simulation import faults
from simulation.bus import Choose
from simulation.history import Called, Entry
from simulation.in_memory_services import client_error
from simulation.injector import FINE, CallSite
from simulation.instrumented import InstrumentedClient, InstrumentedDatabase, InstrumentedStore
from simulation.invariants.calls import is_effect
from simulation.invocation import Invocation
from simulation.recorder import Recorder
from simulation.stage import IdleStage

Refuses = Callable[[str, Mapping[str, Any]], str | None]  # a code, by method and parameters
DESCRIBES_CLUSTERS = "describe_db_clusters"
HEARTBEAT_STEP = "heartbeat"  # the function that no event wakes


class SimulatedFunctions:
    """The functions of one stage, each of which runs for as long as Lambda lets it.

    `choose` decides what becomes of each call; `race` lets others run inside one.
    """

    def __init__(
        self,
        stage: IdleStage,
        recorder: Recorder,
        choose: Choose,
        race: Callable[[Invocation, str], None],
        lambda_seconds: float,
    ) -> None:
        self.recorder = recorder
        self.disabled: set[str] = set()
        self.throttled_until: datetime | None = None
        self.failures: list[Exception] = []
        self.running: list[Invocation] = []
        self.crashes, self.ticks = 0, 0
        self.at_boundary: Callable[[], None] = lambda: None
        self.wait: Callable[[datetime], None] = stage.move_to  # how time passes in a pause
        self.positions, self.pointers = recorder.positions, recorder.pointers
        self.refuses: Refuses = lambda _method, _parameters: None
        self._stage, self._choose, self._race = stage, choose, race
        self._lambda_seconds = lambda_seconds
        self._invocations = 0

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
        now = self._stage.clock.now()
        if now >= invocation.deadline:
            raise faults.CrashError
        name = f"{service}.{method}"
        invocation.calls[name] += 1
        state = self.recorder.state_of(invocation.operation_id or "")
        what = f"{name}/{invocation.calls[name]}"
        options = _options(options, state, method, parameters)
        fault = self._choose(options, CallSite(state, invocation.step, what, invocation.number))
        throttled = service == "rds" and self.throttled_until and now < self.throttled_until
        if fault == FINE and throttled:
            fault = faults.THROTTLED
        if fault in faults.RACED:
            self._race(invocation, fault)
        if fault == FINE and (code := self.refuses(method, parameters)):
            raise client_error(code, "A person's policy refuses this.", method)
        if method != DESCRIBES_CLUSTERS:
            return self._apply(fault, service, method, make, parameters)
        with self.positions.shown(stale=fault == faults.STALE):
            return self._apply(
                FINE if fault == faults.STALE else fault, service, method, make, parameters
            )

    def pause(self, invocation: Invocation, seconds: float) -> None:
        """Let a function wait while the world goes on; Lambda ends it when its time is over."""
        self.through(invocation, "the function", "pause", faults.PAUSE, lambda: None, parameters={})
        until = self._stage.clock.now() + timedelta(seconds=seconds)
        self.wait(min(until, invocation.deadline))
        if self._stage.clock.now() >= invocation.deadline:
            raise faults.CrashError

    def _apply(
        self,
        fault: str,
        service: str,
        method: str,
        make: Callable[..., Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        if fault in (faults.CRASH_BEFORE, faults.THROTTLED, faults.ERROR):
            raise _instead(fault, service, method)
        if fault == faults.UNTAKEN:
            return faults.not_taken(parameters["Entries"])
        if fault == faults.LAGGING:
            with self._lagging():
                return make()
        answer = make(stale=True) if fault == faults.STALE else make()
        if fault == faults.REPEATED:
            return make()
        if fault in (faults.LOST, faults.CRASH_AFTER):
            raise faults.CrashError if fault == faults.CRASH_AFTER else faults.unanswered(service)
        return answer

    @contextmanager
    def _lagging(self) -> Iterator[None]:
        """Let what a call begins be described as it was before, for longer than is common."""
        aurora = self._stage.aurora
        usual, lag = aurora.durations, faults.LAG_SECONDS
        aurora.set_pace(replace(usual, status_lag=lag, rename_lag=lag))
        try:
            yield
        finally:
            aurora.set_pace(usual)

    # --- invocations ---

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once, unless it is disabled; what it raises is kept."""
        if step not in self.disabled:
            with self.invocation(step, envelope) as invocation:
                self._survive(lambda: router.route(step, envelope, self.ports(invocation)))

    def tick(self) -> None:
        """Run the heartbeat once, unless it is disabled."""
        if HEARTBEAT_STEP not in self.disabled:
            with self.invocation(HEARTBEAT_STEP, {}) as invocation:
                first, self.ticks = self.ticks == 0, self.ticks + 1
                self._survive(lambda: heartbeat(self.ports(invocation), first=first))

    def _survive(self, function: Callable[[], None]) -> None:
        try:
            function()
        except faults.CrashError:
            self.crashes += 1
        except Exception as error:  # noqa: BLE001 # this is Lambda's place: it takes whatever a function raises
            self.failures.append(error)

    @contextmanager
    def invocation(self, step: str, envelope: Mapping[str, Any]) -> Iterator[Invocation]:
        """Begin an invocation and end it: what is written meanwhile is written by its function."""
        self._invocations += 1
        deadline = self._stage.clock.now() + timedelta(seconds=self._lambda_seconds)
        named = (envelope.get("detail") or {}).get("operation_id")
        self.running.append(Invocation(self._invocations, step, envelope, deadline, named))
        outer, self.recorder.writer = self.recorder.writer, step
        try:
            yield self.running[-1]
        finally:
            self.running.pop()
            self.recorder.writer = outer
        if not self.running:
            self.at_boundary()

    def ports(self, invocation: Invocation) -> Ports:
        """Give an invocation its ports, every call of which goes through `through`."""
        stage = self._stage

        def client(service: str, region: str) -> Any:
            made = stage.client(service, region)
            return InstrumentedClient(self, invocation, service, region, made)

        def database(*where: Any) -> Any:
            return InstrumentedDatabase(self, invocation, stage.database(*where))

        def remaining_seconds() -> float:
            return max(0.0, (invocation.deadline - stage.clock.now()).total_seconds())

        return replace(
            stage.ports(),
            store=InstrumentedStore(self, invocation, self.recorder.store),
            clients=client,
            database=database,
            remaining_seconds=remaining_seconds,
            pause=lambda seconds: self.pause(invocation, seconds),
        )

    # --- what the instrumented ports tell ---

    def now(self) -> datetime:
        """Give the present moment."""
        return self._stage.clock.now()

    def look_at_pointers(self) -> None:
        """Note what the pointers name, if that has changed."""
        self.pointers.look()

    def see(self, entry: Entry) -> None:
        """Keep an entry of the history and check it; raises InvariantViolation."""
        self.recorder.see(entry)
        if isinstance(entry, Called) and is_effect(entry):
            self.positions.look()


def _options(
    options: tuple[str, ...], state: str, method: str, parameters: Mapping[str, Any]
) -> tuple[str, ...]:
    """Add what may happen to a call only while clusters change their names."""
    if method == DESCRIBES_CLUSTERS and state in MOVING:
        return (*options, faults.STALE)
    return (*options, faults.REPEATED) if "NewDBClusterIdentifier" in parameters else options


def _instead(fault: str, service: str, method: str) -> BaseException:
    if fault == faults.CRASH_BEFORE:
        return faults.CrashError()
    return faults.throttled(service, method) if fault == faults.THROTTLED else faults.failed(method)
