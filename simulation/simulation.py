"""The simulation: a stage on a virtual clock, whose calls, deliveries and ticks may meet faults.

It is composed of a stage (what stands in the account), a bus (what delivers events), functions
(what runs), an injector (what decides about faults) and a recorder with its checker (what judges).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from localaws.aurora import Durations, VirtualClock

from chalicelib.flow.choreography import REQUESTED, ROLLBACK_REQUESTED, State
from simulation import faults
from simulation.bus import Bus
from simulation.functions import HEARTBEAT_STEP, SimulatedFunctions
from simulation.history import Violation
from simulation.injector import FINE, CallSite, FaultChooser
from simulation.invocation import Invocation
from simulation.recorder import TICK_SECONDS, InvariantViolation, Recorder
from simulation.settings import SOURCE_REGION
from simulation.stage import IdleStage

BEGINNINGS = (REQUESTED, ROLLBACK_REQUESTED)  # what people ask for an operation with
REST_SECONDS_MAX = 2 * 86_400
SHORT_DEADLINES = {  # with which a run ends soon; every rule about them stays the same
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


class Simulation:
    """One stage among faults, from which time passes until everything has come to rest.

    Rest is when as many operations as are `expected` have begun, and all have ended.
    """

    def __init__(
        self,
        injector: FaultChooser,
        *,
        environment: Mapping[str, str] | None = None,
        pace: float = 10,
        lambda_seconds: float = 60,
        clock: VirtualClock | None = None,
        recorder: type[Recorder] = Recorder,
        functions: Callable[..., SimulatedFunctions] = SimulatedFunctions,
    ) -> None:
        self.injector = injector
        self.expected, self.ticks_at_once = 1, 1
        self.stage = IdleStage(
            {**SHORT_DEADLINES, **(environment or {})},
            durations=Durations().scaled(pace),
            clock=clock,
        )
        for cluster in self.stage.data.clusters.values():
            cluster.active["user-mappings"] = 1
        self.recorder = recorder(self.stage, lambda_seconds)
        self.functions = functions(
            self.stage, self.recorder, self._choose, self._race, lambda_seconds
        )
        self.functions.wait = self._wait
        self.bus = Bus(self.stage, self._choose, self.recorder.state_of, self.invoke)
        self.states, self.open = self.recorder.states, self.recorder.open
        self.retirements = self.recorder.retirements
        self._stop_at: State | None = None

    def _choose(self, options: tuple[str, ...], site: CallSite) -> str:
        fault = self.injector.choose(options, site)
        if fault != FINE:
            self.recorder.note_fault(site, fault)
        return fault

    def _race(self, invocation: Invocation, fault: str) -> None:
        """Let others run to their end inside a call: a duplicate, the heartbeat, or everything.

        The last takes as long as the suspended function may live, at most.
        """
        duplicates_heartbeat = fault == faults.DUPLICATE and invocation.step == HEARTBEAT_STEP
        if fault == faults.HEARTBEAT or duplicates_heartbeat:
            self.functions.tick()
        elif fault == faults.DUPLICATE:
            self.invoke(invocation.step, dict(invocation.envelope))
        else:
            self.deliver()
            while self.open and self.stage.clock.now() < invocation.deadline:
                self.step_time(invocation.deadline)

    def _wait(self, until: datetime) -> None:
        """Let the world go on while a function waits."""
        while self.stage.clock.now() < until:
            self.step_time(until)

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once.

        Lambda does not try again: the deployment says so, because the heartbeat is the retry. Only
        a person's request has nothing else to be found by: it is refused or goes to the failure
        queue, and whoever asked has to ask again.
        """
        if step in self.functions.disabled:
            return
        self.functions.invoke(step, envelope)
        asked = envelope.get("id") in self.bus.requests and envelope["detail-type"] in BEGINNINGS
        if asked and not self._is_obeyed(envelope["id"]):
            self.expected -= 1

    def _is_obeyed(self, event_id: str) -> bool:
        records = self.stage.store.tables["state"].values()
        return any(record.get("requested_by_event") == event_id for record in records)

    @property
    def begun(self) -> dict[str, State]:
        """The states of all operations that somebody or something asked for: no retirements."""
        return {name: state for name, state in self.states.items() if name not in self.retirements}

    # --- time ---

    def deliver(self) -> None:
        """Deliver what is on the bus until nothing is left, or the awaited state is reached."""
        self.bus.deliver(until=self._has_arrived)

    def step_time(self, until: datetime | None = None) -> None:
        """Go to the next thing that is due: a tick, a change in Aurora or a late event."""
        stage = self.stage
        dues = (stage.aurora.next_transition(), stage.next_tick, self.bus.due, until)
        stage.move_to(min(filter(None, dues)))
        stage.aurora.tick()
        self.recorder.positions.look()
        self.deliver()
        while then := self.bus.pop_due():
            then()
            self.recorder.positions.look()
            self.deliver()
        if stage.clock.now() >= stage.next_tick:
            stage.next_tick += timedelta(seconds=TICK_SECONDS)
            self._tick()

    def _tick(self) -> None:
        site = CallSite(self.recorder.state_of(""), "the clock", "a tick")
        fault = self._choose(faults.TICK, site)
        for _ in range({faults.DROPPED: 0, faults.DOUBLED: 2}.get(fault, self.ticks_at_once)):
            self.functions.tick()
        self.deliver()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.stage.clock.now() + timedelta(seconds=seconds)
        self.deliver()
        while self.stage.clock.now() < until:
            self.step_time()

    def sleep(self, *, days: float) -> None:
        """Let time pass in which no function runs."""
        stage = self.stage
        stage.move_to(stage.clock.now() + timedelta(days=days))
        stage.aurora.tick()
        stage.queue.clear()
        stage.next_tick = stage.clock.now() + timedelta(seconds=TICK_SECONDS)

    def burst(self, *, minutes: float, then: Callable[[], None] = lambda: None) -> datetime:
        """Let a fault last for some minutes; returns when it is over."""

        def over() -> None:
            self.recorder.checker.faults_stopped(self.stage.clock.now())
            then()

        self.bus.later(minutes * 60, over)
        return self.stage.clock.now() + timedelta(minutes=minutes)

    def until(self, state: State, seconds_max: float = 86_400) -> str:
        """Let time pass until an operation has come to a state and nobody acted on that.

        Returns its id, or "" when all operations end without having come there.
        """
        self._stop_at = state
        end = self.stage.clock.now() + timedelta(seconds=seconds_max)
        before = len(self.begun)
        self.deliver()
        while self._goes_on(before) and self.stage.clock.now() < end:
            self.step_time()
        self._stop_at = None
        there = (opened for opened in sorted(self.open) if self.states[opened] is state)
        return next(there, "")

    def _goes_on(self, before: int) -> bool:
        """Tell whether an operation is open or to begin, and the awaited state not reached."""
        return not self._has_arrived() and (bool(self.open) or len(self.begun) == before)

    def _has_arrived(self) -> bool:
        wanted = self._stop_at
        return wanted is not None and any(self.states[opened] is wanted for opened in self.open)

    def rest(self) -> None:
        """Let time pass until everything has come to rest; raises InvariantViolation."""
        until = self.stage.clock.now() + timedelta(seconds=REST_SECONDS_MAX)
        self.deliver()
        while self._is_restless():
            if self.stage.clock.now() > until:
                still_open = sorted(self.open) or "nothing"
                raise _violation("ends", f"Two days later {still_open} is still open.")
            self.step_time()
        while self.recorder.positions.are_changing:  # a rename may outlive its operation
            self.step_time()
        if violations := self.recorder.checker.rest(self.stage.clock.now()):
            raise InvariantViolation(violations)

    def _is_restless(self) -> bool:
        begun = len(self.begun) >= self.expected
        return bool(not begun or self.open or self.bus.due or self.stage.queue)

    def catch_up(self, hours: float = 2) -> None:
        """Let time pass until the target holds the newest snapshot's data.

        Raises InvariantViolation when it does not. An operation that failed is left to people:
        nothing is promised then.
        """
        newest = self._newest_snapshot_at()
        end = self.stage.clock.now() + timedelta(hours=hours)
        while (self.stage.target().last_success_snapshot_at or newest - timedelta(1)) < newest:
            if State.FAILED in self.begun.values():
                return
            if self.stage.clock.now() > end:
                late = f"{hours} hours later the target has not the data of {newest}."
                raise _violation("fresh", late)
            self.step_time()

    def _newest_snapshot_at(self) -> datetime:
        rds = self.stage.rds(SOURCE_REGION)
        found = rds.describe_db_cluster_snapshots(SnapshotType="automated")["DBClusterSnapshots"]
        newest: datetime = max(snapshot["SnapshotCreateTime"] for snapshot in found)
        return newest


def _violation(invariant: str, sentence: str) -> InvariantViolation:
    return InvariantViolation([Violation(invariant, sentence)])
