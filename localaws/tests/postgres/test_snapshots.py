"""Snapshots are real copies: what a cluster had, the restored one has.

What comes later touches neither.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from localaws.aurora import Aurora, AuroraClient, VirtualClock
from localaws.postgres import DataPlaneError, PostgresData
from localaws.postgres.addresses import choose_address
from tests.aurora.scene import ACCOUNT, SOURCE, Scene
from tests.postgres.client import MASTER, PASSWORD, PORT, Client, make


class Everywhere(set[tuple[str, int]]):
    """The endpoints of a machine on which every address is taken."""

    def __contains__(self, endpoint: object) -> bool:
        """Tell that it is taken."""
        return True


@pytest.fixture
def copy(data: PostgresData, name: str) -> Iterator[str]:
    """Name a cluster that the test restores to; it is destroyed afterwards."""
    data.place(f"cluster-{name}", name=name, port=PORT)
    yield f"cluster-{name}"
    data.destroy(f"cluster-{name}")


def test_a_restored_cluster_has_rows_roles_and_passwords(
    data: PostgresData, cluster: str, copy: str, name: str
) -> None:
    """Nobody's password changes on the way: production's logins open the copy."""
    master = Client(data, cluster)
    master("CREATE ROLE shop_app LOGIN PASSWORD 'Production-App-1'")
    master(
        "CREATE TABLE orders AS SELECT id FROM generate_series(1, 5000) id; GRANT SELECT ON orders "
        "TO shop_app"
    )

    data.take_snapshot(cluster, name)
    data.restore_snapshot(name, copy)
    data.start(copy)
    found = Client(data, copy, "shop_app", "Production-App-1")("SELECT count(*) FROM orders")

    assert [(5000,)] == found


def test_a_snapshot_keeps_its_moment_while_the_source_goes_on(
    data: PostgresData, cluster: str, copy: str, name: str
) -> None:
    """What is written after the snapshot is in the source and not in the copy, and the other way
    round.
    """
    source = Client(data, cluster)
    source("CREATE TABLE events (name text); INSERT INTO events VALUES ('before')")
    data.take_snapshot(cluster, name)
    source("INSERT INTO events VALUES ('after')")

    data.restore_snapshot(name, copy)
    data.start(copy)
    Client(data, copy)("INSERT INTO events VALUES ('in the copy')")

    assert [("before",), ("in the copy",)] == Client(data, copy)("SELECT name FROM events")
    assert [("before",), ("after",)] == Client(data, cluster)("SELECT name FROM events")


def test_a_copy_outlives_its_source_and_what_was_restored_from_it(
    data: PostgresData, cluster: str, copy: str, name: str
) -> None:
    """Snapshots share files with each other.

    Deleting one, or writing to a cluster made from it, changes no other.
    """
    Client(data, cluster)("CREATE TABLE one AS SELECT 1 AS value")
    data.take_snapshot(cluster, name)
    data.copy_snapshot(name, f"{name}-copied")
    data.place(f"{copy}-1", name=f"{name}-1", port=PORT)
    data.restore_snapshot(name, f"{copy}-1")
    data.start(f"{copy}-1")
    Client(data, f"{copy}-1")("UPDATE one SET value = 2; DROP TABLE IF EXISTS events")
    data.stop(f"{copy}-1")
    data.destroy(f"{copy}-1")
    data.delete_snapshot(name)

    data.restore_snapshot(f"{name}-copied", copy)
    data.start(copy)

    assert [(1,)] == Client(data, copy)("SELECT value FROM one")


def test_a_cluster_without_a_running_server_is_copied_too(
    data: PostgresData, cluster: str, copy: str, name: str
) -> None:
    """A stopped cluster, or one without instances, can be snapshotted."""
    Client(data, cluster)("CREATE TABLE stopped AS SELECT 1 AS value")
    data.stop(cluster)
    data.take_snapshot(cluster, name)
    data.restore_snapshot(name, copy)
    data.start(copy)

    assert [(1,)] == Client(data, copy)("SELECT value FROM stopped")


def test_a_stopped_cluster_refuses_connections_and_keeps_its_rows(
    data: PostgresData, cluster: str
) -> None:
    """Stop and start: the endpoint stays, the rows stay, and between them nobody gets in."""
    Client(data, cluster)("CREATE TABLE kept AS SELECT 1 AS value")
    endpoint = data.endpoint(cluster)
    data.stop(cluster)
    with pytest.raises(psycopg2.OperationalError):
        Client(data, cluster)("SELECT 1")
    data.start(cluster)

    assert [(1,)] == Client(data, cluster)("SELECT value FROM kept")
    assert endpoint == data.endpoint(cluster)


def test_a_cluster_restored_under_the_name_of_an_earlier_one_has_its_address(
    data: PostgresData, cluster: str, name: str
) -> None:
    """Clients that know the endpoint reach the new rows; another name has another address."""
    data.take_snapshot(cluster, name)
    first, second, other = (f"{name}-{which}" for which in ("first", "second", "other"))
    data.place(first, name="staging", port=PORT)
    data.restore_snapshot(name, first)
    data.destroy(first)
    data.place(second, name="staging", port=PORT)
    data.place(other, name="elsewhere", port=PORT)
    for resource_id in (second, other):
        data.destroy(resource_id)

    assert data.endpoint(first) == data.endpoint(second) != data.endpoint(other)


def test_a_clone_has_the_present_rows_of_a_running_source(data: PostgresData) -> None:
    """Through RDS: rows that were written a moment before the call are in it."""
    clock = VirtualClock()
    aurora = Aurora(clock, data=data)
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    made = scene.cluster(MasterUsername=MASTER, MasterUserPassword=PASSWORD, DatabaseName="shop")
    Client(data, made["DbClusterResourceId"])("CREATE TABLE present AS SELECT 2 AS value")
    scene.rds(SOURCE).restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="cloned",
        SourceDBClusterIdentifier="prod-cluster",
        RestoreType="copy-on-write",
        UseLatestRestorableTime=True,
    )
    scene.settle()
    scene.instance("cloned-1", "cloned")
    clone = scene.describe("cloned")["DbClusterResourceId"]
    found = Client(data, clone)("SELECT value FROM present")
    for resource_id in (made["DbClusterResourceId"], clone):
        data.destroy(resource_id)

    assert [(2,)] == found


def test_what_is_not_there_is_refused_with_a_sentence(data: PostgresData) -> None:
    """An unknown cluster or snapshot is named."""
    with pytest.raises(DataPlaneError, match=r"^There is no snapshot nowhere with data\.$"):
        data.restore_snapshot("nowhere", "cluster-NEW")
    with pytest.raises(DataPlaneError, match=r"^There is no cluster nowhere\.$"):
        data.start("nowhere")


def test_two_clusters_can_have_the_same_port() -> None:
    """On Linux each cluster has a loopback address of its own, and nothing but loopback."""
    first = choose_address(PORT, set())
    second = choose_address(PORT, {(first, PORT)})

    assert all(address.startswith("127.") for address in (first, second))
    assert first != second


def test_a_port_that_is_taken_everywhere_is_refused_with_a_sentence() -> None:
    """Where 127.0.0.1 is the only address, a second cluster cannot have the port of the first."""
    everywhere = Everywhere()

    with pytest.raises(
        DataPlaneError,
        match=rf"^Port {PORT} is taken on this machine's loopback address: stop what",
    ):
        choose_address(PORT, everywhere)


def test_nothing_is_left_of_a_closed_data_plane(folder: Path) -> None:
    """Closing stops servers and removes data, also where it lived outside the folder.

    The logs stay.
    """
    plane = PostgresData(folder)
    make(plane, "cluster-A")
    plane.start("cluster-A")
    outside = (folder / "temporary").readlink()
    plane.close()

    assert [] == plane.process_ids
    assert (["logs"], False) == ([entry.name for entry in folder.iterdir()], outside.exists())
