"""After a call that changes it, a cluster is described as it was before, for some seconds."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.aurora.scene import LAG_SECONDS, SOURCE, Client, Scene, message_of

PASSWORD = "another-long-password"
Call = Callable[[Client], Any]


def _stop(client: Client) -> Any:
    return client.stop_db_cluster(DBClusterIdentifier="prod-cluster")


def _reset(client: Client) -> Any:
    return client.modify_db_cluster(DBClusterIdentifier="prod-cluster", MasterUserPassword=PASSWORD)


def _change_groups(client: Client) -> Any:
    return client.modify_db_cluster(
        DBClusterIdentifier="prod-cluster", VpcSecurityGroupIds=["sg-new"]
    )


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (_stop, "stopping"),
        (_reset, "resetting-master-credentials"),
        (_change_groups, "modifying"),
    ],
)
def test_the_answer_and_descriptions_show_the_status_from_before(
    scene: Scene, call: Call, status: str
) -> None:
    """The answer and the descriptions show the old status until the lag is over."""
    scene.cluster()
    answer = call(scene.rds(SOURCE))["DBCluster"]["Status"]
    scene.pass_time(LAG_SECONDS - 1)
    within = scene.describe()["Status"]
    scene.pass_time(1)

    assert ("available", "available", status) == (answer, within, scene.describe()["Status"])


def test_a_started_cluster_shows_as_stopped_for_a_while(scene: Scene) -> None:
    """A started cluster shows as stopped for some seconds, and so do its instances."""
    scene.cluster()
    _stop(scene.rds(SOURCE))
    scene.settle()
    answer = scene.rds(SOURCE).start_db_cluster(DBClusterIdentifier="prod-cluster")["DBCluster"]
    instance = scene.describe_instance("prod-cluster-1")["DBInstanceStatus"]

    assert ("stopped", "stopped") == (answer["Status"], instance)


def test_a_call_is_judged_by_what_the_cluster_does_and_not_by_what_it_shows(scene: Scene) -> None:
    """A call is judged by the true status: a second stop is refused while the cluster shows as
    available.
    """
    scene.cluster()
    client = scene.rds(SOURCE)
    _stop(client)
    shown = scene.describe()["Status"]
    refused = message_of(client.stop_db_cluster, DBClusterIdentifier="prod-cluster")
    expected = "DbCluster prod-cluster is in stopping state but expected it to be one of available."

    assert "available" == shown
    assert expected == refused


def test_what_ends_within_the_lag_is_never_shown_as_begun(scene: Scene) -> None:
    """A status that ends within the lag is never shown: a stopped cluster shows as stopped."""
    scene.cluster()
    scene.aurora.set_pace(scene.aurora.durations.scaled(1000))
    _stop(scene.rds(SOURCE))
    scene.settle()

    assert "stopped" == scene.describe()["Status"]
