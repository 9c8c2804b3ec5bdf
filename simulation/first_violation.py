"""Writes the first run that breaks an invariant, as JSON.

Run it as `python -m simulation.first_violation SCENE…`. `--first SITE=FAULT` names the single fault
that is played before the others.
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
from simulation.workers import collect_seldom


def runs(scenes: list[str], first: str = "") -> Iterator[Run]:
    """Play each scene without a fault, then each with every single one, and one of them `first`.

    A base that breaks is the shortest of all.
    """
    bases = [(scene, Exploration(scene).run((), watch=True)) for scene in scenes]
    yield from (base for _, base in bases)
    for scene, base in bases:
        found = Exploration(scene).faults_after(base, Tally(""))
        asked = [f"{base.asked[number].site}={fault}" for number, fault in found]
        for _, fault in sorted(zip(asked, found, strict=True), key=lambda pair: pair[0] != first):
            yield judged_by_time(play(SCENARIOS[scene], scripted((fault,))), base)


def main() -> int:
    """Hunt, and say what was found."""
    return program(hunt, None, name="python -m simulation.first_violation")


def hunt(
    scenes: Annotated[list[str], typer.Argument(metavar="SCENE…", help=", ".join(SCENARIOS))],
    first: Annotated[str, typer.Option("--first", metavar="SITE=FAULT", help="Played first.")] = "",
) -> int:
    """Write the first run that breaks a invariant, as JSON."""
    collect_seldom()
    if unknown := [scene for scene in scenes if scene not in SCENARIOS]:
        raise OptionError(f"There is no scenario {unknown[0]}. Choose from {', '.join(SCENARIOS)}.")
    played = 0
    said = {"line": "", "broken": ""}
    for run in runs(scenes, first):
        played += 1
        if run.broken:
            said = {"line": run.line, "broken": str(run.broken[0])}
            break
    sys.stdout.write(json.dumps({**said, "runs": played}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
