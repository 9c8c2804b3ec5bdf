"""The exhaustive driver.

Every schedule of up to k faults, one for each class of (state, call site, fault).

Idle polls and ticks fall together: a second question at the same site in one run is not asked
again. And where the world has become, but for times and made-up names, what another run has
explored already (`fingerprint`), further faults are left to that run. Both are counted, and
`FULL=1` does neither.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulation import faults
from simulation.injector import CallSite, Question, Schedule, scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS
from simulation.workers import collect_seldom, workers

WORKERS = 2
_COVERED_ELSEWHERE = (
    ("a status that lags: alone, and in the storms of seeds and lives", {faults.LAGGING}),
    ("an error before the effect: to a step it is what throttling is", {faults.ERROR}),
    ("the heartbeat inside a call: part of all that runs inside it", {faults.HEARTBEAT}),
)
_COVERED_BY_DEATH_AFTER = (
    "a death before a call: it is the death after the call before it",
    {faults.CRASH_BEFORE},
)
_COVERED_BY_FIRST_READ = (
    ("trouble at a read after a read: nothing was done in between", {faults.THROTTLED}),
    (
        "a race at a read after a read: run at the first of them",
        {faults.DUPLICATE, faults.EVERYTHING},
    ),
)


@dataclass
class Tally:
    """What a kind of run came to.

    `collapsed` counts the questions left to others, by site and reason.
    """

    kind: str
    schedules: int = 0
    injected: int = 0
    cut: int = 0
    broken: list[tuple[str, list[str]]] = field(default_factory=list)
    collapsed: Counter[str] = field(default_factory=Counter)

    def add(self, run: Run) -> None:
        """Count a run."""
        self.schedules += 1
        self.injected += len(run.schedule)
        self.cut += run.cut
        if run.broken:
            self.broken.append((run.line, [str(violation) for violation in run.broken]))

    def join(self, other: "Tally") -> None:
        """Count what another process has counted."""
        self.schedules += other.schedules
        self.injected += other.injected
        self.cut += other.cut
        self.broken += other.broken
        self.collapsed += other.collapsed


Task = tuple[
    Schedule, list[tuple[int, str]]
]  # a schedule that was run, and the faults to add to it, one at a time


@dataclass
class Exploration:
    """The search through one scene: what was seen is shared by all runs of a process."""

    scene: str
    full: bool = False
    seen: set[int] = field(default_factory=set)
    known: frozenset[str] = (
        frozenset()
    )  # sites of other scenes: two faults at two of them are left to those

    def run(self, schedule: Schedule, *, watch: bool, cut: bool = False) -> Run:
        """Play one schedule."""
        seen = self.seen if cut and not self.full else ()
        since = schedule[-1][0] + 1 if schedule else 0
        # Whether calls have the right shape was seen in the runs with fewer faults.
        return play(
            SCENARIOS[self.scene],
            scripted(schedule),
            watch=watch,
            seen=seen,
            since=since,
            checked=not schedule,
        )

    def faults_after(self, run: Run, tally: Tally) -> list[tuple[int, str]]:
        """List the faults to add after a run's last, one for each class that no other run explores.

        Of a run without a fault every question counts.
        """
        since = run.schedule[-1][0] + 1 if run.schedule else 0
        all_known = bool(run.schedule) and all(
            str(run.asked[number].site) in self.known for number, _ in run.schedule
        )
        idle = _idle(run.asked) if run.schedule and not self.full else frozenset()
        found: list[tuple[int, str]] = []
        for asked in self._fresh(run, since, tally):
            if asked.number in idle:
                tally.collapsed[
                    f"idle again, {asked.site.step} in {asked.site.state or 'no state'}"
                ] += 1
            elif not self.full and all_known and str(asked.site) in self.known:
                tally.collapsed["explored in a scene before"] += 1
            else:
                before = run.asked[asked.number - 1] if asked.number > since else None
                options = self._faults(asked, before, tally, deep=bool(run.schedule))
                found += [(asked.number, fault) for fault in options]
        return found

    def of_searched_states(self, run: Run, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Leave out what other scenes search for, and all but every so many of the others."""
        scene = SCENARIOS[self.scene]
        wanted = [
            (number, fault)
            for number, fault in found
            if not scene.searched or run.asked[number].site.state in scene.searched
        ]
        return wanted[:: scene.every]

    def _fresh(self, run: Run, since: int, tally: Tally) -> Iterator[Question]:
        """Give the questions from `since` on that were asked in a world that is new to all runs.

        Of a run without a fault all are given, also where its world becomes what it has been.
        """
        everything, fresh, begin = self.full or not run.schedule, True, since
        for end, fingerprint in run.boundaries:
            if end <= since:
                continue
            if fresh or everything:
                yield from run.asked[begin:end]
            else:
                tally.collapsed["in a world seen before"] += end - begin
            fresh = fingerprint not in self.seen
            self.seen.add(fingerprint)
            begin = end
        yield from run.asked[begin:] if fresh or everything else ()

    def _faults(
        self, asked: Question, before: Question | None, tally: Tally, *, deep: bool
    ) -> list[str]:
        """Leave out a second or later fault that leads where another schedule leads."""
        options = list(asked.options[1:])
        if not deep or self.full:
            return options
        for why, left_out in _redundant(asked, before):
            if left_out & set(options):
                tally.collapsed[why] += 1
                options = [option for option in options if option not in left_out]
        return options


def _redundant(asked: Question, before: Question | None) -> list[tuple[str, set[str]]]:
    """List faults that another schedule at hand covers, and which one it is."""
    redundant = list(_COVERED_ELSEWHERE)
    if before is None or asked.site.turn != before.site.turn or not asked.site.turn:
        return redundant
    if before.options != faults.BEFORE_PIECE:  # whose effect comes after the question
        redundant.append(_COVERED_BY_DEATH_AFTER)
    if _reads(before) and _reads(asked):
        redundant += _COVERED_BY_FIRST_READ
    return redundant


def _idle(asked: Sequence[Question]) -> frozenset[int]:
    """Find the questions of idle polls and ticks.

    Of an invocation that asks just what one before it has asked.

    The bus and the clock ask for themselves: a second event or tick of one name, in one state, is
    idle.
    """
    turns: dict[tuple[int, CallSite | None], list[Question]] = {}
    for question in asked:
        turns.setdefault(
            (question.site.turn, None if question.site.turn else question.site), []
        ).append(question)
    done: set[tuple[CallSite, ...]] = set()
    idle: list[int] = []
    for (turn, _), questions in turns.items():
        sites = tuple(question.site for question in questions)
        if turn == 0:
            idle += [question.number for question in questions[1:]]
        elif sites in done:
            idle += [question.number for question in questions]
        done.add(sites)
    return frozenset(idle)


def _reads(asked: Question) -> bool:
    return asked.options in (faults.READ, faults.RECORD_READ)


def scenes_alone(scenes: Iterable[str], *, progress: Callable[[str], None]) -> Tally:
    """Play every scene without a fault of its own.

    What functions log is searched for secrets, too.
    """
    tally = Tally("every scene, no further fault")
    for run in parallel(
        _Single(loud=True), [(scene, ()) for scene in scenes], progress=progress, kind=tally.kind
    ):
        tally.add(run)
    return tally


def singles(
    scene: str,
    *,
    known: frozenset[str] = frozenset(),
    full: bool = False,
    progress: Callable[[str], None],
) -> tuple[Tally, list[Task], frozenset[str]]:
    """Play a scene with every single fault.

    Returns the count, the pairs that remain to be run, and the sites.
    """
    exploration, tally = (
        Exploration(scene, full, known=known),
        Tally(f"every single fault, {scene}"),
    )
    base = exploration.run((), watch=True)
    sites = {str(asked.site) for asked in base.asked}
    tasks: list[Task] = []
    schedules = (
        []
        if base.broken
        else [
            (scene, (fault,))
            for fault in exploration.of_searched_states(base, exploration.faults_after(base, tally))
        ]
    )
    for run in parallel(_Single(), schedules, progress=progress, kind=tally.kind):
        tally.add(judged_by_time(run, base))
        if run.broken:
            progress(f"BROKEN: {run.line}")
        sites |= {str(asked.site) for asked in run.asked}
        lags = not full and any(fault == faults.LAGGING for _, fault in run.schedule)
        if not run.broken and not lags and (further := exploration.faults_after(run, tally)):
            tasks.append((run.schedule, further))
    _SEEN[scene] = exploration.seen
    return tally, tasks, frozenset(sites)


_SEEN: dict[str, set[int]] = {}  # by scene: filled before the workers are forked, which inherit it


@dataclass(frozen=True)
class _Single:
    """Plays one schedule of one scene in a worker, and brings its questions home."""

    loud: bool = False

    def __call__(self, piece: tuple[str, Schedule]) -> Run:
        scene, schedule = piece
        return play(
            SCENARIOS[scene],
            scripted(schedule),
            watch=not self.loud,
            level="INFO" if self.loud else "ERROR",
        )


@dataclass(frozen=True)
class _Deeper:
    """Adds faults to a schedule in a worker, one after another, down to `budget` faults."""

    scene: str
    budget: int
    full: bool

    def __call__(self, task: Task) -> Tally:
        exploration = Exploration(self.scene, self.full, set(_SEEN.get(self.scene, ())))
        tally = Tally("")
        self._deepen(task, exploration, tally)
        return tally

    def _deepen(self, task: Task, exploration: Exploration, tally: Tally) -> None:
        schedule, further = task
        for fault in further:
            leaf = len(schedule) + 1 == self.budget
            run = exploration.run((*schedule, fault), watch=not leaf, cut=leaf)
            tally.add(run)
            if not leaf and not run.broken:
                self._deepen(
                    (run.schedule, exploration.faults_after(run, tally)), exploration, tally
                )


def deeper(
    scene: str, tasks: list[Task], budget: int, *, full: bool, progress: Callable[[str], None]
) -> Tally:
    """Play every schedule of two faults and more, up to `budget`, that `singles` left to be run."""
    words = {2: "every pair of faults", 3: "every three faults"}
    tally = Tally(f"{words.get(budget, f'every {budget} faults')}, {scene}")
    pieces = [(schedule, part) for schedule, further in tasks for part in _parts(further)]
    for found in parallel(_Deeper(scene, budget, full), pieces, progress=progress, kind=tally.kind):
        tally.join(found)
        for line, _ in found.broken:
            progress(f"BROKEN: {line}")
    return tally


def _parts(further: list[tuple[int, str]], size: int = 20) -> Iterator[list[tuple[int, str]]]:
    for start in range(0, len(further), size):
        yield further[start : start + size]


def in_parallel(*pieces: tuple[Callable[[int], Tally], int]) -> Iterator[Tally]:
    """Have each of several kinds of run counted in a process of its own."""
    with workers("fork", WORKERS) as pool:
        yield from (
            found.get() for found in [pool.apply_async(work, (size,)) for work, size in pieces]
        )


def parallel(
    work: Any, pieces: Iterable[Any], *, progress: Callable[[str], None], kind: str
) -> Iterator[Any]:
    """Have two processes do the pieces.

    Results come in order, so that a run is the same every time.
    """
    pieces = list(pieces)
    with workers("fork", WORKERS, initializer=collect_seldom) as pool:
        for number, found in enumerate(pool.imap(work, pieces, chunksize=4)):
            if number % max(1, len(pieces) // 20) == 0:
                progress(f"{kind}: {number * 100 // len(pieces)} %")
            yield found
