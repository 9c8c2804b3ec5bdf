"""Stopping and starting clusters."""

from datetime import timedelta
from typing import Any

from localaws.aurora import Durations
from tests.aurora.scene import HOUR_SECONDS, LAG_SECONDS, SOURCE, Rds, Scene, code_of


def statuses_of(scene: Scene, after: float = 0) -> tuple[str, str]:
    """Return the status of prod-cluster and of its instance, as they show after some seconds."""
    scene.pass_time(after)
    return scene.describe()["Status"], scene.describe_instance("prod-cluster-1")["DBInstanceStatus"]


def test_a_cluster_stops_with_its_instances_and_starts_again(
    scene: Scene, rds: Rds, emitted: list[dict[str, Any]]
) -> None:
    """A cluster stops and starts, and so does its instance, each with an event at both ends."""
    scene.cluster()
    begun = len(emitted)
    client = rds(SOURCE)
    client.stop_db_cluster(DBClusterIdentifier="prod-cluster")
    stopping = statuses_of(scene, after=LAG_SECONDS)
    scene.settle()
    stopped = statuses_of(scene)
    client.start_db_cluster(DBClusterIdentifier="prod-cluster")
    starting = statuses_of(scene, after=LAG_SECONDS)
    scene.settle()

    assert (("stopping",) * 2, ("stopped",) * 2, ("starting",) * 2) == (stopping, stopped, starting)
    assert ("available", "available") == statuses_of(scene)
    assert ["RDS-EVENT-0087", "RDS-EVENT-0150", "RDS-EVENT-0088", "RDS-EVENT-0151"] == [
        event["detail"]["EventID"] for event in emitted[begun:]
    ]


def test_a_stop_and_a_start_take_minutes(scene: Scene, rds: Rds) -> None:
    """A cluster stops and starts in the times of `Durations`, to the second."""
    scene.cluster()
    named, times, seen = {"DBClusterIdentifier": "prod-cluster"}, Durations(), []
    for call, seconds in (
        (rds(SOURCE).stop_db_cluster, times.cluster_stop),
        (rds(SOURCE).start_db_cluster, times.cluster_start),
    ):
        call(**named)
        seen += [statuses_of(scene, after=seconds - 1)[0], statuses_of(scene, after=1)[0]]

    assert ["stopping", "stopped", "starting", "available"] == seen


def test_a_stopped_cluster_starts_by_itself_after_seven_days(
    scene: Scene, rds: Rds, emitted: list[dict[str, Any]]
) -> None:
    """A stopped cluster starts by itself after seven days: its description says when, and an event
    reports it.
    """
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    announced = scene.describe()["AutomaticRestartTime"]
    expected = scene.clock.now() + timedelta(days=7)
    scene.pass_time(7 * 24 * HOUR_SECONDS)

    assert expected == announced
    assert "starting" == scene.describe()["Status"]
    assert "RDS-EVENT-0153" == emitted[-1]["detail"]["EventID"]
    assert (
        "DB cluster is being started due to it exceeding the maximum allowed time being stopped"
        == emitted[-1]["detail"]["Message"]
    )


def test_only_an_available_cluster_stops_and_only_a_stopped_one_starts(
    scene: Scene, rds: Rds
) -> None:
    """Only an available cluster stops and only a stopped one starts; others are
    InvalidDBClusterStateFault.
    """
    scene.cluster()
    client = rds(SOURCE)
    start_early = code_of(client.start_db_cluster, DBClusterIdentifier="prod-cluster")
    client.stop_db_cluster(DBClusterIdentifier="prod-cluster")

    assert "InvalidDBClusterStateFault" == start_early
    assert "InvalidDBClusterStateFault" == code_of(
        client.stop_db_cluster, DBClusterIdentifier="prod-cluster"
    )


def test_an_instance_of_a_stopped_cluster_cannot_be_deleted(scene: Scene, rds: Rds) -> None:
    """An instance of a stopped cluster cannot be deleted: the cluster has to be started first."""
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    found = code_of(rds(SOURCE).delete_db_instance, DBInstanceIdentifier="prod-cluster-1")

    assert "InvalidDBClusterStateFault" == found


def test_a_missing_cluster_neither_starts_nor_stops(rds: Rds) -> None:
    """A missing cluster can be neither started nor stopped; the code keeps the suffix Fault."""
    client = rds(SOURCE)
    found = code_of(client.start_db_cluster, DBClusterIdentifier="nobody")

    assert "DBClusterNotFoundFault" == found
    assert "DBClusterNotFoundFault" == code_of(client.stop_db_cluster, DBClusterIdentifier="nobody")
