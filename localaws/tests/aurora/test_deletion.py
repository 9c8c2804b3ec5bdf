"""Deleting clusters."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, ENGINE, LAG_SECONDS, SOURCE, Rds, Scene, code_of


def deletion(scene: Scene, **options: Any) -> str:
    """Return the code of deleting prod-cluster."""
    wanted = {"SkipFinalSnapshot": True, **options}
    return code_of(
        scene.rds(SOURCE).delete_db_cluster, DBClusterIdentifier="prod-cluster", **wanted
    )


def test_a_deleted_cluster_lingers_and_keeps_its_name(scene: Scene, rds: Rds) -> None:
    """DeleteDBCluster answers with status available; then the cluster is deleting and keeps its
    name until it is gone.
    """
    scene.cluster(instances=0)
    client = rds(SOURCE)
    answer = client.delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)[
        "DBCluster"
    ]["Status"]
    scene.pass_time(LAG_SECONDS)
    during = scene.describe()["Status"]
    wanted = {"Engine": ENGINE, "MasterUsername": "a", "MasterUserPassword": "long-enough"}
    taken = code_of(client.create_db_cluster, DBClusterIdentifier="prod-cluster", **wanted)
    scene.settle()

    assert ("available", "deleting", "DBClusterAlreadyExistsFault") == (answer, during, taken)
    assert "DBClusterNotFoundFault" == code_of(
        client.describe_db_clusters, DBClusterIdentifier="prod-cluster"
    )


def test_a_protected_cluster_is_refused_with_a_general_code(scene: Scene) -> None:
    """A protected cluster is refused with InvalidParameterCombination: AWS models no fault for
    it.
    """
    scene.cluster(instances=0, DeletionProtection=True)

    assert "InvalidParameterCombination" == deletion(scene)


def test_members_that_are_not_deleting_are_in_the_way(scene: Scene) -> None:
    """A cluster can be deleted when all its members are deleting; none has to be gone yet."""
    scene.cluster(instances=2)
    scene.delete_instances("prod-cluster-2")
    too_early = deletion(scene)
    scene.delete_instances("prod-cluster-1")

    assert "InvalidDBClusterStateFault" == too_early
    assert "accepted" == deletion(scene)


def test_a_cluster_outlives_its_instances(scene: Scene, aurora: Aurora, rds: Rds) -> None:
    """The instances disappear first, then the cluster."""
    scene.cluster()
    scene.delete_instances("prod-cluster-1")
    deletion(scene)
    scene.pass_time(180)
    between = (
        rds(SOURCE).describe_db_instances()["DBInstances"],
        scene.describe()["DBClusterMembers"],
    )
    scene.settle()

    assert ([], []) == between
    assert [] == rds(SOURCE).describe_db_clusters()["DBClusters"]


@pytest.mark.parametrize(
    "status",
    [
        "creating",
        "backing-up",
        "modifying",
        "stopped",
        "starting",
        "deleting",
        "resetting-master-credentials",
    ],
)
def test_a_cluster_in_another_status_is_refused(scene: Scene, aurora: Aurora, status: str) -> None:
    """A cluster in another status cannot be deleted; a stopped one has to be started first."""
    aurora.set_status(scene.cluster(instances=0)["DBClusterArn"], status)

    assert "InvalidDBClusterStateFault" == deletion(scene)


@pytest.mark.parametrize(
    "status", ["failed", "incompatible-parameters", "inaccessible-encryption-credentials"]
)
def test_a_broken_cluster_can_be_deleted(scene: Scene, aurora: Aurora, status: str) -> None:
    """A cluster that failed can be deleted, or it would exist for ever."""
    aurora.set_status(scene.cluster(instances=0)["DBClusterArn"], status)

    assert "accepted" == deletion(scene)


def test_a_missing_cluster_is_not_found(scene: Scene) -> None:
    """A missing cluster is not found, with a code that keeps the suffix Fault."""
    assert "DBClusterNotFoundFault" == deletion(scene)


def test_a_member_of_a_global_cluster_is_refused(scene: Scene, rds: Rds) -> None:
    """A member of a global cluster cannot be deleted; its description shows the membership."""
    arn = scene.cluster(instances=0)["DBClusterArn"]
    rds(SOURCE).create_global_cluster(
        GlobalClusterIdentifier="Planet", SourceDBClusterIdentifier=arn
    )

    assert "planet" == scene.describe()["GlobalClusterIdentifier"]
    assert "InvalidDBClusterStateFault" == deletion(scene)


@pytest.mark.parametrize(
    "options",
    [
        {"SkipFinalSnapshot": False},
        {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "last"},
    ],
)
def test_a_final_snapshot_is_named_or_skipped(scene: Scene, options: dict[str, Any]) -> None:
    """A deletion names a final snapshot or skips it: neither both nor none of the two."""
    scene.cluster(instances=0)

    assert "InvalidParameterCombination" == deletion(scene, **options)


def test_a_final_snapshot_is_a_manual_one(scene: Scene, emitted: list[dict[str, Any]]) -> None:
    """A final snapshot is a manual one, whose events come before the cluster is gone."""
    scene.cluster(instances=0)
    begun = len(emitted)
    deletion(scene, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier="last")
    scene.settle()

    assert "manual" == scene.describe_snapshot("last")["SnapshotType"]
    assert ["RDS-EVENT-0074", "RDS-EVENT-0075", "RDS-EVENT-0171"] == [
        event["detail"]["EventID"] for event in emitted[begun:]
    ]


def test_a_final_snapshot_cannot_take_a_name_in_use(scene: Scene) -> None:
    """A final snapshot cannot take a name in use, and then nothing is deleted."""
    scene.cluster(instances=0)
    scene.snapshot("last")
    found = deletion(scene, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier="last")

    assert "DBClusterSnapshotAlreadyExistsFault" == found
    assert "available" == scene.describe()["Status"]


def test_a_final_snapshot_counts_as_manual(scene: Scene, aurora: Aurora) -> None:
    """A final snapshot counts as a manual one: an account whose quota is full cannot take it."""
    scene.cluster(instances=0)
    aurora.quotas(account=ACCOUNT, region=SOURCE).manual_cluster_snapshots = 0
    found = deletion(scene, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier="last")

    assert "SnapshotQuotaExceeded" == found


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, ["manual"]), ({"DeleteAutomatedBackups": False}, ["automated", "manual"])],
)
def test_automated_snapshots_go_with_their_cluster(
    scene: Scene, rds: Rds, options: dict[str, bool], kept: list[str]
) -> None:
    """Automated snapshots are deleted with their cluster unless they are retained; manual ones
    always stay.
    """
    scene.cluster(instances=0)
    scene.night()
    scene.snapshot()
    deletion(scene, **options)
    scene.settle()
    left = rds(SOURCE).describe_db_cluster_snapshots()["DBClusterSnapshots"]

    assert kept == sorted(snapshot["SnapshotType"] for snapshot in left)
