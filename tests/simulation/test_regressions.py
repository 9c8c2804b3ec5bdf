"""Schedules that once failed are replayed on every run."""

from pathlib import Path

import pytest

from simulation.injector import placed
from simulation.run import play
from simulation.scenarios import SCENARIOS

LINES = [
    line
    for line in Path(__file__).with_name("regressions.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def read(line: str) -> tuple[str, list[tuple[str, str]]]:
    """Read a kept schedule: its scene, and each fault with its site."""
    scene, *faults = (part.strip() for part in line.split("|"))
    pairs = [fault.rpartition(" = ") for fault in faults]
    return scene, [(site, fault) for site, _, fault in pairs]


@pytest.mark.parametrize("line", LINES)
def test_a_schedule_that_failed_once_does_not_fail_again(line: str) -> None:
    """Every schedule that once failed still meets its call sites and keeps every invariant."""
    scene, places = read(line)
    injector = placed(places)
    run = play(SCENARIOS[scene], injector)

    assert ([], [], len(places)) == (run.broken, injector.unplaced, len(run.schedule))
