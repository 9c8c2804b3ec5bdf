"""Time: transitions at their own moments, in order, the same in every run.

And the data that goes along.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from localaws.aurora import Aurora, AuroraClient, Durations, NoData, VirtualClock, WallClock
from tests.aurora.recording import RecordingData
from tests.aurora.scene import (
    ACCOUNT,
    ENGINE,
    HOUR_SECONDS,
    LAG_SECONDS,
    SOURCE,
    TARGET,
    Rds,
    Scene,
)


def test_nothing_is_pending_in_an_empty_account(aurora: Aurora) -> None:
    """In an empty account no transition is under way."""
    assert aurora.next_transition() is None


def test_the_next_transition_is_announced(scene: Scene, aurora: Aurora) -> None:
    """The time of the next transition is known, so that a test can go there at once."""
    scene.cluster()
    aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)

    assert scene.clock.now() + timedelta(seconds=180) == aurora.next_transition()


def test_a_long_pause_lets_everything_happen_at_its_own_time(
    scene: Scene, rds: Rds, emitted: list[dict[str, Any]]
) -> None:
    """After a long pause every transition has happened at its own moment: looking late changes
    nothing else.
    """
    scene.cluster()
    emitted.clear()
    begun = scene.clock.now()
    scene.delete_instances("prod-cluster-1")
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.pass_time(36_000)
    after = [180, 300]

    assert [f"{begun + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}" for seconds in after] == [
        event["time"] for event in emitted
    ]


def test_durations_can_be_scaled() -> None:
    """Durations can be scaled, which keeps the order of transitions."""
    assert Durations(snapshot=18, copy=120).snapshot == Durations().scaled(10).snapshot
    with pytest.raises(ValueError, match="positive"):
        Durations().scaled(0)


def test_the_same_calls_give_the_same_ids() -> None:
    """The same calls give the same ids, however often somebody looks in between."""

    def resource_id(looks: int) -> str:
        client = AuroraClient(Aurora(VirtualClock()), account=ACCOUNT, region=SOURCE)
        for _ in range(looks):
            client.describe_db_clusters()
        made = client.create_db_cluster(
            DBClusterIdentifier="a",
            Engine=ENGINE,
            MasterUsername="a",
            MasterUserPassword="long-enough",
        )
        return str(made["DBCluster"]["DbClusterResourceId"])

    assert resource_id(0) == resource_id(5)


def rows(stored: RecordingData, scene: Scene, name: str, region: str = SOURCE) -> str:
    """Return what a cluster holds."""
    return stored.clusters[scene.describe(name, region=region)["DbClusterResourceId"]].rows


def test_a_restored_cluster_holds_what_the_source_held_when_the_snapshot_began(
    scene: Scene, aurora: Aurora, stored: RecordingData
) -> None:
    """A restored cluster holds the source's data of that moment, through a copy as well, and
    nothing later.
    """
    cluster = scene.cluster()
    source = stored.clusters[cluster["DbClusterResourceId"]]
    source.rows = "before"
    name = aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)
    source.rows = "after"
    scene.settle()
    scene.copy(scene.describe_snapshot(name, SnapshotType="automated"))
    scene.settle()
    scene.restore("copied", region=TARGET)

    assert "before" == rows(stored, scene, "restored", TARGET)


def test_a_server_runs_from_the_first_instance_to_the_last(
    scene: Scene, stored: RecordingData
) -> None:
    """A server runs from the first instance to the last; a cluster without instances has none."""
    resource_id = scene.cluster(instances=0)["DbClusterResourceId"]
    ran = [stored.clusters[resource_id].runs]
    for name in ("one", "two"):
        scene.instance(name, "prod-cluster")
        ran.append(stored.clusters[resource_id].runs)
    for name in ("two", "one"):
        scene.delete_instances(name)
        scene.settle()
        ran.append(stored.clusters[resource_id].runs)

    assert [False, True, True, True, False] == ran


def test_a_stopped_cluster_has_no_running_server(
    scene: Scene, rds: Rds, stored: RecordingData
) -> None:
    """A stopped cluster has no running server until it is started again."""
    resource_id = scene.cluster()["DbClusterResourceId"]
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    stopped = stored.clusters[resource_id].runs
    rds(SOURCE).start_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()

    assert (False, True) == (stopped, stored.clusters[resource_id].runs)


def test_what_is_gone_leaves_no_data_behind(scene: Scene, rds: Rds, stored: RecordingData) -> None:
    """Deleted clusters and snapshots, and failed and canceled copies, leave no data behind."""
    scene.cluster()
    source = scene.snapshot()
    scene.copy(source, "cancelled")
    rds(TARGET).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="cancelled")
    failing = scene.copy(source, "failing")
    scene.aurora.fail_copy(failing["DBClusterSnapshotArn"])
    rds(SOURCE).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    scene.delete_instances("prod-cluster-1")
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert ({}, {}) == (stored.clusters, stored.snapshots)


class OwnEndpoint(NoData):
    """A data plane with a real address."""

    def endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return an address on this machine."""
        del resource_id
        return "127.0.0.1", 55432


def test_the_address_of_a_data_plane_is_the_clusters_endpoint() -> None:
    """The endpoints of cluster, reader and instance are host and port of the server behind them."""
    clock = VirtualClock()
    aurora = Aurora(clock, data=OwnEndpoint())
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    cluster = scene.cluster()
    instance = scene.describe_instance("prod-cluster-1")

    assert "127.0.0.1" == cluster["Endpoint"]
    assert "127.0.0.1" == cluster["ReaderEndpoint"]
    assert 55432 == cluster["Port"]
    assert {"Address": "127.0.0.1", "Port": 55432} == instance["Endpoint"]


class SlowData(NoData):
    """A data plane whose copying waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """Take as long as the test wants."""
        del resource_id, snapshot_key
        self.begun.set()
        assert self.may_end.wait(timeout=10)


def test_slow_data_keeps_nobody_else_waiting() -> None:
    """Other callers are answered while a snapshot's data are taken; it is not available before they
    are.
    """
    clock, data = VirtualClock(), SlowData()
    aurora = Aurora(clock, data=data)
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    scene.cluster()
    night = threading.Thread(
        target=aurora.take_automated_snapshot,
        args=("prod-cluster",),
        kwargs={"account": ACCOUNT, "region": SOURCE},
    )
    night.start()
    begun = data.begun.wait(timeout=10)
    scene.pass_time(3600)
    during = scene.rds(SOURCE).describe_db_cluster_snapshots()["DBClusterSnapshots"][0]["Status"]
    data.may_end.set()
    night.join(timeout=10)
    scene.settle()

    assert (True, "creating") == (begun, during)
    assert (
        "available"
        == scene.rds(SOURCE).describe_db_cluster_snapshots()["DBClusterSnapshots"][0]["Status"]
    )


def test_clocks_give_aware_datetimes() -> None:
    """Clocks tell aware times: the wall's is now; a virtual one stands still and does not run
    backwards.
    """
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))

    assert UTC is WallClock().now().tzinfo
    assert datetime(2026, 1, 1, 0, 1, tzinfo=UTC) == clock.advance(60)
    with pytest.raises(ValueError, match="does not run backwards"):
        clock.advance(-1)


def test_nothing_that_is_due_happens_in_a_world_that_ends(scene: Scene) -> None:
    """What is due when a world is being stopped stays undone: nobody waits for it."""
    scene.cluster()
    scene.rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.pass_time(LAG_SECONDS)
    scene.aurora.stand_still()
    scene.pass_time(HOUR_SECONDS)

    assert "stopping" == scene.describe()["Status"]
