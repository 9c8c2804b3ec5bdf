"""Every wait has an end: a spent deadline fails the operation with what was last waited for."""

from collections.abc import Callable

import pytest

from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import ROWS, State
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, TARGET_REGION, SimulatedStage
from tests.refusals.scene import TARGET_ARN, WRITER_ARN, LogOutput, RefusalScene

SHORT = {
    "SNAPSHOT_DEADLINE": "1200",
    "COPY_QUEUE_DEADLINE": "1200",
    "DELETE_DEADLINE": "900",
    "RESTORE_DEADLINE": "900",
    "INSTANCE_DEADLINE": "900",
    "USERS_DEADLINE": "900",
    "NOTIFICATION_DEADLINE": "600",
}
REMEDY = "Find out why it takes so long, or allow it more time by "
Hold = Callable[[SimulatedStage, Operation], None]


def status(arn: str, value: str) -> Hold:
    """Keep something in a status for ever."""
    return lambda stage, _: stage.aurora.set_status(arn, value)


def five_copies(stage: SimulatedStage, _: Operation) -> None:
    """Have five copies running that never end."""
    for number in range(5):
        stage.rds().create_db_cluster_snapshot(
            DBClusterIdentifier="staging-cluster", DBClusterSnapshotIdentifier=f"nightly-{number}"
        )
        stage.aurora.set_status(
            f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:nightly-{number}", "copying"
        )
        stage.aurora.set_status(TARGET_ARN, "available")


def no_connections(stage: SimulatedStage, operation: Operation) -> None:
    """Have PostgreSQL take no connections."""
    refusal = DatabaseUnavailableError(
        "PostgreSQL at staging takes no connections now (SQLSTATE 57P03)."
    )
    stage.data.clusters[str(operation.facts.target.cluster_resource_id)].trouble = refusal


@pytest.mark.parametrize(
    ("state", "step", "hold", "why"),
    [
        (
            State.SNAPSHOT_FOUND,
            "copy-snapshot",
            five_copies,
            "Five copies are running in us-west-2 already",
        ),
        (
            State.SNAPSHOT_READY,
            "delete-rds",
            status(TARGET_ARN, "modifying"),
            "staging-cluster is modifying",
        ),
        (
            State.TARGET_DELETING,
            "delete-rds",
            status(TARGET_ARN, "backing-up"),
            "The old target staging-cluster is",
        ),
        (
            State.CLUSTER_RESTORING,
            "check-restore-status",
            status(TARGET_ARN, "migrating"),
            "cluster is migrating",
        ),
        (
            State.INSTANCES_CREATING,
            "check-restore-status",
            status(WRITER_ARN, "rebooting"),
            "-1 is rebooting",
        ),
        (
            State.INSTANCES_CREATING,
            "check-restore-status",
            status(WRITER_ARN, "storage-full"),
            "which may recover",
        ),
        (
            State.RESTORED,
            "setup-db-users",
            no_connections,
            "PostgreSQL at staging takes no connections now",
        ),
    ],
)
def test_a_wait_that_does_not_end_fails_with_what_was_waited_for(
    logs: LogOutput, state: State, step: str, hold: Hold, why: str
) -> None:
    """The step looks first and judges the deadline after; the failure says which state it was."""
    stage = SimulatedStage(SHORT)
    stage.staging()
    stage.night()
    scene = RefusalScene(stage, logs)
    entered = scene.run_until(state)
    hold(stage, entered)
    operation = scene.fails(at=step)

    assert why in str(operation.reason)
    assert str(operation.reason).endswith(f", and the deadline of {state} has passed.")
    assert str(operation.remedy).startswith(
        f"{REMEDY}{ROWS[state].deadline.upper()}, which allows "
    )
    assert state is operation.stopped_at
    assert (operation.entered_at - entered.entered_at).total_seconds() < 2 * 1200


def test_a_snapshot_that_never_becomes_available_fails(logs: LogOutput) -> None:
    """A snapshot that was requested while it was taken fails at the deadline."""
    stage = SimulatedStage(SHORT)
    identifier = stage.night()
    stage.put("RestoreRequested", snapshot_identifier=identifier)
    scene = RefusalScene(stage, logs)
    scene.run_until(State.ACCEPTED)
    stage.aurora.set_status(
        f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster-snapshot:{identifier}", "copying"
    )
    operation = scene.fails(at="snapshot-check")

    assert (
        f"The snapshot {identifier} is copying, and the deadline of ACCEPTED has passed."
        == operation.reason
    )


def test_a_topic_that_is_always_throttled_leaves_an_end_without_a_notification(
    logs: LogOutput,
) -> None:
    """The end of a failed operation is not held up for ever by its notice."""
    stage = SimulatedStage({**SHORT, "DB_SUBNET_GROUP_NAME": "nowhere"})
    stage.faults.fail_next("sns", "publish", "Throttling", times=1000)
    stage.night()
    operation = RefusalScene(stage, logs).fails(at="delete-rds", notified=False)

    assert "sns publish in us-west-2 was answered Throttling" in operation.warnings[-1]
    assert 1 == len(logs.metrics("NotificationLost"))


def test_attempts_times_interval_is_the_budget_when_the_guides_attempts_are_set(
    logs: LogOutput,
) -> None:
    """MAX_COPY_ATTEMPTS=4 looks, COPY_CHECK_INTERVAL=120 seconds apart: eight minutes."""
    stage = SimulatedStage({"MAX_COPY_ATTEMPTS": "4", "COPY_CHECK_INTERVAL": "120"})
    stage.staging()
    stage.night()
    operation = RefusalScene(stage, logs).fails(at="check-copy-status")
    (copying,) = [duration for duration in operation.durations if duration.state is State.COPYING]

    assert 480 <= copying.seconds <= 480 + 180
    assert "the deadline of COPYING has passed." in str(operation.reason)
