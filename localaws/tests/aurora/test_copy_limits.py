"""How many copies there may be, and which wait for which."""

from typing import Any

from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, TARGET, Rds, Scene, code_of, message_of


def copying(source: Any, name: str) -> dict[str, Any]:
    """Return the parameters of a copy."""
    return {
        "SourceDBClusterSnapshotIdentifier": source["DBClusterSnapshotArn"],
        "TargetDBClusterSnapshotIdentifier": name,
    }


def test_five_copies_are_in_progress_at_most(scene: Scene, rds: Rds) -> None:
    """At most five copies are in progress; the sixth is refused with SnapshotQuotaExceeded.

    Only its text tells it from the manual quota.
    """
    scene.cluster()
    source = scene.night()
    for number in range(5):
        scene.copy(source, f"copy-{number}")
    code = code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copy-5"))
    message = message_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copy-5"))
    scene.settle()

    assert "SnapshotQuotaExceeded" == code
    assert "Cannot copy more than 5 snapshots across regions" == message
    assert "accepted" == code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copy-5"))


def test_a_copy_counts_as_a_manual_snapshot(scene: Scene, rds: Rds, aurora: Aurora) -> None:
    """In an account whose quota is full a copy is refused, with another text than for too many at a
    time.
    """
    scene.cluster()
    source = scene.night()
    aurora.quotas(account=ACCOUNT, region=TARGET).manual_cluster_snapshots = 0
    found = message_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"))

    assert "Cannot create more than 0 manual snapshots" == found


def test_copies_of_one_source_queue_without_progress(scene: Scene) -> None:
    """The second copy of a source begins when the first has ended, and is at 0 per cent until
    then.
    """
    scene.cluster()
    source = scene.night()
    scene.copy(source, "first")
    scene.copy(source, "second")
    scene.pass_time(900)
    waiting = scene.describe_snapshot("second", region=TARGET)
    scene.pass_time(900)
    begun = scene.describe_snapshot("second", region=TARGET)

    assert ("copying", 0) == (waiting["Status"], waiting["PercentProgress"])
    assert ("copying", 50) == (begun["Status"], begun["PercentProgress"])


def test_copies_of_different_sources_do_not_wait_for_each_other(scene: Scene) -> None:
    """Copies of different sources do not wait for each other."""
    scene.cluster()
    first, second = scene.snapshot("first"), scene.snapshot("second")
    scene.copy(first, "copy-1")
    scene.copy(second, "copy-2")
    scene.pass_time(600)

    assert 50 == scene.describe_snapshot("copy-2", region=TARGET)["PercentProgress"]
