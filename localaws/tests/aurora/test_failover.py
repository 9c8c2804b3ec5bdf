"""FailoverDBCluster, and two lists that are empty here."""

import pytest
from tests.aurora.scene import SOURCE, Rds, Scene, code_of


def writer(scene: Scene) -> str:
    """Return the writer of prod-cluster."""
    members = scene.describe()["DBClusterMembers"]
    return next(
        str(member["DBInstanceIdentifier"]) for member in members if member["IsClusterWriter"]
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, "best"), ({"TargetDBInstanceIdentifier": "other"}, "other")],
)
def test_a_failover_makes_a_reader_the_writer(
    scene: Scene, rds: Rds, options: dict[str, str], expected: str
) -> None:
    """A failover promotes the reader that is named, or the best one; the old writer stays as a
    reader.
    """
    scene.cluster()
    scene.instance("other", "prod-cluster", PromotionTier=5)
    scene.instance("best", "prod-cluster", PromotionTier=0)
    answer = rds(SOURCE).failover_db_cluster(DBClusterIdentifier="prod-cluster", **options)
    during = scene.describe()["Status"]
    scene.settle()

    assert "available" == answer["DBCluster"]["Status"]
    assert "failing-over" == during
    assert "available" == scene.describe()["Status"]
    assert (expected, 3) == (writer(scene), len(scene.describe()["DBClusterMembers"]))


def test_a_failover_needs_somebody_to_take_over(scene: Scene, rds: Rds) -> None:
    """A failover of a lone writer, to an instance of another cluster, or of a missing cluster is
    refused.
    """
    scene.cluster()
    scene.cluster("other-cluster")
    call = rds(SOURCE).failover_db_cluster

    assert "InvalidDBInstanceState" == code_of(call, DBClusterIdentifier="prod-cluster")
    assert "InvalidDBInstanceState" == code_of(
        call, DBClusterIdentifier="prod-cluster", TargetDBInstanceIdentifier="other-cluster-1"
    )
    assert "DBClusterNotFoundFault" == code_of(call, DBClusterIdentifier="nobody")


def test_a_cluster_that_is_not_available_does_not_fail_over(scene: Scene, rds: Rds) -> None:
    """A stopped cluster does not fail over: it has no reader to promote."""
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    found = code_of(rds(SOURCE).failover_db_cluster, DBClusterIdentifier="prod-cluster")

    assert "InvalidDBClusterStateFault" == found


def test_there_are_no_snapshots_of_instances(scene: Scene, rds: Rds) -> None:
    """There are no snapshots of instances: one asked for by name does not exist."""
    scene.cluster()
    scene.snapshot()
    client = rds(SOURCE)

    assert [] == client.describe_db_snapshots()["DBSnapshots"]
    assert "DBSnapshotNotFound" == code_of(
        client.describe_db_snapshots, DBSnapshotIdentifier="by-hand"
    )


def test_no_maintenance_waits_for_a_resource(scene: Scene, rds: Rds) -> None:
    """No maintenance is pending for any resource; a resource that does not exist is an error."""
    arn = scene.cluster()["DBClusterArn"]
    call = rds(SOURCE).describe_pending_maintenance_actions

    assert [] == call(ResourceIdentifier=arn)["PendingMaintenanceActions"]
    assert "ResourceNotFoundFault" == code_of(call, ResourceIdentifier=f"{arn}-gone")
