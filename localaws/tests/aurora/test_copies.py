"""Copying cluster snapshots."""

from typing import Any

from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, SOURCE, TARGET, Rds, Scene, code_of


def copying(source: Any, name: str) -> dict[str, Any]:
    """Return the parameters of a copy."""
    return {
        "SourceDBClusterSnapshotIdentifier": source["DBClusterSnapshotArn"],
        "TargetDBClusterSnapshotIdentifier": name,
    }


def test_a_copy_is_made_in_the_callers_region_and_takes_its_time(scene: Scene) -> None:
    """A copy is made in the caller's region, and the answer echoes its source.

    The copy is copying, with a progress in per cent, and becomes available without an event.
    """
    scene.cluster()
    answer = scene.copy(scene.night())
    made = scene.describe_snapshot("copied", region=TARGET)
    scene.pass_time(600)
    half = scene.describe_snapshot("copied", region=TARGET)
    scene.pass_time(600)
    done = scene.describe_snapshot("copied", region=TARGET)

    assert ("available", 100) == (answer["Status"], answer["PercentProgress"])
    assert ("copying", 0) == (made["Status"], made["PercentProgress"])
    assert ("copying", 50) == (half["Status"], half["PercentProgress"])
    assert ("available", 100) == (done["Status"], done["PercentProgress"])


def test_a_copy_is_manual_and_remembers_its_source(scene: Scene) -> None:
    """A copy is manual and keeps its source snapshot and source cluster, also when the source was
    automated.
    """
    cluster = scene.cluster()
    source = scene.night()
    copy = scene.copy(source)

    assert "manual" == copy["SnapshotType"]
    assert source["DBClusterSnapshotArn"] == copy["SourceDBClusterSnapshotArn"]
    assert cluster["DbClusterResourceId"] == copy["DbClusterResourceId"]
    assert ["us-west-2a", "us-west-2b", "us-west-2c"] == copy["AvailabilityZones"]


def test_a_finished_copy_has_the_creation_time_of_its_source(scene: Scene) -> None:
    """A finished copy has the creation time of its source: it tells how old the data are."""
    scene.cluster()
    source = scene.night()
    scene.pass_time(60)
    scene.copy(source)
    scene.settle()
    copy = scene.describe_snapshot("copied", region=TARGET)

    assert source["SnapshotCreateTime"] == copy["SnapshotCreateTime"]


def test_no_event_tells_that_a_copy_began_ended_or_failed(
    scene: Scene, aurora: Aurora, emitted: list[dict[str, Any]]
) -> None:
    """Aurora sends no event when a copy begins, ends or fails, in either region."""
    scene.cluster()
    source = scene.night()
    before = len(emitted)
    scene.copy(source)
    scene.settle()
    failing = scene.copy(source, "failing")
    aurora.fail_copy(failing["DBClusterSnapshotArn"])
    scene.settle()

    assert before == len(emitted)


def test_a_snapshot_of_another_region_is_found_by_arn_only(scene: Scene, rds: Rds) -> None:
    """A snapshot of another region is found by its ARN; a bare identifier means the caller's
    region.
    """
    scene.cluster()
    name = scene.night()["DBClusterSnapshotIdentifier"]
    client = rds(TARGET)
    found = code_of(
        client.copy_db_cluster_snapshot,
        SourceDBClusterSnapshotIdentifier=name,
        TargetDBClusterSnapshotIdentifier="copied",
    )

    assert "DBClusterSnapshotNotFoundFault" == found


def test_within_a_region_a_bare_identifier_will_do(scene: Scene, rds: Rds) -> None:
    """Within a region a bare identifier is enough, even one that begins with rds:."""
    scene.cluster()
    rds(SOURCE).copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=scene.night()["DBClusterSnapshotIdentifier"],
        TargetDBClusterSnapshotIdentifier="copied",
    )

    assert "copying" == scene.describe_snapshot("copied")["Status"]


def test_only_an_available_snapshot_can_be_copied(scene: Scene, rds: Rds, aurora: Aurora) -> None:
    """A snapshot that is still creating cannot be copied."""
    scene.cluster()
    name = aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)
    source = scene.describe_snapshot(name, SnapshotType="automated")
    found = code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"))

    assert "InvalidDBClusterSnapshotStateFault" == found


def test_a_copy_cannot_take_a_name_in_use(scene: Scene, rds: Rds) -> None:
    """A copy cannot take a name in use: there is no request token, only the name makes a copy
    unique.
    """
    scene.cluster()
    source = scene.night()
    scene.copy(source)
    found = code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "COPIED"))

    assert "DBClusterSnapshotAlreadyExistsFault" == found


def test_a_copy_cannot_be_called_like_an_automated_snapshot(scene: Scene, rds: Rds) -> None:
    """A copy cannot be named like an automated snapshot: a new identifier may have no colon."""
    scene.cluster()
    source = scene.night()
    found = code_of(
        rds(TARGET).copy_db_cluster_snapshot,
        **copying(source, source["DBClusterSnapshotIdentifier"]),
    )

    assert "InvalidParameterValue" == found


def test_deleting_a_copying_target_cancels_the_copy(scene: Scene, rds: Rds) -> None:
    """When a snapshot that is still copying is deleted, it vanishes and the next in the queue
    begins.
    """
    scene.cluster()
    source = scene.night()
    scene.copy(source, "first")
    scene.copy(source, "second")
    rds(TARGET).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="first")
    scene.pass_time(600)

    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in all_snapshots(rds)]

    assert ["second"] == names
    assert 50 == scene.describe_snapshot("second", region=TARGET)["PercentProgress"]


def all_snapshots(rds: Rds) -> Any:
    """List the target region's snapshots."""
    return rds(TARGET).describe_db_cluster_snapshots()["DBClusterSnapshots"]


def test_a_copy_fails_when_its_source_vanishes(scene: Scene, aurora: Aurora) -> None:
    """A copy whose source vanishes ends as failed, and can be deleted."""
    scene.cluster()
    source = scene.night()
    scene.copy(source)
    aurora.lose_snapshot(source["DBClusterSnapshotArn"])
    scene.settle()

    assert "failed" == scene.describe_snapshot("copied", region=TARGET)["Status"]


def test_a_waiting_copy_fails_when_its_source_is_deleted(scene: Scene, rds: Rds) -> None:
    """When a source is deleted, all copies of it that wait fail, one after the other."""
    scene.cluster()
    source = scene.snapshot()
    scene.copy(source, "first")
    scene.copy(source, "second")
    rds(SOURCE).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    scene.settle()

    assert ["failed", "failed"] == [snapshot["Status"] for snapshot in all_snapshots(rds)]


def test_a_failed_copy_keeps_its_name_until_it_is_deleted(
    scene: Scene, rds: Rds, aurora: Aurora
) -> None:
    """A failed copy keeps its name: a second attempt needs the first to be deleted."""
    scene.cluster()
    source = scene.night()
    aurora.fail_copy(scene.copy(source)["DBClusterSnapshotArn"])
    taken = code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"))
    rds(TARGET).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="copied")
    scene.settle()

    assert "DBClusterSnapshotAlreadyExistsFault" == taken
    assert "accepted" == code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"))


def test_a_failure_in_store_befalls_the_copy_when_it_ends(scene: Scene, aurora: Aurora) -> None:
    """A test may schedule a failure of a copy that does not exist yet."""
    scene.cluster()
    source = scene.night()
    aurora.fail_copy(f"arn:aws:rds:{TARGET}:{ACCOUNT}:cluster-snapshot:copied")
    scene.copy(source)
    scene.settle()
    scene.copy(source, "another")
    scene.settle()

    assert "failed" == scene.describe_snapshot("copied", region=TARGET)["Status"]
    assert "available" == scene.describe_snapshot("another", region=TARGET)["Status"]
