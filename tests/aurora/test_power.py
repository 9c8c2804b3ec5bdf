"""Stopping and starting clusters."""

from datetime import timedelta
from typing import Any

from tests.aurora.scene import HOUR_SECONDS, SOURCE, Rds, Scene, code_of


def test_a_cluster_stops_with_its_instances_and_starts_again(
    scene: Scene, rds: Rds, emitted: list[dict[str, Any]]
) -> None:
    """Through stopping and starting, with an event at each end."""
    scene.cluster()
    begun = len(emitted)
    client = rds(SOURCE)
    stopping = client.stop_db_cluster(DBClusterIdentifier="prod-cluster")["DBCluster"]["Status"]
    scene.settle()
    stopped = (scene.describe()["Status"], scene.describe_instance("prod-cluster-1")["DBInstanceStatus"])
    starting = client.start_db_cluster(DBClusterIdentifier="prod-cluster")["DBCluster"]["Status"]
    scene.settle()

    assert ("stopping", ("stopped", "stopped"), "starting") == (stopping, stopped, starting)
    assert "available" == scene.describe()["Status"] == scene.describe_instance("prod-cluster-1")["DBInstanceStatus"]
    assert ["RDS-EVENT-0150", "RDS-EVENT-0151"] == [event["detail"]["EventID"] for event in emitted[begun:]]


def test_a_stopped_cluster_starts_by_itself_after_seven_days(
    scene: Scene, rds: Rds, emitted: list[dict[str, Any]]
) -> None:
    """It says when, and tells it by an event."""
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    announced = scene.describe()["AutomaticRestartTime"]
    expected = scene.clock.now() + timedelta(days=7)
    scene.pass_time(7 * 24 * HOUR_SECONDS)

    assert expected == announced
    assert "starting" == scene.describe()["Status"]
    assert "RDS-EVENT-0153" == emitted[-1]["detail"]["EventID"]


def test_only_an_available_cluster_stops_and_only_a_stopped_one_starts(scene: Scene, rds: Rds) -> None:
    """Everything else is InvalidDBClusterStateFault."""
    scene.cluster()
    client = rds(SOURCE)
    start_early = code_of(client.start_db_cluster, DBClusterIdentifier="prod-cluster")
    client.stop_db_cluster(DBClusterIdentifier="prod-cluster")

    assert "InvalidDBClusterStateFault" == start_early
    assert "InvalidDBClusterStateFault" == code_of(client.stop_db_cluster, DBClusterIdentifier="prod-cluster")


def test_an_instance_of_a_stopped_cluster_cannot_be_deleted(scene: Scene, rds: Rds) -> None:
    """The cluster has to be started first."""
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()

    assert "InvalidDBClusterStateFault" == code_of(
        rds(SOURCE).delete_db_instance, DBInstanceIdentifier="prod-cluster-1"
    )


def test_a_missing_cluster_neither_starts_nor_stops(rds: Rds) -> None:
    """The code keeps the ending Fault."""
    client = rds(SOURCE)

    assert "DBClusterNotFoundFault" == code_of(client.start_db_cluster, DBClusterIdentifier="nobody")
    assert "DBClusterNotFoundFault" == code_of(client.stop_db_cluster, DBClusterIdentifier="nobody")
