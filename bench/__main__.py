"""`python -m bench`: measures and prints the tables, or writes them where it is told.

Exit 0 if it ran.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from aurora_restore.process.options import program, whole_number
from bench import load, nights, rights
from bench.document import BenchResults, document
from bench.measured import MeasuredNight
from simulation.workers import workers

Say = Callable[[str], None]


def said(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


Operations = Annotated[
    int,
    typer.Option(
        "--operations",
        parser=whole_number("operations", "OPERATIONS", smallest=1),
        metavar="NUMBER",
        help="The most operations at once.",
    ),
]
Tables = Annotated[int, typer.Option("--tables", help="Tables of the larger database.")]
Phases = Annotated[int, typer.Option("--phases", help="Phases of the heartbeat to average over.")]
Nights = Annotated[int, typer.Option("--nights", help="Nights of each stage, the first included.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The page to write: docs/performance.md."),
]


def main(arguments: Sequence[str] | None = None, say: Say = said) -> int:
    """Run the benchmark as the command line wants it."""

    def bench(
        operations: Operations = load.SIZES[-1],
        tables: Tables = rights.TABLES,
        phases: Phases = nights.PHASES,
        nights_each: Nights = nights.NIGHTS,
        out: Out = None,
    ) -> int:
        """Measure what an operation adds and costs, and print the tables or write the page."""
        began = time.perf_counter()
        page = document(measured(operations, phases, nights_each, tables, say))
        say(page)
        if out:
            out.write_text(page, encoding="utf-8")
        written = f"{out} is written; it" if out else "It"
        say(f"{written} took {time.perf_counter() - began:.0f} s.")
        return 0

    return program(bench, arguments, name="python -m bench")


def measured(operations: int, phases: int, nights_each: int, tables: int, say: Say) -> BenchResults:
    """Measure everything.

    The many in processes of their own, so that each has its own peak of memory.
    """
    say("The users' rights, on a server of its own, while nothing else runs here.")
    users_rights = rights.measure(tables)
    sizes = [size for size in load.SIZES if size <= operations]
    with workers("spawn", 1, tasks_each_max=1) as pool:
        crowds = pool.map_async(load.measure, sizes, chunksize=1)
        found = _nights(phases, nights_each, say)
        tick, log_volume = nights.idle_tick(), nights.log_volume_per_day()
        say(f"Up to {sizes[-1]:,} operations at once: that takes the longest.")
        return BenchResults(
            nights.gathered(found),
            tick,
            log_volume,
            crowds.get(),
            users_rights,
            phases,
            nights_each,
        )


def _nights(
    phases: int, nights_each: int, say: Say
) -> list[tuple[nights.Task, list[MeasuredNight]]]:
    tasks, found = nights.tasks(phases), list[tuple[nights.Task, list[MeasuredNight]]]()
    for number, task in enumerate(tasks):
        if number % phases == 0:
            events = "" if task.contender in nights.OTHERS else f", events after {task.hints} s"
            say(f"{number * 100 // len(tasks):>3} %: {task.contender}, {task.case}{events}")
        found.append((task, nights.play(task, nights_each)))
    return found


if __name__ == "__main__":
    sys.exit(main())
