"""The simulation with a price: every call takes a while of its function's own time, and is counted.

Functions do not hold one another up: each runs on a clock of its own, which begins when it was
woken. What it puts on the bus arrives later by `BUS_SECONDS`; RDS's own events arrive after
`hints_seconds`, or never.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from localaws.aurora import Durations

from bench.latencies import BUS_SECONDS, CALL_SECONDS, COLD_START_SECONDS, LocalClock, Warmth
from bench.meter import HEARTBEAT, Meter
from bench.rates import Busy, Rates, Tick
from bench.tables import MeteredStore, PricedTables
from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import default_of
from chalicelib.ports import Ports
from chalicelib.records.store import Item
from simulation.history import Entry
from simulation.injector import Site
from simulation.stage import TARGET_REGION
from simulation.world import BRISK, Invocation, World

SNAPSHOT_EVENT: Final = "RDS DB Cluster Snapshot Event"
CREATED: Final = "Automated cluster snapshot created"
START_SECONDS: Final = 5.0  # after which the snapshot's own event comes, for all contenders
AURORA_DOES: Final = {  # the step of a life cycle for each work of Aurora's in the choreography
    "the copy": "copy",
    "the deletion": "cluster_delete",
    "the cluster": "restore",
    "the writer": "instance_create",
    "the password reset": "password_reset",
    "the readers": "instance_create",
}
USUAL: Final = {name: str(default_of(name.lower())) for name in BRISK}  # deadlines and spacing


class _Fine:
    """An oracle that never has anything go wrong."""

    def choose(self, options: Sequence[str], site: Site) -> str:
        """Choose what is fine."""
        del site
        return options[0]


class PricedWorld(World):
    """A stage whose night is measured."""

    make_clock = LocalClock
    clock: LocalClock

    def __init__(
        self,
        hints_seconds: float | None,
        *,
        beats: bool = True,
        environment: Mapping[str, str] | None = None,
        lambda_seconds: float = 60,
    ) -> None:
        self.hints_seconds, self.meter, self.warmth, self.busy = (
            hints_seconds,
            Meter(),
            Warmth(),
            Busy(),
        )
        self.rates, self.ticks = Rates(), list[Tick]()
        self.started: datetime | None = None
        self.ended: dict[str, tuple[State, datetime]] = {}
        self._cause = 0
        super().__init__(
            _Fine(),
            environment={**USUAL, **(environment or {})},
            pace=1,
            lambda_seconds=lambda_seconds,
        )
        self.tables = PricedTables(self._written)
        if not beats:
            self.deaf.add(HEARTBEAT)

    def see(self, entry: Entry) -> None:
        """Judge nothing: that is the proof's part, and a history of ten thousand nights is long."""

    def _written(self, key: str, item: Item) -> None:
        if key not in self.ended and item.get("state") in TERMINAL:
            self.ended[key] = (State(item["state"]), self.clock.now())

    def settle(self, seconds_max: float = 6 * 3600) -> None:
        """Let Aurora finish; see `Stage.settle`."""
        super().settle(seconds_max)
        self._later.clear()
        self.busy = Busy()

    # --- time ---

    def through(  # noqa: PLR0917 # as the simulation has it
        self,
        invocation: Invocation,
        service: str,
        method: str,
        options: tuple[str, ...],
        make: Callable[..., Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        """Let a call take its time, and count it."""
        del options
        self.spend(service)
        self.meter.called(invocation.step, service, method, parameters)
        if service != "rds":
            return make()
        self.rates.called(
            self.clock.now(), self._cause, asked=bool(invocation.envelope.get("asked"))
        )
        try:
            return make()
        finally:
            self.busy.see(self.clock.now(), self.aurora.next_transition())

    def spend(self, service: str) -> None:
        """Let the present invocation wait for a service's answer."""
        self.clock.spend(CALL_SECONDS[service])

    def step_time(self, until: datetime | None = None) -> None:
        """Go to the next thing that is due."""
        super().step_time(until)
        self.busy.see(self.clock.now(), self.aurora.next_transition())

    @contextmanager
    def _invocation(self, step: str, envelope: Mapping[str, Any]) -> Iterator[Invocation]:
        begun, before = self.clock.now(), self._cause
        self._cause = self._tick_of(step, envelope)
        with super()._invocation(step, envelope) as invocation:
            self._start(step, begun)
            try:
                yield invocation
            finally:
                self._done(step)
                self._cause = before

    def _start(self, step: str, begun: datetime) -> None:
        seconds = self.warmth.start_seconds(step, begun)
        self.meter.add(step, "cold starts", seconds == COLD_START_SECONDS)
        self.clock.spend(seconds)

    def _tick_of(self, step: str, envelope: Mapping[str, Any]) -> int:
        """Name the tick that an invocation is owed to, 0 for none."""
        return len(self.ticks) + 1 if step == HEARTBEAT else int(envelope.get("tick", 0))

    def _done(self, step: str) -> None:
        seconds = self.clock.ahead_seconds
        self.meter.invoked(step, seconds)
        self.warmth.ended(step, self.clock.now())
        if step == HEARTBEAT:
            self.ticks.append(Tick.of(seconds, self.meter, self.ticks))
        self.clock.back()

    @contextmanager
    def invoked(self, step: str) -> Iterator[Ports]:
        """Give the world of an invocation whose work is done by the caller."""
        with self._invocation(step, {}) as invocation:
            yield self._ports(invocation)

    def _ports(self, invocation: Invocation) -> Ports:
        store = MeteredStore(self.tables, self.meter, invocation.step, self.spend)
        return replace(super()._ports(invocation), store=store)

    # --- events ---

    def _put(self, source: str, detail_type: str, detail: dict[str, Any]) -> str:
        event_id = super()._put(source, detail_type, detail)
        by_tick = bool(self.stack) and self.stack[-1].step == HEARTBEAT
        envelope = {**self.queue.pop(), "tick": self._cause, "asked": by_tick}
        self.later(BUS_SECONDS, lambda: self.deliver_one(envelope))
        return event_id

    def _emit(self, event: dict[str, Any]) -> None:
        behind = (self.clock.now() - self.aurora.moment).total_seconds()
        if event["detail-type"] == SNAPSHOT_EVENT and event["region"] != TARGET_REGION:
            if event["detail"]["Message"] == CREATED:
                self.later(START_SECONDS - behind, lambda: self._begin(event))
        elif event["region"] == TARGET_REGION and self.hints_seconds is not None:
            self.later(self.hints_seconds - behind, lambda: self.deliver_one(event))

    def _begin(self, event: dict[str, Any]) -> None:
        self.started = self.clock.now()
        self.meter.add(
            "the bus", "events"
        )  # forwarded from the source's region, at the price of a custom event
        self.deliver_one(event)

    # --- nights ---

    def night_of(
        self, durations: Durations, *, beat_after: float = 60, hours_max: float = 48
    ) -> "Night":
        """Let one night pass.

        The first tick comes `beat_after` seconds after the snapshot is begun.
        """
        self.aurora.set_pace(durations)
        self.started, before = None, len(self.ended)
        self.night()
        self._next_beat = self.clock.now() + timedelta(seconds=beat_after)
        end = self.clock.now() + timedelta(hours=hours_max)
        return self._measured(before, end, durations)

    def _measured(self, before: int, end: datetime, durations: Durations) -> "Night":
        while self.started is None:
            earlier, self.busy = self.meter.copy(), Busy()
            self.step_time()
        while len(self.ended) == before and self.clock.now() < end:
            self.step_time()
        if len(self.ended) == before or self.failures:
            raise RuntimeError(f"A measured night did not end well: {self.failures}")
        name, (state, at) = list(self.ended.items())[-1]
        if state is not State.SUCCEEDED:
            raise RuntimeError(f"A measured night ended {state}.")
        took, own = (at - self.started).total_seconds(), _own(self.record(name), durations)
        return Night(
            took, took - self.busy.seconds, self.busy.seconds, own, self.meter.since(earlier)
        )

    def record(self, operation_id: str) -> Operation:
        """Read an operation's record."""
        return Operation.from_item(self.tables.tables["state"][operation_id])


@dataclass(frozen=True)
class Night:
    """What one night came to.

    Seconds: from the snapshot's event to the end, of those our own, and Aurora's.
    """

    took: float
    added: float
    aurora: float
    own: Mapping[str, float]  # by state: what it took beyond Aurora's own part of it
    meter: Meter


def _own(operation: Operation, durations: Durations) -> Mapping[str, float]:
    """Say how many seconds each state took beyond what Aurora did in it."""
    own = {}
    for lasted in operation.durations:
        work = AURORA_DOES.get(ROWS[lasted.state].aurora_work or "")
        own[lasted.state.value] = lasted.seconds - (getattr(durations, work) if work else 0)
    return own
