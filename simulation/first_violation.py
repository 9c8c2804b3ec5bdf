"""Writes the first run that breaks an invariant, as JSON.

Run it as `python -m simulation.first_violation SCENE…`.
"""

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from aurora_restore.process.options import OptionError, program
from simulation.explore import Exploration, Tally
from simulation.injector import scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS


def runs(scenes: list[str]) -> Iterator[Run]:
    """Play each scene without a fault, then each with every single one.

    A base that breaks is the shortest of all.
    """
    bases = [(scene, Exploration(scene).run((), watch=True)) for scene in scenes]
    yield from (base for _, base in bases)
    for scene, base in bases:
        exploration = Exploration(scene)
        for fault in exploration.faults_after(base, Tally("")):
            yield judged_by_time(play(SCENARIOS[scene], scripted((fault,))), base)


def main() -> int:
    """Hunt, and say what was found."""
    return program(hunt, None, name="python -m simulation.first_violation")


def hunt(
    scenes: Annotated[list[str], typer.Argument(metavar="SCENE…", help=", ".join(SCENARIOS))],
) -> int:
    """Write the first run that breaks a invariant, as JSON."""
    if unknown := [scene for scene in scenes if scene not in SCENARIOS]:
        raise OptionError(f"There is no scenario {unknown[0]}. Choose from {', '.join(SCENARIOS)}.")
    played = 0
    said = {"line": "", "broken": ""}
    for run in runs(scenes):
        played += 1
        if run.broken:
            said = {"line": run.line, "broken": str(run.broken[0])}
            break
    sys.stdout.write(json.dumps({**said, "runs": played}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
