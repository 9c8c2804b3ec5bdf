"""Every single fault, and a sample of pairs: `make prove` has all pairs, seeds, lives and mutants."""

from typing import NamedTuple

import pytest

from simulation.explore import Exploration, Tally
from simulation.injector import Schedule, scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import CORE, SCENES

SAMPLE = 250  # of some thirty thousand pairs, this one and every so manyth after it


class Explored(NamedTuple):
    """A night with every single fault: the runs, and the pairs that remain."""

    base: Run
    runs: list[Run]
    pairs: list[Schedule]


def every_single(scene: str, known: frozenset[str] = frozenset()) -> Explored:
    """Play a scene with each single fault at a site that is not `known`."""
    exploration, tally = Exploration(scene), Tally("")
    base = play(SCENES[scene], scripted(()), watch=True)
    sites = {asked.number: str(asked.site) for asked in base.asked}
    faults = [
        fault for fault in exploration.faults_after(base, tally) if sites[fault[0]] not in known
    ]
    runs = [
        judged_by_time(play(SCENES[scene], scripted((fault,)), watch=True), base)
        for fault in faults
    ]
    pairs = [
        (*run.schedule, fault) for run in runs for fault in exploration.faults_after(run, tally)
    ]
    return Explored(base, runs, pairs)


def broken(runs: list[Run]) -> list[str]:
    """Tell which runs broke a promise: the line replays it (`make prove REPLAY=…`)."""
    return [f"{run.line}: {'; '.join(map(str, run.broken))}" for run in runs if run.broken]


@pytest.fixture(scope="module")
def night() -> Explored:
    """Play a night with every single fault."""
    return every_single("night")


def test_no_single_fault_changes_how_a_night_ends(night: Explored) -> None:
    """At no call and no delivery: throttled, failed, lost, died before or after, raced, dropped,
    doubled, late.
    """
    assert [] == broken(night.runs)


def test_every_call_and_every_delivery_is_asked_about(night: Explored) -> None:
    """Calls of each service, the record, statements, events and ticks.

    With eight faults at a call that changes.
    """
    asked = {
        one.site.what.split(".")[0]: one.options for one in night.base.asked if "." in one.site.what
    }
    bus = {one.site.step for one in night.base.asked}
    services = {
        "rds",
        "dynamodb",
        "events",
        "sns",
        "secretsmanager",
        "kms",
        "ec2",
        "ssm",
        "postgresql",
    }

    assert services <= set(asked)
    assert {"the bus", "the clock"} <= bus
    assert 8 <= max(len(options) - 1 for options in asked.values())


def test_a_sample_of_pairs_of_faults_changes_nothing_either(night: Explored) -> None:
    """Two faults of different classes, the second in a world that only the first had brought about."""
    sample = night.pairs[::SAMPLE]

    assert 100 < len(sample)
    assert [] == broken([play(SCENES["night"], scripted(pair)) for pair in sample])


@pytest.mark.parametrize("scene", [scene.name for scene in CORE if scene.name != "night"])
def test_no_single_fault_changes_how_a_scene_ends_that_is_no_plain_night(
    scene: str, night: Explored
) -> None:
    """At the sites that a plain night does not have: adoption, cancelling, reruns, a final snapshot
    and so on.
    """
    known = frozenset(str(asked.site) for asked in night.base.asked)

    assert [] == broken(every_single(scene, known).runs)
