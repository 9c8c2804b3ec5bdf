"""Rollbacks that could not succeed: they are refused before anything is renamed or moved."""

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import A, PointerStage
from tests.refusals.refused_swaps import emptied, made, renamed
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES


def a_failed_night(stage: SwapStage) -> None:
    """Let a night fail once its new cluster is there, which stays for a rerun."""
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()


def test_a_rollback_after_a_failed_night_is_refused_until_its_cluster_is_gone() -> None:
    """That has the name under which the present target would be kept. The commands of the notice
    delete it, and then people get the previous target.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    stage.run(3600)
    a_failed_night(stage)
    left = stage.standing()[NEXT]
    count = len(stage.calls_of("modify_db_cluster"))
    stage.ask_back(stage.restores()[0], request_id="first")

    assert 2 == len(stage.restores())
    assert f"would be kept as {NEXT}, and another cluster" in stage.notices()[-1]["reason"]
    assert f":cluster:{NEXT} ({left})" in stage.notices()[-1]["reason"]
    assert count == len(stage.calls_of("modify_db_cluster"))
    follow(stage, "To delete it: ")
    stage.settle(1800)
    stage.ask_back(stage.restores()[0], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    assert {TARGET: old, NEXT: new} == stage.standing()


def test_a_rollback_of_a_rollback_is_refused_while_a_third_cluster_has_the_name() -> None:
    """The way back and forth needs the other of the two names."""
    stage = SwapStage()
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)
    made(PREVIOUS)(stage)
    before = stage.standing()
    stage.ask_back(back)

    assert f"would be kept as {PREVIOUS}" in stage.notices()[-1]["reason"]
    assert before == stage.standing()
    assert 2 == len(stage.restores())


def test_a_previous_target_that_people_renamed_still_comes_back() -> None:
    """It is known by its resource id; its other name is free, and the present target gets it."""
    stage = SwapStage()
    old, new = first_and_second(stage)
    renamed(PREVIOUS, "elsewhere")(stage)
    stage.ask_back(stage.restores()[0])

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert {TARGET: old, PREVIOUS: new} == stage.standing()


@pytest.mark.parametrize(("make", "name"), [(SwapStage, PREVIOUS), (PointerStage, TARGET)])
def test_a_rollback_to_a_cluster_without_instances_is_refused(
    make: type[SwapStage], name: str
) -> None:
    """Nobody could log in to it: no cluster is renamed, and no pointer moved."""
    stage = make()
    first_and_second(stage)
    emptied(name)(stage)
    before, count = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    stage.ask_back(stage.restores()[0])
    stage.run(600)

    assert "has no writer: nobody could log in to it." in stage.notices()[-1]["reason"]
    assert (before, 1) == (stage.standing(), len(stage.restores()))
    assert count == len(stage.calls_of("modify_db_cluster"))
    assert name == PREVIOUS or A in stage.standing()
