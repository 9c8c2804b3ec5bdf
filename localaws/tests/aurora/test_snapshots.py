"""Taking and deleting cluster snapshots."""

from datetime import timedelta

import pytest
from localaws.aurora import Aurora, Durations, RdsError
from tests.aurora.scene import ACCOUNT, HOUR_SECONDS, SOURCE, Rds, Scene, code_of


def test_a_manual_snapshot_is_creating_until_it_is_available(scene: Scene, rds: Rds) -> None:
    """A snapshot takes minutes, tells its progress, and is available at the end."""
    scene.cluster()
    made = rds(SOURCE).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="by-hand", DBClusterIdentifier="prod-cluster"
    )["DBClusterSnapshot"]
    scene.pass_time(90)
    half = scene.describe_snapshot("by-hand")
    scene.pass_time(90)
    done = scene.describe_snapshot("by-hand")

    assert ("creating", 0) == (made["Status"], made["PercentProgress"])
    assert ("creating", 50) == (half["Status"], half["PercentProgress"])
    assert ("available", 100) == (done["Status"], done["PercentProgress"])


def test_a_creating_snapshot_has_no_creation_time(scene: Scene, rds: Rds) -> None:
    """SnapshotCreateTime is absent while creating, and then the moment the snapshot was begun."""
    scene.cluster()
    begun = scene.clock.now()
    made = rds(SOURCE).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="by-hand", DBClusterIdentifier="prod-cluster"
    )["DBClusterSnapshot"]
    scene.settle()

    assert "SnapshotCreateTime" not in made
    assert begun == scene.describe_snapshot("by-hand")["SnapshotCreateTime"]


def test_an_automated_snapshot_is_named_after_cluster_and_minute(scene: Scene) -> None:
    """Aurora's own snapshots are called rds:<cluster>-<UTC minute> and are of type automated."""
    scene.cluster()
    moment = scene.clock.now()
    snapshot = scene.night()

    assert f"rds:prod-cluster-{moment:%Y-%m-%d-%H-%M}" == snapshot["DBClusterSnapshotIdentifier"]
    assert "automated" == snapshot["SnapshotType"]


def test_a_snapshot_has_the_resource_id_of_its_cluster(scene: Scene) -> None:
    """The source is told by name and by resource id, which differs for a later cluster of the same
    name.
    """
    cluster = scene.encrypted_cluster()
    snapshot = scene.night()
    same = (
        "DBClusterIdentifier",
        "DbClusterResourceId",
        "EngineVersion",
        "MasterUsername",
        "KmsKeyId",
    )

    assert {name: cluster[name] for name in same} == {name: snapshot[name] for name in same}
    assert 0 == snapshot["Port"]


def test_a_cluster_is_backing_up_while_a_snapshot_is_taken(scene: Scene, aurora: Aurora) -> None:
    """A cluster is backing-up while a snapshot is taken, and is not available meanwhile."""
    scene.cluster()
    aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)
    during = scene.describe()["Status"]
    scene.settle()

    assert "backing-up" == during
    assert "available" == scene.describe()["Status"]


def test_two_nights_within_a_minute_are_two_snapshots(scene: Scene, aurora: Aurora) -> None:
    """Two nights within a minute give two snapshots: the second has the name of the next minute."""
    scene.cluster()
    aurora.set_pace(Durations().scaled(1000))
    first = aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)
    minute = aurora.moment
    scene.settle()
    second = aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)

    assert f"rds:prod-cluster-{minute:%Y-%m-%d-%H-%M}" == first
    assert f"rds:prod-cluster-{minute + timedelta(minutes=1):%Y-%m-%d-%H-%M}" == second


def test_a_night_of_the_past_has_the_time_of_that_night(
    scene: Scene, rds: Rds, aurora: Aurora
) -> None:
    """A night in the past has a snapshot with the name and creation time of that night, available
    at once.
    """
    scene.cluster()
    at = aurora.moment - timedelta(hours=20)
    name = aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE, at=at)
    aurora.tick()
    (found,) = rds(SOURCE).describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=name, SnapshotType="automated"
    )["DBClusterSnapshots"]

    assert (f"rds:prod-cluster-{at:%Y-%m-%d-%H-%M}", at) == (name, found["SnapshotCreateTime"])
    assert "available" == found["Status"]


def test_a_snapshot_needs_an_available_cluster(scene: Scene, rds: Rds) -> None:
    """A cluster that is still being created cannot be snapshotted."""
    rds(SOURCE).create_db_cluster(
        DBClusterIdentifier="new",
        Engine="aurora-postgresql",
        MasterUsername="a",
        MasterUserPassword="long-enough",
    )
    client = rds(SOURCE)
    found = code_of(
        client.create_db_cluster_snapshot,
        DBClusterSnapshotIdentifier="by-hand",
        DBClusterIdentifier="new",
    )

    assert "InvalidDBClusterStateFault" == found


def test_a_snapshot_of_a_missing_cluster_is_refused(rds: Rds, aurora: Aurora) -> None:
    """A snapshot of a missing cluster is refused, to a person and to the nightly backup."""
    client = rds(SOURCE)
    found = code_of(
        client.create_db_cluster_snapshot,
        DBClusterSnapshotIdentifier="by-hand",
        DBClusterIdentifier="nobody",
    )

    assert "DBClusterNotFoundFault" == found
    with pytest.raises(RdsError, match="DBClusterNotFoundFault"):
        aurora.take_automated_snapshot("nobody", account=ACCOUNT, region=SOURCE)


def test_a_snapshot_identifier_is_unique_whatever_its_case(scene: Scene, rds: Rds) -> None:
    """Identifiers are stored in lower case, so By-Hand is by-hand."""
    scene.cluster()
    scene.snapshot("by-hand")
    found = code_of(
        rds(SOURCE).create_db_cluster_snapshot,
        DBClusterSnapshotIdentifier="By-Hand",
        DBClusterIdentifier="PROD-cluster",
    )

    assert "DBClusterSnapshotAlreadyExistsFault" == found


@pytest.mark.parametrize(
    "name", ["rds:mine", "1st", "two--hyphens", "ends-", "under_score", "x" * 64]
)
def test_a_snapshot_identifier_must_be_well_formed(scene: Scene, rds: Rds, name: str) -> None:
    """Letters, digits and single hyphens, 63 at most; the prefix rds: is Aurora's own."""
    scene.cluster()
    found = code_of(
        rds(SOURCE).create_db_cluster_snapshot,
        DBClusterSnapshotIdentifier=name,
        DBClusterIdentifier="prod-cluster",
    )

    assert "InvalidParameterValue" == found


def test_the_hundredth_manual_snapshot_is_the_last(scene: Scene, rds: Rds, aurora: Aurora) -> None:
    """The hundredth manual snapshot is the last; then SnapshotQuotaExceeded.

    Automated ones do not count.
    """
    scene.cluster()
    aurora.quotas(account=ACCOUNT, region=SOURCE).manual_cluster_snapshots = 1
    scene.night()
    scene.snapshot("first")
    found = code_of(
        rds(SOURCE).create_db_cluster_snapshot,
        DBClusterSnapshotIdentifier="second",
        DBClusterIdentifier="prod-cluster",
    )

    assert "SnapshotQuotaExceeded" == found


def test_a_deleted_snapshot_lingers_and_keeps_its_name(scene: Scene, rds: Rds) -> None:
    """DeleteDBClusterSnapshot answers with the old status; the snapshot is deleting for a moment,
    and then unknown.
    """
    scene.cluster()
    scene.snapshot()
    client = rds(SOURCE)
    answer = client.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")[
        "DBClusterSnapshot"
    ]["Status"]
    during = scene.describe_snapshot("by-hand")["Status"]
    again = code_of(client.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier="by-hand")
    scene.settle()

    assert ("available", "deleting") == (answer, during)
    assert "InvalidDBClusterSnapshotStateFault" == again
    assert "DBClusterSnapshotNotFoundFault" == code_of(
        client.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier="by-hand"
    )


def test_a_creating_snapshot_cannot_be_deleted(scene: Scene, rds: Rds) -> None:
    """A snapshot that is creating cannot be deleted: deletion needs available, or copying."""
    scene.cluster()
    client = rds(SOURCE)
    client.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="by-hand", DBClusterIdentifier="prod-cluster"
    )
    found = code_of(client.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier="by-hand")

    assert "InvalidDBClusterSnapshotStateFault" == found


def test_an_automated_snapshot_cannot_be_deleted(scene: Scene, rds: Rds) -> None:
    """An automated snapshot cannot be deleted by hand: it goes with its retention period or its
    cluster.
    """
    scene.cluster()
    name = scene.night()["DBClusterSnapshotIdentifier"]
    found = code_of(rds(SOURCE).delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=name)

    assert "InvalidDBClusterSnapshotStateFault" == found


def test_an_automated_snapshot_ends_with_its_retention_period(scene: Scene, rds: Rds) -> None:
    """An automated snapshot ends with its retention period, one day by default.

    Its end is not announced as the next transition.
    """
    scene.cluster()
    scene.night()
    scene.pass_time(24 * HOUR_SECONDS)

    assert [] == rds(SOURCE).describe_db_cluster_snapshots()["DBClusterSnapshots"]


@pytest.mark.parametrize(
    ("copies_tags", "expected"), [(True, [{"Key": "team", "Value": "shop"}]), (False, [])]
)
def test_tags_come_from_the_cluster_only_if_it_says_so(
    scene: Scene, copies_tags: bool, expected: list[dict[str, str]]
) -> None:
    """A snapshot takes the cluster's tags only if CopyTagsToSnapshot is set."""
    scene.cluster(Tags=[{"Key": "team", "Value": "shop"}], CopyTagsToSnapshot=copies_tags)

    assert expected == scene.snapshot()["TagList"]


def test_tags_given_with_a_snapshot_replace_those_of_the_cluster(scene: Scene) -> None:
    """Tags in the request replace the cluster's tags."""
    scene.cluster(Tags=[{"Key": "team", "Value": "shop"}], CopyTagsToSnapshot=True)
    found = scene.snapshot(Tags=[{"Key": "a", "Value": "b"}])["TagList"]

    assert [{"Key": "a", "Value": "b"}] == found
