"""One operation a night.

The same nights for all contenders, over phases of the heartbeat and of Aurora's durations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Final

from localaws.aurora import Durations

from bench.baselines import Poller, RenamingPoller, Waiter
from bench.measured import MeasuredNight
from bench.meter import HEARTBEAT, Meter, mean
from bench.outage import OutageSummary, StandingHours, averaged, mean_hours
from bench.pointed import RECORD, PointedTargets
from bench.priced import PricedSimulation
from bench.restarts import StaleCertificates
from bench.silence import LogVolume, listened, quiet

MINUTE, HOUR, DAY = 60, 3600, 86_400
PHASES: Final = 12  # of the heartbeat against the night's start, 5 s apart
NIGHTS: Final = 5  # of each stage: the first, before which nothing is known, and later ones
JITTER: Final = 0.05  # each duration is up to so much shorter or longer, anew every night,
JITTER_SECONDS: Final = (
    30.0  # and up to so many seconds at least, or half of itself: else a poller may divide it
)
HINTS: Final[tuple[float | None, ...]] = (
    0.0,
    5.0,
    30.0,
    60.0,
    None,
)  # seconds after which RDS's events arrive
OURS, P30, P60, W30 = "choreography", "poller 30 s", "poller 60 s", "waiter 30 s"
SWAP = "choreography, swap"
AT_ONCE = "choreography, swap, KEEP_PREVIOUS_HOURS=0"
STOPPED = "choreography, swap, STOP_PREVIOUS=true"
RESTARTED = "choreography, swap and restart"
POINTER = "choreography, pointer"
POINTER_AT_ONCE = "choreography, pointer, KEEP_PREVIOUS_HOURS=0"
POINTER_STOPPED = "choreography, pointer, STOP_PREVIOUS=true"
POINTER_RECORD = "choreography, pointer with a DNS record"
BY_HAND = "renames by hand, 30 s"
USUAL_NIGHT: Final = Durations(
    copy=20 * MINUTE,
    cluster_delete=6 * MINUTE,
    instance_delete=3 * MINUTE,
    restore=12 * MINUTE,
    instance_create=8 * MINUTE,
)
CASES: Final[Mapping[str, Durations]] = {
    "20-minute copy": USUAL_NIGHT,
    "4-hour copy": replace(USUAL_NIGHT, copy=4 * HOUR),
}
FIRST_CASE: Final = next(iter(CASES))
_MACHINES: Final[Mapping[str, Callable[[], PricedSimulation]]] = {
    P30: partial(Poller, 30.0),
    P60: partial(Poller, 60.0),
    W30: partial(Waiter, 30.0),
}
OTHERS: Final = tuple(_MACHINES)
_REPLACED: Final[Mapping[str, Mapping[str, str]]] = {  # the settings of our own contenders
    SWAP: {"REPLACEMENT": "swap"},
    AT_ONCE: {"REPLACEMENT": "swap", "KEEP_PREVIOUS_HOURS": "0"},
    STOPPED: {"REPLACEMENT": "swap", "STOP_PREVIOUS": "true"},
    RESTARTED: {"REPLACEMENT": "swap"},
    POINTER: {"REPLACEMENT": "pointer"},
    POINTER_AT_ONCE: {"REPLACEMENT": "pointer", "KEEP_PREVIOUS_HOURS": "0"},
    POINTER_STOPPED: {"REPLACEMENT": "pointer", "STOP_PREVIOUS": "true"},
    POINTER_RECORD: {"REPLACEMENT": "pointer", **RECORD},
}
_STAGES: Final[Mapping[str, type[PricedSimulation]]] = {  # of those that need another one
    RESTARTED: StaleCertificates,
    **dict.fromkeys((POINTER, POINTER_AT_ONCE, POINTER_STOPPED, POINTER_RECORD), PointedTargets),
}
BESIDE: Final[tuple[tuple[str, float | None], ...]] = (
    (SWAP, 5.0),
    (SWAP, None),
    (AT_ONCE, 5.0),
    (STOPPED, 5.0),
    (RESTARTED, 5.0),
    (BY_HAND, None),
    (POINTER, 5.0),
    (POINTER, None),
    (POINTER_AT_ONCE, 5.0),
    (POINTER_STOPPED, 5.0),
    (POINTER_RECORD, 5.0),
)


@dataclass(frozen=True)
class Task:
    """One stage's nights.

    Whose, with which events, how long the copy, and when the heartbeat beats.
    """

    case: str
    contender: str
    hints: float | None
    phase: int

    @property
    def row(self) -> tuple[str, str, float | None]:
        """Name what the phases are averaged for."""
        return self.case, self.contender, self.hints


@dataclass(frozen=True)
class Summary:
    """The mean of some nights; seconds.

    `retirement` is what the previous target's deletion took besides, and `day` what stood during
    the day.
    """

    took: float
    added: float
    added_most: float
    aurora: float
    own: Mapping[str, float]
    meter: Meter
    nights: int
    outage: OutageSummary
    retirement: Meter
    day: StandingHours

    @property
    def counts(self) -> Mapping[str, float]:
        """Give the counts by kind."""
        return self.meter.by_kind()


@dataclass(frozen=True)
class Row:
    """One contender's first night and its later ones."""

    first: Summary
    later: Summary


Rows = Mapping[tuple[str, str, float | None], Row]


def tasks(phases: int = PHASES) -> list[Task]:
    """List all that is measured.

    Events mean nothing to the others, so those are measured without. How long a copy takes means
    nothing to a swap or a pointer, which are measured with the first.
    """
    who = [(OURS, hints) for hints in HINTS] + [(other, None) for other in OTHERS]
    return [
        Task(case, *contender, phase)
        for case in CASES
        for contender in ([*who, *BESIDE] if case == FIRST_CASE else who)
        for phase in range(phases)
    ]


def drawn(usual: Durations, phase: int, night: int) -> Durations:
    """Draw a night's durations.

    They depend on the phase and the night alone, so that all contenders have the same.
    """
    random = Random(1000 * phase + night)  # noqa: S311 # dice, not secrets
    spread = {
        name: max(JITTER * seconds, min(JITTER_SECONDS, seconds / 2))
        for name, seconds in vars(usual).items()
    }
    return Durations(
        **{
            name: seconds + random.uniform(-1, 1) * spread[name]
            for name, seconds in vars(usual).items()
        }
    )


def simulation_of(contender: str, hints: float | None) -> PricedSimulation:
    """Make a contender's stage."""
    if contender in _MACHINES:
        return _MACHINES[contender]()
    if contender == BY_HAND:
        return RenamingPoller(30.0)
    made = _STAGES.get(contender, PricedSimulation)
    return made(hints, environment=_REPLACED.get(contender, {}))


def play(task: Task, many: int = NIGHTS) -> list[MeasuredNight]:
    """Play a stage's nights, a day apart."""
    with quiet():
        simulation = simulation_of(task.contender, task.hints)
        simulation.staging()
        nights = []
        for number in range(many):
            durations = drawn(CASES[task.case], task.phase, number)
            night = simulation.night_of(durations, tick_after=(task.phase + 0.5) * 60 / PHASES)
            nights.append(simulation.day_after(night, DAY))
        return nights


def summed(nights: Sequence[MeasuredNight]) -> Summary:
    """Average nights."""
    added, many = [night.added for night in nights], len(nights)
    own = {
        state: sum(night.own.get(state, 0) for night in nights) / many for state in nights[0].own
    }
    aurora = sum(night.aurora for night in nights) / many
    return Summary(
        took=sum(night.took for night in nights) / many,
        added=sum(added) / many,
        added_most=max(added),
        aurora=aurora,
        own=own,
        meter=mean([night.meter for night in nights]),
        nights=many,
        outage=averaged([night.outage for night in nights]),
        retirement=mean([night.retirement for night in nights]),
        day=mean_hours([night.day for night in nights]),
    )


def gathered(found: Sequence[tuple[Task, list[MeasuredNight]]]) -> Rows:
    """Make the rows of what was played."""
    rows = {}
    for row in dict.fromkeys(task.row for task, _ in found):
        played = [nights for task, nights in found if task.row == row]
        later = [night for nights in played for night in nights[1:]]
        rows[row] = Row(summed([nights[0] for nights in played]), summed(later))
    return rows


def idle_tick() -> Meter:
    """Measure an hour in which nothing is due, by the tick: what the heartbeat costs at rest."""
    with quiet():
        simulation = PricedSimulation(5.0)
        simulation.staging()
        simulation.night_of(USUAL_NIGHT)
        before = simulation.meter.copy()
        until, ticks = simulation.clock.now().timestamp() + HOUR, len(simulation.ticks)
        while simulation.clock.now().timestamp() < until:
            simulation.step_time()
    return mean([simulation.meter.since(before)] + [Meter()] * (len(simulation.ticks) - ticks - 1))


def log_volume_per_day() -> LogVolume:
    """Listen to a day with one night in it, at the level at which functions are deployed."""
    log_volume = LogVolume()
    with listened("INFO", log_volume):
        simulation = PricedSimulation(5.0)
        simulation.staging()
        until = simulation.clock.now().timestamp() + DAY
        simulation.night_of(USUAL_NIGHT)
        while simulation.clock.now().timestamp() < until:
            simulation.step_time()
    return log_volume


def a_day(night: Meter, tick: Meter) -> float:
    """Price a day with one night: the ticks of the night are in it already. Dollars."""
    ticks = DAY / 60 - night.counts[HEARTBEAT, "requests"]
    return night.dollars + ticks * tick.dollars
