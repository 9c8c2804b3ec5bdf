"""EventBridge among faults: an event is delivered, lost, doubled, late or out of order."""

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from simulation import faults
from simulation.injector import FINE, CallSite
from simulation.routes import steps_for
from simulation.stage import IdleStage

LATE_SECONDS = 150
Choose = Callable[[tuple[str, ...], CallSite], str]


class Bus:
    """What takes the events of a stage from its queue to its functions.

    `choose` decides what becomes of each event, and `invoke` runs the functions that it wakes.
    """

    def __init__(
        self,
        stage: IdleStage,
        choose: Choose,
        state_of: Callable[[str], str],
        invoke: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self.silent_until: datetime | None = None
        self.everything_twice = False
        self.requests: set[str] = set()  # the ids of events that people put
        self._stage, self._choose, self._state_of, self._invoke = stage, choose, state_of, invoke
        self._later: list[tuple[datetime, int, Callable[[], None], str]] = []
        self._numbers = 0
        self._set_back: set[str] = set()

    def put(self, detail_type: str, **detail: Any) -> str:
        """Put an event as people do; returns its id."""
        event_id = self._stage.put(detail_type, **detail)
        self.requests.add(event_id)
        return event_id

    def deliver(self, *, until: Callable[[], bool]) -> None:
        """Deliver what is in the queue, as the injector says of each, until nothing is left."""
        while self._stage.queue and not until():
            envelope = self._stage.queue.popleft()
            if not (self.silent_until and self._stage.clock.now() < self.silent_until):
                self._deliver_as(self._fault_of(envelope), envelope)

    def _fault_of(self, envelope: dict[str, Any]) -> str:
        event_id = str(envelope["id"])
        if event_id in self._set_back or not steps_for(envelope):
            return FINE
        if self.everything_twice:
            return faults.DOUBLED
        among_others = faults.DELIVERY_AMONG_OTHERS if self._stage.queue else faults.DELIVERY
        options = faults.REQUEST_DELIVERY if event_id in self.requests else among_others
        state = self._state_of(str((envelope["detail"] or {}).get("operation_id", "")))
        return self._choose(options, CallSite(state, "the bus", name_of(envelope)))

    def _deliver_as(self, fault: str, envelope: dict[str, Any]) -> None:
        if fault == faults.LATE:
            self.later(LATE_SECONDS, lambda: self.deliver_one(envelope), describe(envelope))
        if fault in (faults.REORDERED, faults.DOUBLED):
            self._set_back.add(str(envelope["id"]))
            self._stage.queue.append(envelope)
        if fault in (FINE, faults.DOUBLED):
            self.deliver_one(envelope)

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Deliver one event to every function whose rule matches it."""
        for step in steps_for(envelope):
            self._invoke(step, dict(envelope))

    def later(self, seconds: float, then: Callable[[], None], name: str = "") -> None:
        """Let something happen after a while.

        By its name two simulations are told apart that wait for different things.
        """
        self._numbers += 1
        due = self._stage.clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._later, (due, self._numbers, then, name))

    def forget(self) -> None:
        """Drop everything that was to happen later."""
        self._later.clear()

    @property
    def due(self) -> datetime | None:
        """When the next of what is to happen later happens."""
        return self._later[0][0] if self._later else None

    def pop_due(self) -> Callable[[], None] | None:
        """Take what is due now out of what is to happen later, one at a time."""
        is_due = self._later and self._later[0][0] <= self._stage.clock.now()
        return heapq.heappop(self._later)[2] if is_due else None

    @property
    def waiting(self) -> list[str]:
        """Name what is still to come, the soonest first."""
        in_order = sorted(self._later, key=lambda item: item[:2])
        return [name for *_, name in in_order]


def describe(envelope: Mapping[str, Any]) -> str:
    """Name an event with the operation and the state that it is about."""
    detail = envelope["detail"]
    return f"{name_of(envelope)} {detail.get('operation_id', '')} {detail.get('state', '')}"


def name_of(envelope: Mapping[str, Any]) -> str:
    """Name an event: ours by its detail-type, one of RDS by what it says of whom."""
    detail = envelope["detail"]
    if "SourceArn" in detail:
        return f"{detail['Message']} {detail['SourceArn'].split(':', 6)[-1]}"
    return str(envelope["detail-type"])
