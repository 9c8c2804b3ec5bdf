"""The simulation with a price: each call takes a while of its function's time, and is counted.

Functions do not hold one another up: each runs on a clock of its own, which begins when it was
woken. What it puts on the bus arrives later by `BUS_SECONDS`; RDS's own events arrive after
`hints_seconds`, or never. Only a function that waits by itself holds the others up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from localaws.aurora import Durations

from bench.latencies import BUS_SECONDS, CALL_SECONDS, COLD_START_SECONDS, LocalClock, Warmth
from bench.measured import MeasuredNight, aurora_seconds, own_seconds
from bench.meter import HEARTBEAT, Meter
from bench.outage import TARGET, Standing, TargetWatch, give_users
from bench.rates import Busy, Rates, Tick
from bench.tables import MeteredStore, PricedTables
from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.plan import default_of
from chalicelib.ports import Ports
from chalicelib.records.store import Item
from simulation.functions import SimulatedFunctions
from simulation.history import Entry
from simulation.injector import CallSite
from simulation.invocation import Invocation
from simulation.positions import Positions
from simulation.recorder import Recorder
from simulation.settings import TARGET_REGION
from simulation.simulation import SHORT_DEADLINES, Simulation
from simulation.stage import IdleStage

SNAPSHOT_EVENT: Final = "RDS DB Cluster Snapshot Event"
CREATED: Final = "Automated cluster snapshot created"
CHANGING: Final = frozenset(  # services whose calls change what people have
    {"rds", "postgresql", "secretsmanager", "ssm", "route53"}
)
START_SECONDS: Final = 5.0  # after which the snapshot's own event comes, for all contenders
USUAL: Final = {
    name: str(default_of(name.lower())) for name in SHORT_DEADLINES
}  # deadlines and spacing


class _NoFaults:
    """An injector that never has anything go wrong, and remembers nothing."""

    def choose(self, options: Sequence[str], site: CallSite) -> str:
        """Choose what is fine."""
        del site
        return options[0]


class _UnseenPositions(Positions):
    """Positions that nobody compares: with ten thousand clusters that takes long."""

    def look(self) -> None:
        """See nothing."""


class UncheckedRecorder(Recorder):
    """A recorder that keeps no history: one of ten thousand restores is long."""

    def __init__(self, stage: IdleStage, lambda_seconds: float) -> None:
        super().__init__(stage, lambda_seconds)
        self.positions = _UnseenPositions(stage, self.see)

    def see(self, entry: Entry) -> None:
        """Keep and check nothing: `make prove` does."""


class PricedFunctions(SimulatedFunctions):
    """Functions whose calls take their time, and are counted."""

    def __init__(self, simulation: "PricedSimulation", *parts: Any) -> None:
        self._simulation = simulation
        super().__init__(*parts)

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
        simulation = self._simulation
        simulation.spend(service)
        simulation.meter.called(invocation.step, service, method, parameters)
        if service == "rds":
            asked = bool(invocation.envelope.get("asked"))
            simulation.rates.called(simulation.clock.now(), simulation.cause, asked=asked)
        try:
            return make()
        finally:
            if service in CHANGING:
                simulation.note_transitions()

    @contextmanager
    def invocation(self, step: str, envelope: Mapping[str, Any]) -> Iterator[Invocation]:
        """Begin an invocation, cold or warm, and end it: the clock is set back."""
        simulation = self._simulation
        begun, before = simulation.clock.now(), simulation.cause
        simulation.cause = simulation.tick_of(step, envelope)
        with super().invocation(step, envelope) as invocation:
            simulation.start(step, begun)
            try:
                yield invocation
            finally:
                simulation.end(step, begun)
                simulation.cause = before

    def ports(self, invocation: Invocation) -> Ports:
        """Give an invocation its ports, with a store that is priced."""
        simulation = self._simulation
        store = simulation.store_for(invocation)
        return replace(super().ports(invocation), store=store, pause=simulation.pause)


class PricedSimulation(Simulation):
    """A simulation whose restores are measured."""

    functions: PricedFunctions
    aurora_works: tuple[str, ...] = ("the renames",)  # for which no swap can do without a target
    watched: type[TargetWatch] = TargetWatch  # as clients look for the target

    def __init__(
        self,
        hints_seconds: float | None,
        *,
        ticks: bool = True,
        environment: Mapping[str, str] | None = None,
        lambda_seconds: float = 60,
    ) -> None:
        self.hints_seconds, self.clock = hints_seconds, LocalClock()
        self.meter, self.warmth, self.busy, self.rates = Meter(), Warmth(), Busy(), Rates()
        self.ticks: list[Tick] = []
        self.started: datetime | None = None
        self.ended: dict[str, tuple[State, datetime]] = {}
        self.watch: TargetWatch | None = None
        self.standing: Standing | None = None
        self.cause = 0  # the number of the tick that the present invocation is owed to
        super().__init__(
            _NoFaults(),
            environment={**USUAL, **(environment or {})},
            pace=1,
            lambda_seconds=lambda_seconds,
            clock=self.clock,
            recorder=UncheckedRecorder,
            functions=partial(PricedFunctions, self),
        )
        self.stage.checked = False  # tests and `make prove` hold calls against botocore's model
        self.stage.on_event, self.stage.on_rds_event = self._send, self._hint
        self.tables = PricedTables(self._written)
        if not ticks:
            self.functions.disabled.add(HEARTBEAT)

    def _written(self, key: str, item: Item) -> None:
        if key not in self.ended and item.get("state") in TERMINAL:
            self.ended[key] = (State(item["state"]), self.clock.now())

    def store_for(self, invocation: Invocation) -> Any:
        """Give an invocation the tables, whose reads and writes are counted."""
        return MeteredStore(self.tables, self.meter, invocation.step, self.spend)

    def staging(self) -> None:
        """Make the old target with the plan's users, and forget the events of that."""
        self.stage.staging()
        give_users(self.stage.cluster_at(self._host_of(TARGET)))
        self._forget()

    def _host_of(self, name: str) -> str:
        found = self.stage.rds().describe_db_clusters(DBClusterIdentifier=name)
        return str(found["DBClusters"][0]["Endpoint"])

    def settle(self) -> None:
        """Let Aurora finish, and forget the events of that."""
        self.stage.settle()
        self._forget()

    def _forget(self) -> None:
        self.bus.forget()
        self.busy = Busy()

    # --- time ---

    def spend(self, service: str) -> None:
        """Let the present invocation wait for a service's answer."""
        self.clock.spend(CALL_SECONDS[service])

    def step_time(self, until: datetime | None = None) -> None:
        """Go to the next thing that is due."""
        super().step_time(until)
        self.note_transitions()
        if self.standing:
            self.standing.see()

    def pause(self, seconds: float) -> None:
        """Let time pass for all while a function waits by itself; what is due meanwhile is late.

        Others may not see before its time what the function writes at its end.
        """
        self.clock.hold_all()
        until = self.clock.now() + timedelta(seconds=seconds)
        while (due := self.stage.aurora.next_transition()) and due <= until:
            self.stage.move_to(due)
            self.stage.aurora.tick()
            self.note_transitions()
        self.stage.move_to(until)

    def note_transitions(self) -> None:
        """Note until when Aurora is busy, and whether people have a target."""
        self.busy.see(self.clock.now(), self.stage.aurora.next_transition())
        if self.watch:
            self.watch.see()

    def start(self, step: str, begun: datetime) -> None:
        """Start a function's environment, if none is free."""
        seconds = self.warmth.start_seconds(step, begun)
        self.meter.add(step, "cold starts", seconds == COLD_START_SECONDS)
        self.clock.spend(seconds)

    def tick_of(self, step: str, envelope: Mapping[str, Any]) -> int:
        """Name the tick that an invocation is owed to, 0 for none."""
        return len(self.ticks) + 1 if step == HEARTBEAT else int(envelope.get("tick", 0))

    def end(self, step: str, begun: datetime) -> None:
        """Count an invocation that ends, and set the clock back."""
        seconds = (self.clock.now() - begun).total_seconds()
        self.meter.invoked(step, seconds)
        self.warmth.ended(step, self.clock.now())
        if step == HEARTBEAT:
            self.ticks.append(Tick.of(seconds, self.meter, self.ticks))
        self.clock.back()

    @contextmanager
    def invoked(self, step: str) -> Iterator[Ports]:
        """Give the ports of an invocation whose work is done by the caller."""
        with self.functions.invocation(step, {}) as invocation:
            yield self.functions.ports(invocation)

    # --- events ---

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Deliver one event to every function whose rule matches it."""
        self.bus.deliver_one(envelope)

    def _send(self, envelope: dict[str, Any]) -> None:
        running = self.functions.running
        by_tick = bool(running) and running[-1].step == HEARTBEAT
        noted = {**envelope, "tick": self.cause, "asked": by_tick}
        self.bus.later(BUS_SECONDS, lambda: self.deliver_one(noted))

    def _hint(self, event: dict[str, Any]) -> None:
        behind = (self.clock.now() - self.stage.aurora.moment).total_seconds()
        if event["detail-type"] == SNAPSHOT_EVENT and event["region"] != TARGET_REGION:
            if event["detail"]["Message"] == CREATED:
                self.bus.later(START_SECONDS - behind, lambda: self._begin(event))
        elif event["region"] == TARGET_REGION and self.hints_seconds is not None:
            self.bus.later(self.hints_seconds - behind, lambda: self.deliver_one(event))

    def _begin(self, event: dict[str, Any]) -> None:
        self.started = self.clock.now()
        # Forwarded from the source's region, at the price of a custom event.
        self.meter.add("the bus", "events")
        self.deliver_one(event)

    # --- nights ---

    def night_of(
        self, durations: Durations, *, tick_after: float = 60, hours_max: float = 48
    ) -> MeasuredNight:
        """Let one night pass.

        The first tick comes `tick_after` seconds after the snapshot is begun.
        """
        self.stage.aurora.set_pace(durations)
        self.started, before = None, len(self.ended)
        self.watch = self.watched(self.stage)
        self.standing = Standing(self.stage)
        self.stage.night()
        self.stage.next_tick = self.clock.now() + timedelta(seconds=tick_after)
        end = self.clock.now() + timedelta(hours=hours_max)
        return self._measured(before, end, durations)

    def _measured(self, before: int, end: datetime, durations: Durations) -> MeasuredNight:
        while self.started is None:
            earlier, self.busy = self.meter.copy(), Busy()
            self.step_time()
        while len(self.ended) == before and self.clock.now() < end:
            self.step_time()
        if len(self.ended) == before or self.functions.failures:
            raise RuntimeError(f"A measured night did not end well: {self.functions.failures}")
        name, (state, at) = list(self.ended.items())[-1]
        if state is not State.SUCCEEDED:
            raise RuntimeError(f"A measured night ended {state}.")
        took, own = (at - self.started).total_seconds(), own_seconds(self.record(name), durations)
        aurora = sum(aurora_seconds(work, durations) for work in self.aurora_works)
        outage = self._measuring()[0].outage(self.started, aurora)
        meter = self.meter.since(earlier)
        return MeasuredNight(took, took - self.busy.seconds, self.busy.seconds, own, meter, outage)

    def _measuring(self) -> tuple[TargetWatch, Standing, datetime]:
        """Give what watches the present night, and when its event came; raises LookupError."""
        if self.watch is None or self.standing is None or self.started is None:
            raise LookupError("No night is being measured.")
        return self.watch, self.standing, self.started

    def day_after(self, night: MeasuredNight, seconds: float) -> MeasuredNight:
        """Let the rest of a day pass, and the previous target be deleted in it.

        Returns the night with what that cost, and with what stood in these hours.
        """
        watch, standing, began = self._measuring()
        before = self.meter.copy()
        while due := self.retirement_due():
            self._skip_to(due)
            self.step_time()
        retirement = self.meter.since(before)
        self.clock.advance(seconds - (self.clock.now() - began).total_seconds())
        watch.see()
        standing.see()
        outage = watch.outage(began, night.outage.aurora)
        return replace(night, outage=outage, retirement=retirement, day=standing.hours)

    def retirement_due(self) -> datetime | None:
        """Say when the operation that deletes the previous target is due; None without one."""
        items = self.tables.tables["state"].values()
        found = [item for item in items if item.get("kind") == Kind.RETIRE and item.get("open")]
        return min((datetime.fromisoformat(str(item["due_at"])) for item in found), default=None)

    def _skip_to(self, due: datetime) -> None:
        """Leave out ticks in which nothing is due, while Aurora does nothing."""
        if self.stage.aurora.next_transition() or self.bus.due:
            return
        if due > self.stage.next_tick:
            self.stage.next_tick = due
            self.stage.move_to(due)

    def record(self, operation_id: str) -> Operation:
        """Read an operation's record."""
        return Operation.from_item(self.tables.tables["state"][operation_id])
