"""A sample of single faults in nights that delete first, and of pairs."""

import pytest

from simulation import pointer_scenarios, swap_scenarios
from simulation.explore import Exploration, Tally
from simulation.injector import Schedule, scripted
from simulation.run import play
from simulation.scenarios import CORE, SCENARIOS
from tests.simulation.single_faults import (
    EVERY,
    Explored,
    broken,
    explored,
    method,
    names,
    not_of_a_night,
    path,
)

FIRSTS_APART, SECONDS_APART = 16, 40  # of thirty thousand pairs, so many are left out each time
# Those of swaps and of pointers have files of their own, so that both processes have work.
ELSEWHERE = {"night", *names(swap_scenarios.CORE), *names(pointer_scenarios.CORE)}
OF_DELETIONS = [name for name in names(CORE) if name not in ELSEWHERE]


def pairs(explored: Explored) -> list[Schedule]:
    """Choose second faults in the worlds that some of the first faults bring about."""
    exploration = Exploration(explored.base.scene)
    exploration.faults_after(explored.base, Tally(""))
    chosen: list[Schedule] = []
    for single in explored.runs[::FIRSTS_APART]:
        run = exploration.run(single.schedule, watch=True)
        seconds = exploration.faults_after(run, Tally(""))[::SECONDS_APART]
        chosen += [(*run.schedule, second) for second in seconds]
    return chosen


@pytest.fixture(scope="module")
def night() -> Explored:
    """Play a night with one fault of each kind at each call."""
    return explored("night")


def test_the_sample_holds_each_kind_of_fault_each_step_and_each_call(night: Explored) -> None:
    """What is left out differs from what is played in its combination only."""
    asked = night.base.asked
    played = [fault for run in night.runs for fault in run.schedule]

    assert 300 < len(night.classes)
    assert {kind for question in asked for kind in question.options[1:]} == {
        kind for _, kind in played
    }
    assert {question.site.step for question in asked} == {
        asked[number].site.step for number, _ in played
    }
    assert {method(asked[number].site) for number, _ in night.classes} == {
        method(asked[number].site) for number, _ in played
    }


def test_no_single_fault_changes_how_a_night_ends(night: Explored) -> None:
    """A night with one fault of the sample keeps every promise."""
    assert [] == broken(night.runs)


def test_no_single_fault_changes_the_path_of_a_night(night: Explored) -> None:
    """A night with one fault goes through the states of a good night, and warns of nothing."""
    good_path = path(night.base)
    detours = {line: states for line, states in night.paths.items() if states != good_path}
    warned = {line: texts for line, texts in night.warnings.items() if texts}

    assert 300 < len(night.runs) * EVERY
    assert good_path[-1] == "SUCCEEDED"
    assert ({}, {}) == (detours, warned)


def test_every_call_and_every_delivery_is_asked_about(night: Explored) -> None:
    """The injector is asked at calls of each service, at statements, at deliveries and at ticks.

    A call that changes something has at least eight faults.
    """
    asked = {
        question.site.what.split(".")[0]: question.options
        for question in night.base.asked
        if "." in question.site.what
    }
    bus = {question.site.step for question in night.base.asked}
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
    """A second fault in a world that only the first one brought about breaks no promise."""
    chosen = pairs(night)

    assert 20 < len(chosen)
    assert [] == broken([play(SCENARIOS["night"], scripted(pair)) for pair in chosen])


@pytest.mark.parametrize("scene", OF_DELETIONS)
def test_no_single_fault_changes_how_a_scene_ends_that_is_no_plain_night(scene: str) -> None:
    """A fault at a call that a plain night does not make breaks no promise of another scene.

    Such calls belong to adoption, cancelling, reruns, a final snapshot and so on.
    """
    assert [] == broken(not_of_a_night(scene))
