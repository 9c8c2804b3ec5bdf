"""Rollbacks that AWS refuses half-way: people learn what is where, and the next one goes on."""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from tests.choreography.fault_injection import Effect, refused
from tests.refusals.refused_swaps import made
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES


def from_the(nth: int, effect: Effect) -> Effect:
    """Have the effect at each call but those before the nth."""
    calls: list[int] = []

    def happens() -> None:
        calls.append(len(calls))
        if len(calls) >= nth:
            effect()

    return happens


def a_refused_rollback(nth: int, code: str = "AccessDenied") -> tuple[SwapStage, str, str]:
    """Have AWS refuse each rename of a rollback from the nth on, until it has ended."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    stage.inject(from_the(nth, refused(code)), call="rds.modify_db_cluster", times=999)
    stage.ask_back(stage.restores()[0])
    assert State.FAILED is stage.run_until_ended(2).state
    stage.call_faults.clear()
    return stage, old, new


@pytest.mark.parametrize(("nth", "name"), [(1, TARGET), (2, NEXT)])
@pytest.mark.parametrize("code", ["AccessDenied", "InvalidDBClusterStateFault", "Throttling"])
def test_a_rollback_that_aws_refuses_is_tried_once_more(nth: int, name: str, code: str) -> None:
    """The notice says which cluster has which name; what it tells people to type finishes it."""
    stage, old, new = a_refused_rollback(nth, code)
    notice = stage.notices()[-1]["text"]
    if nth > 1:
        follow(stage, "To give the present target its name back: ")
    go_on(stage, notice)

    assert f"the present target {new} is {name}, available" in notice
    assert f"the previous target {old} is {PREVIOUS}, available" in notice
    assert 1 == notice.count("What to do: ")
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    assert {TARGET: old, NEXT: new} == stage.standing()
    assert [] == stage.recorder.violations


def test_a_rollback_that_stands_half_way_is_finished_by_another_one() -> None:
    """Nobody has typed anything: no cluster has the name, and the present target its other one."""
    stage, old, new = a_refused_rollback(2)
    before = stage.standing()
    go_on(stage, stage.notices()[-1]["text"])
    back = stage.run_until_ended(3)
    stage.ask_back(back)

    assert {NEXT: new, PREVIOUS: old} == before
    assert State.SUCCEEDED is back.state
    assert State.SUCCEEDED is stage.run_until_ended(4).state
    assert {TARGET: new, PREVIOUS: old} == stage.standing()


def test_a_remedy_that_two_refusals_share_is_told_once() -> None:
    """The rename of the rollback and the one that takes it back lack the same permission."""
    stage, _, _ = a_refused_rollback(2)

    assert 1 == stage.notices()[-1]["text"].count("Allow rds:ModifyDBCluster")


def test_a_rollback_whose_previous_target_has_the_name_is_finished() -> None:
    """Its users could not log in there, and AWS refused to give the name back."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.reach(State.TARGET_RENAMED)
    stage.data.clusters[old].trouble = RefusedError("It answers nobody.", "Find out why.")
    stage.inject(refused("AccessDenied"), call="rds.modify_db_cluster", times=999)
    failed = stage.run_until_ended(2)
    stage.call_faults.clear()
    before = stage.standing()
    go_on(stage, stage.notices()[-1]["text"])
    in_vain = stage.run_until_ended(3)
    assert (State.FAILED, State.FAILED) == (failed.state, in_vain.state)
    assert ({TARGET: old, NEXT: new}, {TARGET: new, PREVIOUS: old}) == (before, stage.standing())
    stage.data.clusters[old].trouble = None
    stage.ask_back(stage.restores()[0], request_id="third")

    assert State.SUCCEEDED is stage.run_until_ended(4).state
    assert {TARGET: old, NEXT: new} == stage.standing()


def test_a_rollback_is_not_finished_over_a_third_cluster() -> None:
    """Somebody has made a cluster under the target's name meanwhile."""
    stage, _, _ = a_refused_rollback(2)
    made(TARGET)(stage)
    before = stage.standing()
    stage.ask_back(stage.restores()[0], request_id="again")

    assert f"does not have the name {TARGET} any more" in stage.notices()[-1]["reason"]
    assert (before, 2) == (stage.standing(), len(stage.restores()))


def test_a_night_whose_rollback_aws_refuses_says_what_is_where() -> None:
    """Its second rename is refused, and so is the one that would take back the first."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.SWAPPING)
    fault = from_the(2, refused("AccessDenied"))
    stage.inject(fault, call="rds.modify_db_cluster", times=999)
    ended = stage.run_until_ended(1)
    stage.call_faults.clear()
    follow(stage, "To give the old cluster its name back: ")

    assert State.FAILED is ended.state
    assert f"the old cluster {old} is {PREVIOUS}, available" in str(ended.reason)
    assert old == stage.standing()[TARGET]
