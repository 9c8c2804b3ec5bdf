"""Moves of a swap that AWS refuses: for how long they are tried, and what people read then."""

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, State
from chalicelib.flow.errors import STATE_FAULT_MAX
from tests.choreography.fault_injection import refused
from tests.swap.swap_stage import NAMES, SwapStage
from tests.swap.test_unfinished_rollbacks import from_the

TARGET, NEXT, PREVIOUS = NAMES


@pytest.mark.parametrize("nth", [1, 2])
def test_a_rename_that_a_state_forbids_for_ten_minutes_is_taken_back(nth: int) -> None:
    """AWS refuses it each time; nobody waits for the deadline, and people read AWS's words."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.SWAPPING)
    fault = from_the(nth, refused("InvalidDBClusterStateFault"))
    stage.inject(fault, state="SWAPPING", call="rds.modify_db_cluster", times=999)
    ended = stage.run_until_ended(1)
    (swapping,) = (lasted for lasted in ended.durations if lasted.state is State.SWAPPING)

    assert (State.FAILED, old) == (ended.state, stage.standing()[TARGET])
    assert "modify_db_cluster in us-west-2 was answered InvalidDBCluster" in str(ended.reason)
    assert "It was refused for 10 minutes." in str(ended.reason)
    assert STATE_FAULT_MAX.total_seconds() <= swapping.seconds <= 11 * 60


def test_a_rename_that_a_state_forbids_for_some_minutes_is_made() -> None:
    """Meanwhile people read what AWS answered; what it accepts ends the count."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.SWAPPING)
    fault = refused("InvalidDBClusterStateFault")
    stage.inject(fault, state="SWAPPING", call="rds.modify_db_cluster", times=5)
    told = set[str]()

    def show() -> None:
        told.update(str(found.waiting_for) for found in stage.restores())

    stage.inject(show, state="SWAPPING", call="rds.describe_db_clusters", times=999)
    ended = stage.run_until_ended(1)

    assert any("was answered InvalidDBClusterStateFault" in waiting for waiting in told)
    assert (State.SUCCEEDED, None) == (ended.state, ended.state_fault_since)


def test_a_stopped_old_cluster_is_started_before_the_name_is_nobodys() -> None:
    """A cost scheduler stopped it while it was parked, and then the swap is cancelled."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    operation = stage.reach(State.TARGET_RENAMED)
    stage.rds().stop_db_cluster(DBClusterIdentifier=PREVIOUS)
    stage.settle(600)
    before = len(stage.made)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)
    changes = [call.method for call in stage.made[before:] if call.method.endswith("_db_cluster")]

    assert (State.CANCELLED, old) == (ended.state, stage.standing()[TARGET])
    assert "start_db_cluster" == changes[0]
