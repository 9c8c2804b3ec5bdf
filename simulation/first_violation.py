"""`python -m simulation.first_violation SCENE…`: writes the first run that breaks a promise, as JSON."""

import argparse
import json
import sys
from collections.abc import Iterator

from simulation.explore import Exploration, Tally
from simulation.injector import scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import SCENES


def runs(scenes: list[str]) -> Iterator[Run]:
    """Play each scene without a fault, then each with every single one.

    A base that breaks is the shortest of all.
    """
    bases = [(scene, Exploration(scene).run((), watch=True)) for scene in scenes]
    yield from (base for _, base in bases)
    for scene, base in bases:
        exploration = Exploration(scene)
        for fault in exploration.faults_after(base, Tally("")):
            yield judged_by_time(play(SCENES[scene], scripted((fault,))), base)


def main() -> int:
    """Hunt, and say what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.first_violation", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument("scenes", nargs="+", choices=SCENES, metavar="SCENE", help="%(choices)s")
    scenes = parser.parse_args().scenes
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
