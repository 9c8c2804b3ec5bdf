"""Clusters of restores that stopped while production's passwords opened them: none is forgotten."""

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, State
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import TARGET, A, B, PointerStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_by_hand import follow

NEXT = NAMES[1]
SWITCHES = [
    ("swap", "delete-first", NEXT),
    ("swap", "pointer", NEXT),
    ("pointer", "delete-first", A),
    ("pointer", "swap", A),
    ("delete-first", "swap", TARGET),
    ("delete-first", "pointer", TARGET),
]


def left_open(stage: SwapStage) -> str:
    """Let a night fail before production's logins are closed; gives the id of its cluster."""
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    return str(noted(stage))


def noted(stage: SwapStage) -> str | None:
    """Read which cluster is known to be open."""
    return stage.operations.target(stage.restores()[0].plan.target_cluster_arn).unsecured_cluster_id


@pytest.mark.parametrize(("before", "after", "name"), SWITCHES)
def test_an_open_left_over_is_not_forgotten_by_a_switch(before: str, after: str, name: str) -> None:
    """Under the other REPLACEMENT no restore deletes it: nothing is made until people did."""
    stage = PointerStage(REPLACEMENT=before)
    left = left_open(stage)
    assert left == stage.standing()[name]
    stage.environment["REPLACEMENT"] = after
    standing = stage.standing()
    failed = stage.run_night()

    assert f":cluster:{name} ({left})" in str(failed.reason)
    assert (State.FAILED, left, standing) == (failed.state, noted(stage), stage.standing())
    follow(stage, "whose data the snapshot has, too: ")
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    assert left not in stage.standing().values()
    assert None is noted(stage)


def test_an_open_left_over_is_not_forgotten_after_a_rollback() -> None:
    """The pointers went back, so the next new cluster gets the other of the two names."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(3600)
    left = left_open(stage)
    assert left == stage.standing()[B]
    stage.ask_back(stage.restores()[0])
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    stage.run(3600)
    failed = stage.run_night()

    assert f":cluster:{B} ({left})" in str(failed.reason)
    assert (State.FAILED, left) == (failed.state, noted(stage))
    assert {TARGET, A, B} == {*stage.standing()}
    follow(stage, "whose data the snapshot has, too: ")
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason


def test_a_notice_names_the_open_cluster_and_not_the_next_one() -> None:
    """Another night may be stopped before it looks for the open cluster."""
    stage = PointerStage(REPLACEMENT="delete-first")
    left = left_open(stage)
    stage.environment["REPLACEMENT"] = "swap"
    stage.night()
    stage.reach(State.COPYING)
    stage.request(CANCEL_REQUESTED, operation_id=stage.restores()[-1].operation_id)
    assert State.CANCELLED is stage.run_until_ended(2).state
    text = stage.notices()[-1]["text"]

    assert f"passwords are still open on the cluster {left}." in text
    assert f"{NEXT}, {left}" not in text


@pytest.mark.parametrize("replacement", ["swap", "pointer", "delete-first"])
def test_an_open_left_over_that_the_restore_deletes_is_in_nobodys_way(replacement: str) -> None:
    """The next night of the same kind replaces it by itself."""
    stage = PointerStage(REPLACEMENT=replacement)
    left = left_open(stage)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert left not in stage.standing().values()
    assert None is noted(stage)
