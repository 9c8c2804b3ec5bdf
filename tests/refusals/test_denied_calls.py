"""A role that may not make one of its calls: each call of each function, over a night on which
everything happens.
"""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION
from tests.refusals.calls import (
    AT_THE_DOOR,
    EVERY_CALL,
    FATAL,
    MADE_UP_FOR,
    TELLING,
    WARNED_OF,
    WITHOUT_WHICH_NOTHING_MOVES,
)
from tests.refusals.denied_calls import DeniedCall, DenyingStage
from tests.refusals.scene import LogOutput, RefusalScene

EVENTFUL = {
    "SKIP_FINAL_SNAPSHOT": "false", "DB_PARAMETER_GROUP_NAME": "default.aurora-postgresql16",
    "DB_CLUSTER_PARAMETER_GROUP_NAME": "default.aurora-postgresql16",
}  # fmt: skip
LIFTED = "staging-cluster was protected against deletion, which no operation of ours had set; "


def eventful_night(logs: LogOutput, denied: DeniedCall | None) -> RefusalScene:
    """Prepare a stopped, protected target, and a night on which one copy fails and two answers of
    AWS get lost.
    """
    stage = DenyingStage(denied, EVENTFUL)
    stage.staging()
    rds = stage.rds()
    rds.modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    rds.stop_db_cluster(DBClusterIdentifier="staging-cluster")
    stage.settle()
    stage.run(120)  # the heartbeat notes since when it watches
    for action in ("RestoreDBClusterFromSnapshot", "CreateDBInstance"):
        stage.aurora.fail_next(action, "InternalFailure", status=500, after_effect=True)
    stage.night()
    while not stage.all_operations() or stage.only().state in {
        State.ACCEPTED,
        State.SNAPSHOT_FOUND,
    }:
        stage.step_time()
    if stage.only().state is State.COPYING:
        copy = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{stage.only().name_of_copy}"
        stage.aurora.fail_copy(copy)
    return RefusalScene(stage, logs)


def test_the_list_of_calls_is_whole(logs: LogOutput) -> None:
    """The list of denied calls equals what the functions call on an eventful night."""
    scene = eventful_night(logs, None)
    scene.ends(State.SUCCEEDED)

    assert isinstance(scene.stage, DenyingStage)
    assert sorted(map(str, EVERY_CALL)) == sorted(map(str, scene.stage.seen))


@pytest.mark.parametrize("call", FATAL, ids=str)
def test_a_call_that_a_step_needs_fails_the_operation_and_the_remedy_names_it(
    logs: LogOutput, call: DeniedCall
) -> None:
    """Reason and remedy say which call has to be allowed, and where."""
    scene = eventful_night(logs, call)
    failed = scene.fails(at=call.step)
    region = SOURCE_REGION if call.step == "snapshot-check" else TARGET_REGION
    found = str(failed.reason)

    assert f"{call.service} {call.method} in {region} was answered AccessDenied" in found
    assert str(failed.remedy).startswith(
        f"Allow {call.action} in {region} in the policy of the function's role. "
    )


@pytest.mark.parametrize("call", {call.step: call for call in FATAL}.values(), ids=str)
def test_once_the_call_is_allowed_a_rerun_finishes_the_work(
    logs: LogOutput, call: DeniedCall
) -> None:
    """A rerun succeeds once the denied call is allowed, whichever function made it."""
    scene = eventful_night(logs, call)
    failed = scene.fails(at=call.step)

    assert isinstance(scene.stage, DenyingStage)
    scene.stage.denied = None
    scene.stage.put("RestoreRequested", rerun_of=failed.operation_id)
    assert failed.operation_id == scene.ends(State.SUCCEEDED).rerun_of


@pytest.mark.parametrize("call", WARNED_OF, ids=str)
def test_a_failed_archiving_does_not_fail_a_good_restore(logs: LogOutput, call: DeniedCall) -> None:
    """The success carries a warning that names the call."""
    lifted, put_away = eventful_night(logs, call).ends(State.SUCCEEDED).warnings

    assert lifted.startswith(LIFTED)
    assert put_away.startswith(f"archive-snapshot: {call.service} {call.method} in {TARGET_REGION}")
    assert (
        f" Allow {call.action} in {TARGET_REGION} in the policy of the function's role. "
        in put_away
    )


def test_a_copy_that_may_not_be_deleted_is_a_warning_too(logs: LogOutput) -> None:
    """ARCHIVE_SNAPSHOT=false asks for a deletion, which the role does not allow."""
    stage = DenyingStage(
        DeniedCall("archive-snapshot", "rds", "delete_db_cluster_snapshot"),
        {"ARCHIVE_SNAPSHOT": "false"},
    )
    stage.night()
    operation = RefusalScene(stage, logs).ends(State.SUCCEEDED)

    assert operation.warnings[0].startswith("archive-snapshot: rds delete_db_cluster_snapshot")


@pytest.mark.parametrize("call", AT_THE_DOOR, ids=str)
def test_a_router_that_cannot_read_fails_its_invocation_rather_than_miss_a_night(
    logs: LogOutput, call: DeniedCall
) -> None:
    """Lambda retries and alarms.

    The heartbeat, with a role of its own, starts the operation after the grace.
    """
    scene = eventful_night(logs, call)
    operation = scene.stage.run_to_the_end()

    assert f"{call.service} {call.method}" in str(scene.stage.failures[0])
    assert operation.requested_by.startswith("the heartbeat, because")


@pytest.mark.parametrize("call", MADE_UP_FOR, ids=str)
def test_calls_with_a_fallback_only_cost_time(logs: LogOutput, call: DeniedCall) -> None:
    """An announcement, a hint of RDS or a look for missed snapshots that fails does not change the
    end.
    """
    (lifted,) = eventful_night(logs, call).ends(State.SUCCEEDED).warnings

    assert lifted.startswith(LIFTED)


def test_when_nothing_can_be_announced_any_more_the_record_ends_all_the_same(
    logs: LogOutput,
) -> None:
    """The heartbeat ends what nobody answers for; the end stays open until it can be announced."""
    stage = DenyingStage(WITHOUT_WHICH_NOTHING_MOVES, {"COPY_DEADLINE": "3600"})
    stage.night()
    RefusalScene(stage, logs).run_until(State.COPYING)
    stage.run(6 * 3600)
    ended = stage.only()

    assert (State.FAILED, False, "yes") == (ended.state, ended.notified, ended.open)
    assert "check-copy-status did not answer" in str(ended.reason)
    stage.denied = None
    assert State.FAILED is stage.run_to_the_end().state


def test_a_topic_that_may_not_be_written_to_leaves_a_good_restore_good(
    logs: LogOutput,
) -> None:
    """The record says that nobody was told, and why; a metric is there for the alarm."""
    operation = eventful_night(logs, TELLING).ends(State.SUCCEEDED)

    assert False is operation.notified
    assert operation.warnings[-1].startswith(
        f"sns-notification: sns publish in {TARGET_REGION} was answered"
    )
    assert 1 == len(logs.metrics("NotificationLost"))
