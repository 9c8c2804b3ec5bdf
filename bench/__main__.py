"""`python -m bench`: measures and prints the tables, or writes them where it is told.

Exit 0 if it ran.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import load, nights, rights
from bench.document import Results, document
from bench.world import Night
from programs.arguments import Parser, Whole
from simulation.workers import workers

Say = Callable[[str], None]


def said(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None, say: Say = said) -> int:
    """Run the benchmark as the command line wants it."""
    options = _parser().parse_args(arguments)
    begun = time.perf_counter()
    page = document(
        measured(options.operations, options.phases, options.nights, options.tables, say)
    )
    say(page)
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    written = f"{options.out} is written; it" if options.out else "It"
    say(f"{written} took {time.perf_counter() - begun:.0f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--operations",
        type=Whole("operations", "OPERATIONS", smallest=1),
        default=load.SIZES[-1],
        help="the most operations at once",
    )
    parser.add_argument(
        "--tables", type=int, default=rights.TABLES, help="tables of the larger database"
    )
    parser.add_argument(
        "--phases", type=int, default=nights.PHASES, help="phases of the heartbeat to average over"
    )
    parser.add_argument(
        "--nights", type=int, default=nights.NIGHTS, help="nights of each stage, the first included"
    )
    parser.add_argument("--out", type=Path, help="the page to write, if any: docs/performance.md")
    return parser


def measured(operations: int, phases: int, nights_each: int, tables: int, say: Say) -> Results:
    """Measure everything: the many in processes of their own, so that each has its own peak of memory."""
    say("The users' rights, on a server of its own, while nothing else runs here.")
    users_rights = rights.measure(tables)
    sizes = [size for size in load.SIZES if size <= operations]
    with workers("spawn", 1, tasks_each_max=1) as pool:
        crowds = pool.map_async(load.measure, sizes, chunksize=1)
        found = _nights(phases, nights_each, say)
        tick, heard = nights.idle_tick(), nights.heard_a_day()
        say(f"Up to {sizes[-1]:,} operations at once: that takes the longest.")
        return Results(
            nights.gathered(found), tick, heard, crowds.get(), users_rights, phases, nights_each
        )


def _nights(phases: int, nights_each: int, say: Say) -> list[tuple[nights.Task, list[Night]]]:
    tasks, found = nights.tasks(phases), list[tuple[nights.Task, list[Night]]]()
    for number, task in enumerate(tasks):
        if number % phases == 0:
            events = "" if task.contender in nights.OTHERS else f", events after {task.hints} s"
            say(f"{number * 100 // len(tasks):>3} %: {task.contender}, {task.case}{events}")
        found.append((task, nights.play(task, nights_each)))
    return found


if __name__ == "__main__":
    sys.exit(main())
