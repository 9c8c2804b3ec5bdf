"""Events and time: what the bus and the clock bring to a stage, and when everything has come to rest."""

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.flow.choreography import State
from simulation import faults
from simulation.history import Violation
from simulation.injector import FINE, Oracle, Site
from simulation.routes import steps_for
from simulation.stage import SOURCE_REGION
from simulation.watched_stage import BrokenError, WatchedStage

LATE_SECONDS = 150
REST_SECONDS_MAX = 2 * 86_400


class Timeline(WatchedStage):
    """A watched stage whose events and ticks are questions to its oracle."""

    def __init__(self, oracle: Oracle, environment: Mapping[str, str], pace: float) -> None:
        self.silent_until: datetime | None = None
        self.everything_twice = False
        self.expected, self.heartbeats = 1, 1
        self._later: list[tuple[datetime, int, Callable[[], None], str]] = []
        self._numbers = 0
        self._by_people: set[str] = set()
        self._set_back: set[str] = set()
        self._stop_at: State | None = None
        super().__init__(oracle, environment, pace)

    def put(self, detail_type: str, **detail: Any) -> str:
        """Put an event as people do."""
        event_id = super().put(detail_type, **detail)
        self._by_people.add(event_id)
        return event_id

    def deliver(self) -> None:
        """Deliver what is on the bus, as the oracle says of each, until nothing is left."""
        while self.queue and not self._arrived():
            envelope = self.queue.popleft()
            if not (self.silent_until and self.clock.now() < self.silent_until):
                self._deliver_as(self._fate(envelope), envelope)

    def _fate(self, envelope: dict[str, Any]) -> str:
        event_id = str(envelope["id"])
        if event_id in self._set_back or not steps_for(envelope):
            return FINE
        if self.everything_twice:
            return faults.DOUBLED
        among_others = faults.DELIVERY_AMONG_OTHERS if self.queue else faults.DELIVERY
        options: tuple[str, ...] = faults.WISH if event_id in self._by_people else among_others
        state = self.state_of(str((envelope["detail"] or {}).get("operation_id", "")))
        return self.ask(options, Site(state, "the bus", name_of(envelope)))

    def _deliver_as(self, fate: str, envelope: dict[str, Any]) -> None:
        if fate == faults.LATE:
            self.later(LATE_SECONDS, lambda: self.deliver_one(envelope), spelt(envelope))
        if fate in (faults.REORDERED, faults.DOUBLED):
            self._set_back.add(str(envelope["id"]))
            self.queue.append(envelope)
        if fate in (FINE, faults.DOUBLED):
            self.deliver_one(envelope)

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Deliver one event to every function whose rule matches it."""
        for step in steps_for(envelope):
            self.invoke(step, dict(envelope))

    def later(self, seconds: float, then: Callable[[], None], name: str = "") -> None:
        """Let something happen after a while.

        By its name two worlds are told apart that wait for different things.
        """
        self._numbers += 1
        heapq.heappush(
            self._later, (self.clock.now() + timedelta(seconds=seconds), self._numbers, then, name)
        )

    def sleep(self, *, days: float) -> None:
        """Let time pass in which nobody looks and no function runs."""
        self._move_to(self.clock.now() + timedelta(days=days))
        self.aurora.tick()
        self.queue.clear()
        self._next_beat = self.clock.now() + timedelta(seconds=60)

    def step_time(self, until: datetime | None = None) -> None:
        """Go to the next thing that is due, a tick, a change in Aurora or a late event, and let it happen."""
        dues = (
            self.aurora.next_transition(),
            self._next_beat,
            self._later[0][0] if self._later else None,
            until,
        )
        self._move_to(min(filter(None, dues)))
        self.aurora.tick()
        self.deliver()
        while self._later and self._later[0][0] <= self.clock.now():
            heapq.heappop(self._later)[2]()
            self.deliver()
        if self.clock.now() >= self._next_beat:
            self._next_beat += timedelta(seconds=60)
            self._tick()

    def _tick(self) -> None:
        fate = self.ask(faults.TICK, Site(self.state_of(""), "the clock", "a tick"))
        for _ in range({faults.DROPPED: 0, faults.DOUBLED: 2}.get(fate, self.heartbeats)):
            self.beat()
        self.deliver()

    def burst(self, *, minutes: float, then: Callable[[], None] = lambda: None) -> datetime:
        """Let a fault last for some minutes; returns when it is over."""

        def over() -> None:
            self.judge.faults_stopped(self.clock.now())
            then()

        self.later(minutes * 60, over)
        return self.clock.now() + timedelta(minutes=minutes)

    @property
    def waiting(self) -> list[str]:
        """Name what is still to come, the soonest first."""
        return [name for *_, name in sorted(self._later, key=lambda one: one[:2])]

    def rest(self) -> None:
        """Let time pass until as many operations as expected have begun and all have ended.

        Raises BrokenError.
        """
        until = self.clock.now() + timedelta(seconds=REST_SECONDS_MAX)
        self.deliver()
        while len(self.states) < self.expected or self.open or self._later or self.queue:
            if self.clock.now() > until:
                raise BrokenError(
                    [
                        Violation(
                            "ends",
                            f"Two days later {sorted(self.open) or 'nothing'} is still open.",
                        )
                    ]
                )
            self.step_time()
        if broken := self.judge.rest(self.clock.now()):
            raise BrokenError(broken)

    def catch_up(self, hours: float = 2) -> None:
        """Let time pass until the target holds the newest snapshot's data.

        Raises BrokenError when it does not.

        An operation that failed is left to people: nothing is promised then.
        """
        found = self.rds(SOURCE_REGION).describe_db_cluster_snapshots(SnapshotType="automated")[
            "DBClusterSnapshots"
        ]
        newest = max(one["SnapshotCreateTime"] for one in found)
        end = self.clock.now() + timedelta(hours=hours)
        while (self.target().last_success_snapshot_at or newest - timedelta(1)) < newest:
            if State.FAILED in self.states.values():
                return
            if self.clock.now() > end:
                raise BrokenError(
                    [
                        Violation(
                            "fresh", f"{hours} hours later the target has not the data of {newest}."
                        )
                    ]
                )
            self.step_time()

    def until(self, state: State, seconds_max: float = 86_400) -> str:
        """Let time pass until an operation has come to a state and nobody acted on that.

        Returns its id.

        Returns "" when all operations end without having come there.
        """
        self._stop_at = state
        end, before = self.clock.now() + timedelta(seconds=seconds_max), len(self.states)
        self.deliver()
        while (
            not self._arrived()
            and (self.open or len(self.states) == before)
            and self.clock.now() < end
        ):
            self.step_time()
        self._stop_at = None
        return next((one for one in sorted(self.open) if self.states[one] is state), "")

    def _arrived(self) -> bool:
        return self._stop_at is not None and any(
            self.states[one] is self._stop_at for one in self.open
        )


def spelt(envelope: Mapping[str, Any]) -> str:
    """Spell an event with the operation and the state that it is about."""
    detail = envelope["detail"]
    return f"{name_of(envelope)} {detail.get('operation_id', '')} {detail.get('state', '')}"


def name_of(envelope: Mapping[str, Any]) -> str:
    """Name an event: ours by its detail-type, one of RDS by what it says of whom."""
    detail = envelope["detail"]
    if "SourceArn" in detail:
        return f"{detail['Message']} {detail['SourceArn'].split(':', 6)[-1]}"
    return str(envelope["detail-type"])
