"""`make prove`: what is promised, under every fault that is known.

Ends with a table, and with 1 if a promise broke.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from aurora_restore.process.options import program, whole_number
from simulation import mutants, random_search, stateful
from simulation.explore import Tally, deeper, in_parallel, scenes_alone, singles
from simulation.guards import GUARDS
from simulation.injector import StaleScheduleError
from simulation.replay import replayed
from simulation.scenarios import CORE, SCENARIOS
from simulation.trace import story

SEEDS, EXAMPLES, LIVES = 2000, 400, 150
"""Random runs: by seeds, and by Hypothesis; of fewer seeds as many fewer examples and lives."""
# Two operations double every question, and a stopped target differs from another in its deletion
# only. Seeds and lives have their pairs.
SINGLES_ONLY = frozenset({"two-targets", "rotated", "stopped-target"})
STORIES_MAX = 5


Faults = Annotated[
    int,
    typer.Option(
        "--faults",
        parser=whole_number("faults", "FAULTS", smallest=0),
        metavar="NUMBER",
        help="How many faults a schedule has at most; 0 leaves only random ones.",
    ),
]
Full = Annotated[
    bool,
    typer.Option("--full", help="Collapse no classes: every question of every run is asked."),
]
Replay = Annotated[
    str,
    typer.Option(
        "--replay",
        metavar="RUN",
        help="Tell the story of one run, as a failing one was printed.",
        show_default=False,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        parser=whole_number("seed", "SEED", smallest=0),
        metavar="NUMBER",
        help="The first seed.",
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        "--seeds",
        parser=whole_number("seeds", "SEEDS", smallest=20),
        metavar="NUMBER",
        help="How many seeds are played.",
    ),
]


def main() -> int:
    """Do what the command line asks for; returns the exit status."""
    return program(prove, None, name="python -m simulation")


def prove(
    faults: Faults = 2,
    seed: Seed = 1,
    seeds: Seeds = SEEDS,
    replay: Replay = "",
    *,
    full: Full = False,
) -> int:
    """Prove the choreography under faults."""
    if replay:
        return _replay(replay)
    began = time.monotonic()
    say = _Voice(began)
    tallies, dead = (
        list(_runs(faults, range(seed, seed + seeds), say, full=full)),
        list(_mutants(say)),
    )
    broken = [(line, sentences) for tally in tallies for line, sentences in tally.broken]
    alive = [death.mutant.guard for death in dead if not death.line]
    for line, sentences in broken[:STORIES_MAX]:
        say(_told(line, sentences))
    say(_collapsed(tallies))
    say(_table(tallies, dead))
    say(f"{time.monotonic() - began:.0f} s. " + _verdict(broken, alive))
    return 1 if broken or alive else 0


class _Voice:
    """Says things at once, each with the seconds since the beginning."""

    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self, text: str) -> None:
        sys.stdout.write(
            text if text.startswith("\n") else f"{time.monotonic() - self._began:5.0f} s  {text}\n"
        )
        sys.stdout.flush()


def _runs(faults: int, seeds: range, say: Callable[[str], None], *, full: bool) -> Iterator[Tally]:
    yield scenes_alone(SCENARIOS, progress=say)
    known: frozenset[str] = frozenset()
    for scene in (scene.name for scene in CORE if faults):
        tally, tasks, sites = singles(scene, known=known, full=full, progress=say)
        yield tally
        if faults > 1 and scene not in SINGLES_ONLY:
            yield deeper(scene, tasks, faults, full=full, progress=say)
        known |= sites
    yield random_search.seeds(seeds.start, len(seeds), progress=say)
    say("Hypothesis: scenes and faults, shrunk to the fewest")
    examples, lives = (number * len(seeds) // SEEDS for number in (EXAMPLES, LIVES))
    yield from in_parallel((random_search.shrunk, examples), (stateful.lives, lives))


def _mutants(say: Callable[[str], None]) -> Iterator[mutants.Death]:
    for death in mutants.deaths(GUARDS):
        how = (
            f"died of '{death.line}': {death.broken}"
            if death.line
            else f"LIVES after {death.runs} runs"
        )
        say(f"without {death.mutant.guard}: {how}")
        yield death


def _replay(line: str) -> int:
    try:
        run = replayed(line)
    except (ValueError, StaleScheduleError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(story(run) + "\n")
    return 1 if run.broken else 0


def _told(line: str, sentences: list[str]) -> str:
    """Tell the story of a run that is broken, and what was said of it when it was run."""
    said = "\n".join(f"  {sentence}" for sentence in sentences)
    if (
        line == stateful.A_LIFE
    ):  # its own sentences are its story; the same lives are lived every time
        return f"\n{said}\n"
    return f"\n{story(replayed(line))}\n  It was said of it:\n{said}\n"


def _collapsed(tallies: list[Tally]) -> str:
    """Say which questions were left to other runs."""
    lines = []
    for tally in tallies:
        if tally.collapsed:
            lines.append(f"  {tally.kind}:")
            lines += [f"    {count:>7} {what}" for what, count in sorted(tally.collapsed.items())]
    return "\n".join(["\nCollapsed (FULL=1 collapses none), by class:", *lines]) + "\n"


def _table(tallies: list[Tally], dead: list[mutants.Death]) -> str:
    rows = [(tally.kind, tally.schedules, tally.injected, len(tally.broken)) for tally in tallies]
    total = (
        "in all",
        sum(row[1] for row in rows),
        sum(row[2] for row in rows),
        sum(row[3] for row in rows),
    )
    lines = [f"{'kind of run':<48}{'schedules':>12}{'faults':>12}{'violations':>12}"]
    lines += [
        f"{kind:<48}{runs:>12,}{injected:>12,}{broken:>12,}"
        for kind, runs, injected, broken in (*rows, total)
    ]
    killed = sum(bool(death.line) for death in dead)
    lines.append(f"{'mutants, of which died':<48}{len(dead):>12,}{killed:>12,}")
    return "\n" + "\n".join(lines) + "\n"


def _verdict(broken: list[tuple[str, list[str]]], alive: list[str]) -> str:
    if not broken and not alive:
        return "Every promise was kept, and every mutant died."
    lives = f" Mutants that live: {', '.join(alive)}." if alive else ""
    return f"{len(broken)} runs broke a promise.{lives}"


if __name__ == "__main__":
    sys.exit(main())
