"""What Aurora makes may turn bad: each status that does not get better by itself ends the
operation, with a way out.
"""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import SimulatedStage
from tests.refusals.scene import TARGET_ARN, WRITER_ARN, LogOutput, RefusalScene

BAD = ["failed", "incompatible-parameters", "inaccessible-encryption-credentials"]
READER_ARN = WRITER_ARN.replace("-1", "-2")
EVENTS = "The RDS events of the cluster and its instances tell the cause."


def rerun_succeeds(scene: RefusalScene) -> bool:
    """Do what the notice says: run it again from delete-rds, once the cause is gone."""
    failed = scene.stage.all_operations()[-1]
    scene.stage.put("RestoreRequested", rerun_of=failed.operation_id, from_step="delete-rds")
    return scene.ends(State.SUCCEEDED).rerun_of == failed.operation_id


@pytest.mark.parametrize("status", [*BAD, "incompatible-restore", "migration-failed"])
def test_a_cluster_that_turns_bad_while_it_is_restored_fails_the_operation(
    scene: RefusalScene, status: str
) -> None:
    """A rerun replaces the failed cluster, which is ours."""
    scene.stage.aurora.fail_creation(TARGET_ARN, status, "A test asked for this.")
    operation = scene.night_fails(at="check-restore-status")
    found = operation.reason

    assert f"The cluster staging-cluster is {status}, which does not get better by itself." == found
    assert (True, "delete-rds") == (str(operation.remedy).endswith(EVENTS), operation.rerun_from)
    assert rerun_succeeds(scene)


@pytest.mark.parametrize(
    ("arn", "status"),
    [
        *(
            (WRITER_ARN, status)
            for status in (*BAD, "incompatible-network", "insufficient-capacity", "restore-error")
        ),
        (READER_ARN, "failed"),
    ],
)
def test_an_instance_that_turns_bad_while_it_is_made_fails_the_operation(
    scene: RefusalScene, arn: str, status: str
) -> None:
    """Writer or reader: a target without one is not what was asked for.

    Readers come when production is locked out.
    """
    scene.stage.aurora.fail_creation(arn, status, "A test asked for this.")
    operation = scene.night_fails(at="check-restore-status")
    name = arn.rsplit(":", 1)[-1]

    is_open = (
        "Beware: production's logins and passwords are still open"
        in scene.stage.notices()[-1]["text"]
    )
    found = operation.reason

    assert f"The instance {name} is {status}, which does not get better by itself." == found
    assert (arn == WRITER_ARN) == is_open


def test_a_target_with_a_bad_instance_is_replaced_by_a_rerun(scene: RefusalScene) -> None:
    """Instances that failed are deleted like any other of ours."""
    scene.stage.aurora.fail_creation(READER_ARN, "incompatible-network", "A test asked for this.")
    scene.night_fails(at="check-restore-status")

    assert rerun_succeeds(scene)


def test_a_cluster_that_loses_its_key_while_instances_are_made_fails_the_operation(
    scene: RefusalScene,
) -> None:
    """The cluster is looked at as well as the instances."""
    scene.stage.night()
    scene.run_until(State.INSTANCES_CREATING)
    scene.stage.aurora.set_status(TARGET_ARN, "inaccessible-encryption-credentials")
    found = str(scene.fails(at="check-restore-status").reason)

    assert "The cluster staging-cluster is inaccessible-encryption-credentials" in found


@pytest.mark.parametrize("status", [*BAD, "storage-full"])
def test_an_old_target_that_is_broken_is_replaced_all_the_same(
    scene: RefusalScene, status: str
) -> None:
    """A broken old target is replaced like any other."""
    if status == "storage-full":
        scene.stage.aurora.set_status(WRITER_ARN, status)
    else:
        scene.stage.aurora.set_status(TARGET_ARN, status)
    scene.stage.night()

    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state


@pytest.mark.parametrize(
    "status", ["inaccessible-encryption-credentials-recoverable", "levitating"]
)
def test_a_status_that_may_recover_is_waited_for_inside_the_deadline(
    scene: RefusalScene, status: str
) -> None:
    """A status that may recover is waited for, and so is one that is unknown."""
    scene.stage.night()
    scene.run_until(State.RESTORED)
    before = scene.stage.only()
    scene.stage.store.tables["state"][before.operation_id]["state"] = "INSTANCES_CREATING"
    scene.stage.aurora.set_status(WRITER_ARN, status)
    scene.stage.run(900)
    waiting = scene.stage.only()
    scene.stage.aurora.set_status(WRITER_ARN, "available")

    assert f"The instance staging-cluster-1 is {status}, which may recover." == waiting.waiting_for
    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state


def test_a_snapshot_that_failed_is_refused_by_name(scene: RefusalScene) -> None:
    """A snapshot that Aurora could not finish is refused by its name."""
    identifier = scene.stage.night()
    scene.stage.settle()
    scene.stage.aurora.set_status(
        f"arn:aws:rds:us-east-1:123456789012:cluster-snapshot:{identifier}", "failed"
    )
    scene.stage.put("RestoreRequested", snapshot_identifier=identifier)
    operation = scene.fails(at="snapshot-check")
    expected = "Name one that is available in snapshot_identifier, or wait for the next one."

    assert str(operation.reason).endswith(f"cluster-snapshot:{identifier} is failed.")
    assert expected == operation.remedy


def test_no_capacity_for_an_instance_is_waited_out(logs: LogOutput) -> None:
    """A lack of capacity for an instance is retried."""
    scene = RefusalScene(SimulatedStage(), logs)
    scene.stage.aurora.fail_next("CreateDBInstance", "InsufficientDBInstanceCapacity", times=4)
    scene.stage.night()
    operation = scene.ends(State.SUCCEEDED)

    (created,) = (
        duration for duration in operation.durations if duration.state is State.CLUSTER_RESTORED
    )
    assert created.seconds > 100
    assert 4 == len(
        logs.lines(
            "Waiting: rds create_db_instance in us-west-2 was answered "
            "InsufficientDBInstanceCapacity"
        )
    )
