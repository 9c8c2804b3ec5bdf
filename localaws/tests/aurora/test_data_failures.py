"""When the data behind a cluster is lost, the resource fails and time goes on for the others."""

from collections.abc import Callable
from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.recording import RecordingData
from tests.aurora.scene import ENGINE, SOURCE, TARGET, Rds, Scene

WHY = "The disk is full."


class FailingData(RecordingData):
    """A data plane that raises at the calls that a test names."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, Exception] = {}

    def __getattribute__(self, name: str) -> Any:
        """Give what raises in the place of a call that fails."""
        failing = object.__getattribute__(self, "__dict__").get("failing", {})
        return _raising(failing[name]) if name in failing else super().__getattribute__(name)


def _raising(error: Exception) -> Callable[..., None]:
    def call(*_places: Any, **_named: Any) -> None:
        raise error

    return call


@pytest.fixture
def stored() -> FailingData:
    """Return the data plane that fails where a test says so."""
    return FailingData()


def told(emitted: list[dict[str, Any]]) -> tuple[str, str]:
    """Return id and message of the last event."""
    detail = emitted[-1]["detail"]
    return detail["EventID"], detail["Message"]


def test_an_instance_whose_server_does_not_start_is_failed(
    scene: Scene, stored: FailingData, emitted: list[dict[str, Any]]
) -> None:
    """An instance whose server does not start fails with event 0031, and the next instance tries
    again.
    """
    scene.cluster(instances=0)
    stored.failing["start"] = RuntimeError(WHY)
    failed = scene.instance("first", "prod-cluster")["DBInstanceStatus"]
    event = told(emitted)
    stored.failing.clear()
    other = scene.instance("second", "prod-cluster")["DBInstanceStatus"]

    assert ("failed", "available") == (failed, other)
    assert ("RDS-EVENT-0031", f"DB instance put into failed state. {WHY}") == event


def test_a_cluster_that_does_not_start_again_is_failed_and_can_be_deleted(
    scene: Scene, rds: Rds, stored: FailingData
) -> None:
    """A cluster whose server does not start again fails together with its instances."""
    scene.cluster()
    client = rds(SOURCE)
    client.stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    stored.failing["start"] = OSError(WHY)
    client.start_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    failed = scene.describe()["Status"]
    scene.delete_instances("prod-cluster-1")
    client.delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert ("failed", []) == (failed, client.describe_db_clusters()["DBClusters"])


def test_a_restore_without_its_data_is_failed(
    scene: Scene, rds: Rds, stored: FailingData, emitted: list[dict[str, Any]]
) -> None:
    """A restore whose data are missing fails, and event 0355 says why."""
    scene.cluster()
    scene.snapshot()
    stored.failing["restore_snapshot"] = OSError(WHY)
    rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored",
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )
    event, message = told(emitted)

    assert ("failed", "RDS-EVENT-0355") == (scene.describe("restored")["Status"], event)
    assert message.endswith(WHY)


def test_a_snapshot_and_a_copy_without_their_data_are_failed(
    scene: Scene, stored: FailingData
) -> None:
    """A snapshot and a copy whose data are missing fail, and the cluster is available again."""
    scene.cluster()
    source = scene.snapshot("good")
    stored.failing |= {"take_snapshot": OSError(WHY), "copy_snapshot": OSError(WHY)}
    failed = scene.snapshot("bad")["Status"]
    scene.copy(source)
    copy = scene.describe_snapshot("copied", region=TARGET)["Status"]

    assert ("failed", "failed", "available") == (failed, copy, scene.describe()["Status"])


def test_a_password_that_cannot_be_set_emits_event_0067(
    scene: Scene, rds: Rds, stored: FailingData, emitted: list[dict[str, Any]]
) -> None:
    """A password that the engine cannot set is reported by an event, and the cluster is available
    again.
    """
    scene.cluster()
    stored.failing["set_master_password"] = RuntimeError(WHY)
    rds(SOURCE).modify_db_cluster(
        DBClusterIdentifier="prod-cluster", MasterUserPassword="another-long-password"
    )
    scene.settle()

    assert ("RDS-EVENT-0067", "available") == (told(emitted)[0], scene.describe()["Status"])


def test_a_bug_of_a_data_plane_fails_the_resource_and_is_raised(
    scene: Scene, aurora: Aurora, stored: FailingData
) -> None:
    """A bug of the data plane fails the resource.

    It is not taken for a full disk and does not leave the instance creating for ever.
    """
    scene.cluster(instances=0)
    stored.failing["start"] = AssertionError("a bug")
    with pytest.raises(AssertionError, match="a bug"):
        scene.instance("first", "prod-cluster")

    assert "failed" == scene.describe_instance("first")["DBInstanceStatus"]
    assert aurora.next_transition() is None
