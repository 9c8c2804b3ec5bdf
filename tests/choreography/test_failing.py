"""What does not get better: every operation still ends, says why and what to do, and lets the
target go.
"""

import pytest

from chalicelib.database.restored_database import DatabaseBusyError
from chalicelib.flow.choreography import ROWS, State
from tests.choreography.fault_injection import FunctionCall, raised, refused
from tests.choreography.recorded_run import of_steps
from tests.choreography.run_night import FaultyStage, target_of

FOREVER = 10_000
STATES = [State(name) for name in dict.fromkeys(call.state for call in of_steps())]
FAILING_STATES = [state for state in STATES if ROWS[state].on_giving_up is State.FAILING]
FIRST = {state: next(call for call in of_steps() if call.state == state) for state in STATES}
FAILING_CALLS = [FIRST[state] for state in FAILING_STATES[::4]]


@pytest.mark.parametrize("call", FAILING_CALLS, ids=str)
def test_a_call_that_never_works_fails_the_operation_at_the_deadline(
    stage: FaultyStage, call: FunctionCall
) -> None:
    """The failure names AWS's last answer, the step and the remedy, and people are notified."""
    stage.inject_at(call, refused("InternalFailure", 500), times=FOREVER)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert call.step == ended.failed_step
    assert State(call.state) == ended.stopped_at
    assert call.method in (ended.reason or "")
    assert bool(ended.remedy and ended.notified)
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", FAILING_STATES[::4])
def test_a_call_that_is_denied_fails_the_operation_at_once(
    stage: FaultyStage, state: State
) -> None:
    """A denied call is not retried: the operation fails in its state, and people are told once.

    tests/refusals/test_denied_calls.py denies every call.
    """
    stage.inject(
        refused("AccessDenied", 403),
        state=state,
        step=ROWS[state].step or "",
        call="rds.",
        times=FOREVER,
    )
    ended = stage.run_night()
    outcomes = [notice["outcome"] for notice in stage.notices()]

    assert State.FAILED == ended.state
    assert state == ended.stopped_at
    assert ["FAILED"] == outcomes
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", STATES[::4])
def test_a_bug_that_passes_is_survived(stage: FaultyStage, state: State) -> None:
    """An exception that nobody expects fails the invocation, and is tried again twice."""
    stage.inject_at(FIRST[state], raised(LookupError("a bug")), times=2)
    ended = stage.run_night()

    assert (State.SUCCEEDED, 2, []) == (ended.state, len(stage.failures), stage.broken_promises())


@pytest.mark.parametrize("state", FAILING_STATES[::3])
def test_a_bug_that_stays_fails_the_operation_after_three_times(
    stage: FaultyStage, state: State
) -> None:
    """An unexpected exception fails the operation after three attempts; the reason names it."""
    stage.inject_at(FIRST[state], raised(LookupError("a bug")), times=FOREVER)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert (
        f"{ROWS[state].step} failed 3 times with LookupError, which it does not expect."
        == ended.reason
    )
    assert 3 == FOREVER - stage.call_faults[0].times


@pytest.mark.parametrize(
    "trouble", [refused("InternalFailure", 500), refused("NotFound", 404), raised(LookupError())]
)
def test_a_notification_that_cannot_be_sent_does_not_change_the_end(
    stage: FaultyStage, trouble: object
) -> None:
    """The restore is good: it SUCCEEDS, with notified=false and a warning that says why."""
    stage.inject(trouble, call="sns.publish", times=FOREVER)  # type: ignore[arg-type]
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert ended.notified is False
    assert 1 == len(ended.warnings)
    assert [] == stage.broken_promises()


def test_a_failure_whose_notification_cannot_be_sent_is_still_a_failure(stage: FaultyStage) -> None:
    """FAILED with the reason of the step, not of the notice."""
    stage.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot", times=FOREVER)
    stage.inject(refused("InternalFailure", 500), call="sns.publish", times=FOREVER)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert "copy-snapshot" == ended.failed_step
    assert ended.notified is False
    assert "copy_db_cluster_snapshot" in (ended.reason or "")
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    "method", ["enter_as_master", "revoke_production_logins", "ensure_users", "verify_users"]
)
def test_a_database_that_is_busy_to_the_end_fails_the_operation(
    stage: FaultyStage, method: str
) -> None:
    """Locks and lost connections are waited out within the deadline, and told with the server's own
    words after it.
    """
    stage.inject(
        raised(DatabaseBusyError("The database is busy.")),
        call=f"postgresql.{method}",
        times=FOREVER,
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.RESTORED == ended.stopped_at
    assert "The database is busy" in (ended.reason or "")
    assert (
        method not in ("enter_as_master", "revoke_production_logins")
    ) == ended.facts.users.production_logins_closed
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    "method", ["enter_as_master", "revoke_production_logins", "ensure_users", "verify_users"]
)
def test_a_database_that_is_busy_for_a_while_is_waited_for(stage: FaultyStage, method: str) -> None:
    """Within the deadline nothing is lost but time."""
    stage.inject(
        raised(DatabaseBusyError("The database is busy.")), call=f"postgresql.{method}", times=3
    )

    assert (State.SUCCEEDED, []) == (stage.run_night().state, stage.broken_promises())


@pytest.mark.parametrize(
    ("state", "of", "status"),
    [
        (State.CLUSTER_RESTORING, "cluster:staging-cluster", "failed"),
        (State.CLUSTER_RESTORING, "cluster:staging-cluster", "incompatible-parameters"),
        (State.CLUSTER_RESTORING, "cluster:staging-cluster", "inaccessible-encryption-credentials"),
        (State.READERS_CREATING, "db:staging-cluster-2", "incompatible-network"),
        (State.INSTANCES_CREATING, "db:staging-cluster-1", "failed"),
    ],
)
def test_a_status_that_does_not_get_better_fails_the_operation(
    stage: FaultyStage, state: State, of: str, status: str
) -> None:
    """The reason names the resource and the status, and production's logins are told to be open."""
    stage.night()
    stage.reach(state)
    stage.aurora.set_status(target_of("x").replace("cluster:x", of), status)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert state == ended.stopped_at
    assert f"is {status}" in (ended.reason or "")
    assert [] == stage.broken_promises()


def test_a_failure_after_the_restore_says_that_productions_logins_are_open(
    stage: FaultyStage,
) -> None:
    """The notice says that the restored cluster still admits production's logins."""
    stage.inject(
        refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster", times=FOREVER
    )
    ended = stage.run_night()
    (notice,) = stage.notices()
    made = ended.facts.target.cluster_resource_id
    words = f"are still open on {ended.new_cluster_id}, {made}."

    assert State.FAILED == ended.state
    assert notice["production_logins_closed"] is False
    assert words in notice["text"]


def test_a_snapshot_that_vanishes_while_it_is_copied_fails_the_operation(
    stage: FaultyStage,
) -> None:
    """The loss of the source snapshot during its copy leaves the old target as it was."""
    stage.night()
    copying = stage.reach(State.COPYING)
    stage.aurora.lose_snapshot(copying.facts.snapshot.arn or "")
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert [] == stage.calls_of("delete_db_cluster")
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    ("state", "method"),
    [
        ("TARGET_DELETING", "delete_db_cluster"),
        ("TARGET_CLEAR", "restore_db_cluster_from_snapshot"),
        ("CLUSTER_RESTORED", "create_db_instance"),
        ("RESTORED", "modify_db_cluster"),
    ],
)
def test_a_state_that_refuses_for_good_fails_the_operation_within_minutes(
    state: str, method: str
) -> None:
    """A permanent refusal ends the operation within minutes and quotes AWS."""
    stage = FaultyStage(
        {"DELETE_DEADLINE": "7200", "STEP_DEADLINE": "7200", "USERS_DEADLINE": "7200"}
    )
    fault = refused("InvalidDBClusterStateFault")
    stage.inject(fault, state=state, call=f"rds.{method}", times=FOREVER)
    ended = stage.run_night()
    stood = next(duration for duration in ended.durations if duration.state == state)

    assert State.FAILED == ended.state
    assert State(state) == ended.stopped_at
    assert method in (ended.reason or "")
    assert stood.seconds < 20 * 60
    assert [] == stage.broken_promises()


def test_a_copy_whose_state_refuses_for_good_is_a_warning_within_minutes() -> None:
    """The restore is good; the copy is not tried until the deadline of the state."""
    stage = FaultyStage({"ARCHIVE_DEADLINE": "7200"})
    fault = refused("InvalidDBClusterSnapshotStateFault")
    stage.inject(fault, state="TARGET_OPEN", call="rds.add_tags_to_resource", times=FOREVER)
    ended = stage.run_night()
    stood = next(duration for duration in ended.durations if duration.state == State.TARGET_OPEN)

    assert State.SUCCEEDED == ended.state
    assert "It was refused for 1" in ended.warnings[0]
    assert stood.seconds < 20 * 60


def test_a_state_that_refuses_for_some_minutes_is_waited_for(stage: FaultyStage) -> None:
    """Other trouble in between does not begin the count anew, and what passes is forgotten."""
    codes = ["InvalidDBClusterStateFault"] * 2 + ["Throttling", "InvalidDBClusterStateFault"]
    for code in codes:
        stage.inject(refused(code), state="TARGET_DELETING", call="rds.delete_db_cluster")
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert ended.state_fault_since is None
    assert [] == stage.broken_promises()


def test_a_cluster_that_is_backed_up_for_long_is_waited_for() -> None:
    """A new password is refused meanwhile, but the status says that something is under way."""
    stage = FaultyStage({"USERS_DEADLINE": "7200"})
    stage.night()
    stage.reach(State.RESTORED)
    stage.aurora.set_status(target_of("staging-cluster"), "backing-up")
    stage.run(20 * 60)
    stage.aurora.set_status(target_of("staging-cluster"), "available")

    assert (State.SUCCEEDED, []) == (stage.run_to_the_end().state, stage.broken_promises())
