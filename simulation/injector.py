"""The fault injector: asked at each call and each delivery, it says what becomes of it.

The same questions serve every driver: a schedule that is enumerated, a seed, Hypothesis, or a seed
that failed once. What was answered is the run's schedule: it replays the run exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

FINE = "fine"
# questions after which a seed throws no dice any more: every end is promised for when faults stop
STORM_MAX = 1000


@dataclass(frozen=True)
class CallSite:
    """Where a question is asked: which function, in which state of its operation, about what.

    `what` names the call and its number among the like calls of one invocation
    (`rds.delete_db_instance/2`), or the event that is to be delivered. Two questions at one site
    belong to one class.
    """

    state: str
    step: str
    what: str
    turn: int = field(
        default=0, compare=False
    )  # the number of the invocation that asks, 0 for the bus and the clock

    def __str__(self) -> str:
        return f"{self.step} in {self.state or 'no state'}: {self.what}"


@dataclass(frozen=True)
class Question:
    """One question, and the answer."""

    number: int
    site: CallSite
    options: Sequence[str]
    answer: str


Schedule = tuple[tuple[int, str], ...]
"""The faults of a run.

Number of the question, counted from 0, and what was answered instead of FINE; in order.
"""


class FaultChooser(Protocol):
    """What decides what becomes of a call or a delivery."""

    def choose(self, options: Sequence[str], site: CallSite) -> str:
        """Choose one of `options`, the first of which is FINE."""


class StaleScheduleError(Exception):
    """A schedule answers a question with what is no option of it (any more).

    The code has changed since.
    """


@dataclass
class FaultInjector:
    """Keeps the questions of a run and lets `answer` decide.

    The faults among the answers are the schedule.
    """

    answer: Callable[[int, Sequence[str], CallSite], str]
    asked: list[Question] = field(default_factory=list)
    unplaced: list[tuple[str, str]] = field(
        default_factory=list
    )  # of `placed`: what no question has come to

    def choose(self, options: Sequence[str], site: CallSite) -> str:
        """Ask, and remember."""
        number = len(self.asked)
        answer = self.answer(number, options, site)
        self.asked.append(Question(number, site, options, answer))
        return answer

    @property
    def schedule(self) -> Schedule:
        """The faults so far."""
        return tuple(
            (question.number, question.answer) for question in self.asked if question.answer != FINE
        )


def scripted(schedule: Schedule) -> FaultInjector:
    """Answer as a schedule says, FINE where it says nothing; raises StaleScheduleError."""
    script: Mapping[int, str] = dict(schedule)

    def answer(number: int, options: Sequence[str], site: CallSite) -> str:
        wanted = script.get(number, FINE)
        if wanted not in options:
            raise StaleScheduleError(
                f"Question {number} ({site}) has no answer {wanted}; it has {', '.join(options)}."
            )
        return wanted

    return FaultInjector(answer)


def seeded(seed: int, rate: float) -> FaultInjector:
    """Throw dice.

    With probability `rate` one of the first questions is answered with one of its faults.
    """
    random = Random(seed)  # noqa: S311 # dice, not secrets

    def answer(number: int, options: Sequence[str], _site: CallSite) -> str:
        return random.choice(options[1:]) if number < STORM_MAX and random.random() < rate else FINE

    return FaultInjector(answer)


def placed(places: Sequence[tuple[str, str]]) -> FaultInjector:
    """Answer by place.

    Each (site, fault) is the answer to the next question at that site, one after another.

    Unlike numbers, places survive changes of the code elsewhere: this is how schedules that failed
    once are kept.
    """
    waiting = list(places)

    def answer(_number: int, options: Sequence[str], site: CallSite) -> str:
        if waiting and waiting[0][0] == str(site) and waiting[0][1] in options:
            return waiting.pop(0)[1]
        return FINE

    asking = FaultInjector(answer)
    asking.unplaced = waiting
    return asking


def spaced(gaps: Sequence[tuple[int, int]]) -> FaultInjector:
    """Answer by gaps: after so many questions comes such a fault.

    To Hypothesis, fewer and smaller is simpler.
    """
    waiting = list(gaps)
    since = 0

    def answer(_number: int, options: Sequence[str], _site: CallSite) -> str:
        nonlocal since
        since += 1
        if not waiting or since <= waiting[0][0] or len(options) == 1:
            return FINE
        since = 0
        return options[1 + waiting.pop(0)[1] % (len(options) - 1)]

    return FaultInjector(answer)


STORM = "~"  # after the scene's name: under so many faults any end is an end


def format_run(scene: str, schedule: Schedule, *, storm: bool = False) -> str:
    """Write a run as one line that replays it.

    `night 37=crash-after 52=doubled`, or `night~ …` for a storm.
    """
    return " ".join(
        [f"{scene}{STORM if storm else ''}", *(f"{number}={fault}" for number, fault in schedule)]
    )


def parse_run(line: str) -> tuple[str, Schedule, bool]:
    """Read such a line: the scene, its faults, and whether it was a storm.

    Raises ValueError with a sentence.
    """
    named, *faults = line.split() or [""]
    scene = named.removesuffix(STORM)
    pairs = [fault.partition("=") for fault in faults]
    if not all(number.isdigit() and what for number, _, what in pairs):
        raise ValueError(f"'{line}' is no run: write a scene, then number=fault for each fault.")
    return scene, tuple((int(number), what) for number, _, what in pairs), named.endswith(STORM)
