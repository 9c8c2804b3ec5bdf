"""Cancelling: in every open state until the ending, in between or in the middle of a step.

And when it is too late.
"""

import pytest

from chalicelib.flow.choreography import ROWS, State
from tests.choreography.delivery_faults import never
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import Night

EXAMPLES = (State.COPYING, State.TARGET_DELETING, State.RESTORED)  # the scenes have every state
DELETIONS = ("delete_db_cluster", "delete_db_instance", "delete_db_cluster_snapshot")


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_that_nobody_acts_on_is_cancelled(night: Night, state: State) -> None:
    """It ends CANCELLED where it stood, told once, the target let go, and nothing is deleted any
    more.
    """
    night.night()
    operation = night.reach(state)
    deleted = len(night.calls_of(*DELETIONS))
    night.request("CancelRequested", operation_id=operation.operation_id, reason="not tonight")
    ended = night.run_to_the_end()
    reason = 'Cancelled on request, with the reason "not tonight".'

    assert (State.CANCELLED, state, reason, deleted, ["CANCELLED"], []) == (
        ended.state,
        ended.stopped_at,
        ended.reason,
        len(night.calls_of(*DELETIONS)),
        [notice["outcome"] for notice in night.notices()],
        night.broken_promises(),
    )


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_is_cancelled_in_the_middle_of_a_step(night: Night, state: State) -> None:
    """The step finishes what it does; what it made is known to the record, and nothing follows."""
    night.hurt(
        lambda: night.request("CancelRequested", operation_id=night.only().operation_id),
        state=state,
        call="rds.",
        step=ROWS[state].step or "",
    )
    ended = night.dream()

    assert (State.CANCELLED, state, True, []) == (
        ended.state,
        ended.stopped_at,
        ended.notified,
        night.broken_promises(),
    )


def test_what_a_step_made_while_it_was_cancelled_is_known(night: Night) -> None:
    """The new cluster's id is in the record, so that a rerun or a person finds it."""
    night.hurt(
        lambda: night.request("CancelRequested", operation_id=night.only().operation_id),
        state="TARGET_CLEAR",
        call="rds.restore_db_cluster_from_snapshot",
    )
    ended = night.dream()
    (cluster,) = night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert (State.CANCELLED, cluster["DbClusterResourceId"]) == (
        ended.state,
        ended.facts.target.cluster_resource_id,
    )


def test_a_cancel_that_comes_at_the_very_end_is_refused(night: Night) -> None:
    """People are told that it is too late, and the end is what it would have been."""
    night.night()
    operation = night.reach(State.ARCHIVED)
    night.request("CancelRequested", operation_id=operation.operation_id)
    ended = night.run_to_the_end()
    reason = f"The operation {operation.operation_id} is ARCHIVED, which is too late to cancel."

    assert (State.SUCCEEDED, reason, []) == (
        ended.state,
        night.notices()[0]["reason"],
        night.broken_promises(),
    )


def test_a_cancel_of_what_has_ended_is_refused(night: Night) -> None:
    """The record stays as it is."""
    ended = night.dream()
    night.request("CancelRequested", operation_id=ended.operation_id)
    night.run(300)
    reason = (
        f"The operation {ended.operation_id} ended as SUCCEEDED, so there is nothing to cancel."
    )

    assert (ended, reason, []) == (
        night.only(),
        night.notices()[-1]["reason"],
        night.broken_promises(),
    )


def test_a_failing_operation_is_past_cancelling(night: Night) -> None:
    """It ends FAILED, and the answer says so."""
    night.hurt(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    night.night()
    operation = night.reach(State.FAILING)
    night.request("CancelRequested", operation_id=operation.operation_id)
    ended = night.run_to_the_end()

    assert (State.FAILED, ["refused", "end"]) == (
        ended.state,
        [notice["kind"] for notice in night.notices()],
    )


def test_a_cancel_of_an_unknown_operation_is_refused(night: Night) -> None:
    """Nothing is made of it."""
    night.request("CancelRequested", operation_id="nobody-knows")

    assert ([], ['There is no operation "nobody-knows" in the stage test.']) == (
        night.all_operations(),
        [notice["reason"] for notice in night.notices()],
    )


def test_two_cancels_are_one(night: Night) -> None:
    """The second is too late, or finds the flag there."""
    night.night()
    operation = night.reach(State.COPYING)
    night.request("CancelRequested", operation_id=operation.operation_id, reason="first")
    night.request("CancelRequested", operation_id=operation.operation_id, reason="second")
    ended = night.run_to_the_end()

    assert (State.CANCELLED, 1, []) == (
        ended.state,
        night.path().count("CANCELLING"),
        night.broken_promises(),
    )


@pytest.mark.parametrize("state", EXAMPLES)
def test_an_operation_is_cancelled_although_its_step_never_runs(night: Night, state: State) -> None:
    """Past the deadline the heartbeat ends it, as CANCELLED because that was asked for."""
    night.night()
    operation = night.reach(state)
    night.deaf = {ROWS[state].step or ""}
    night.request("CancelRequested", operation_id=operation.operation_id)
    ended = night.run_to_the_end()

    assert (State.CANCELLED, state, []) == (ended.state, ended.stopped_at, night.broken_promises())


def test_a_cancel_whose_announcement_is_lost_is_obeyed_all_the_same(night: Night) -> None:
    """The flag stands in the record, and the heartbeat announces again."""
    night.night()
    operation = night.reach(State.COPYING)
    night.fate = never("SnapshotCopyStarted")
    night.request("CancelRequested", operation_id=operation.operation_id)
    night.run(30)
    night.fate = never()

    assert (State.CANCELLED, []) == (night.run_to_the_end().state, night.broken_promises())
