"""Cancelling: in every open state until the ending, in between or in the middle of a step.

And when it is too late.
"""

import pytest

from chalicelib.flow.choreography import ROWS, State
from tests.choreography.delivery_faults import never
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage

EXAMPLES = (State.COPYING, State.TARGET_DELETING, State.RESTORED)  # the scenes have every state
DELETIONS = ("delete_db_cluster", "delete_db_instance", "delete_db_cluster_snapshot")


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_that_nobody_acts_on_is_cancelled(stage: FaultyStage, state: State) -> None:
    """A cancelled operation ends in its state, notifies once, frees the target, deletes nothing."""
    stage.night()
    operation = stage.reach(state)
    deleted = len(stage.calls_of(*DELETIONS))
    stage.request("CancelRequested", operation_id=operation.operation_id, reason="not tonight")
    ended = stage.run_to_the_end()
    reason = 'Cancelled on request, with the reason "not tonight".'

    assert State.CANCELLED == ended.state
    assert state == ended.stopped_at
    assert reason == ended.reason
    assert deleted == len(stage.calls_of(*DELETIONS))
    assert ["CANCELLED"] == [notice["outcome"] for notice in stage.notices()]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_is_cancelled_in_the_middle_of_a_step(
    stage: FaultyStage, state: State
) -> None:
    """The step finishes what it does; what it made is known to the record, and nothing follows."""
    stage.inject(
        lambda: stage.request("CancelRequested", operation_id=stage.only().operation_id),
        state=state,
        call="rds.",
        step=ROWS[state].step or "",
    )
    ended = stage.run_night()

    assert State.CANCELLED == ended.state
    assert state == ended.stopped_at
    assert ended.notified is True
    assert [] == stage.broken_promises()


def test_what_a_step_made_while_it_was_cancelled_is_known(stage: FaultyStage) -> None:
    """The new cluster's id is in the record, so that a rerun or a person finds it."""
    stage.inject(
        lambda: stage.request("CancelRequested", operation_id=stage.only().operation_id),
        state="TARGET_CLEAR",
        call="rds.restore_db_cluster_from_snapshot",
    )
    ended = stage.run_night()
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert State.CANCELLED == ended.state
    assert cluster["DbClusterResourceId"] == ended.facts.target.cluster_resource_id


def test_a_cancel_that_comes_at_the_very_end_is_refused(stage: FaultyStage) -> None:
    """People are told that it is too late, and the end is what it would have been."""
    stage.night()
    operation = stage.reach(State.ARCHIVED)
    stage.request("CancelRequested", operation_id=operation.operation_id)
    ended = stage.run_to_the_end()
    reason = f"The operation {operation.operation_id} is ARCHIVED, which is too late to cancel."

    assert State.SUCCEEDED == ended.state
    assert reason == stage.notices()[0]["reason"]
    assert [] == stage.broken_promises()


def test_a_cancel_of_what_has_ended_is_refused(stage: FaultyStage) -> None:
    """A cancel of an ended operation leaves its record as it is."""
    ended = stage.run_night()
    stage.request("CancelRequested", operation_id=ended.operation_id)
    stage.run(300)
    reason = (
        f"The operation {ended.operation_id} ended as SUCCEEDED, so there is nothing to cancel."
    )

    assert ended == stage.only()
    assert reason == stage.notices()[-1]["reason"]
    assert [] == stage.broken_promises()


def test_a_failing_operation_cannot_be_cancelled(stage: FaultyStage) -> None:
    """A cancel of a failing operation is refused, and the operation ends FAILED."""
    stage.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    stage.night()
    operation = stage.reach(State.FAILING)
    stage.request("CancelRequested", operation_id=operation.operation_id)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert ["refused", "end"] == [notice["kind"] for notice in stage.notices()]


def test_a_cancel_of_an_unknown_operation_is_refused(stage: FaultyStage) -> None:
    """A cancel of an unknown operation creates nothing."""
    stage.request("CancelRequested", operation_id="nobody-knows")

    assert [] == stage.all_operations()
    assert ['There is no operation "nobody-knows" in the stage test.'] == [
        notice["reason"] for notice in stage.notices()
    ]


def test_two_cancels_are_one(stage: FaultyStage) -> None:
    """The second is too late, or finds the flag there."""
    stage.night()
    operation = stage.reach(State.COPYING)
    stage.request("CancelRequested", operation_id=operation.operation_id, reason="first")
    stage.request("CancelRequested", operation_id=operation.operation_id, reason="second")
    ended = stage.run_to_the_end()

    assert State.CANCELLED == ended.state
    assert 1 == stage.path().count("CANCELLING")
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_is_cancelled_although_its_step_never_runs(
    stage: FaultyStage, state: State
) -> None:
    """Past the deadline the heartbeat ends it, as CANCELLED because that was asked for."""
    stage.night()
    operation = stage.reach(state)
    stage.disabled = {ROWS[state].step or ""}
    stage.request("CancelRequested", operation_id=operation.operation_id)
    ended = stage.run_to_the_end()

    assert (State.CANCELLED, state, []) == (ended.state, ended.stopped_at, stage.broken_promises())


def test_a_cancel_whose_announcement_is_lost_still_takes_effect(stage: FaultyStage) -> None:
    """The flag stands in the record, and the heartbeat announces again."""
    stage.night()
    operation = stage.reach(State.COPYING)
    stage.delivery_fault = never("SnapshotCopyStarted")
    stage.request("CancelRequested", operation_id=operation.operation_id)
    stage.run(30)
    stage.delivery_fault = never()

    assert (State.CANCELLED, []) == (stage.run_to_the_end().state, stage.broken_promises())
