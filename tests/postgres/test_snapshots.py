"""Snapshots are real copies: what a cluster had, the restored one has; what comes later touches neither."""

from pathlib import Path

import psycopg2
import pytest

from localaws.postgres import DataPlaneError, PostgresData
from tests.postgres.client import PORT, Client, make


@pytest.fixture
def copy(data: PostgresData, cluster: str) -> str:
    """Name a cluster to restore to; it is destroyed with the test's own."""
    return f"{cluster}-copy"


def test_a_restored_cluster_has_rows_roles_and_passwords(data: PostgresData, cluster: str, copy: str) -> None:
    """Nobody's password changes on the way: production's logins open the copy."""
    master = Client(data, cluster)
    master("CREATE ROLE shop_app LOGIN PASSWORD 'Production-App-1'")
    master("CREATE TABLE orders AS SELECT id FROM generate_series(1, 5000) id; GRANT SELECT ON orders TO shop_app")

    data.take_snapshot(cluster, f"{cluster}-night")
    data.restore_snapshot(f"{cluster}-night", copy, port=PORT)
    data.start(copy)
    rows = Client(data, copy, "shop_app", "Production-App-1")("SELECT count(*) FROM orders")
    data.destroy(copy)

    assert [(5000,)] == rows


def test_a_snapshot_keeps_its_moment_while_the_source_goes_on(data: PostgresData, cluster: str, copy: str) -> None:
    """What is written after the snapshot is in the source and not in the copy, and the other way round."""
    source = Client(data, cluster)
    source("CREATE TABLE events (name text); INSERT INTO events VALUES ('before')")
    data.take_snapshot(cluster, f"{cluster}-night")
    source("INSERT INTO events VALUES ('after')")

    data.restore_snapshot(f"{cluster}-night", copy, port=PORT)
    data.start(copy)
    Client(data, copy)("INSERT INTO events VALUES ('in the copy')")
    in_copy, in_source = (Client(data, one)("SELECT name FROM events") for one in (copy, cluster))
    data.destroy(copy)

    assert [("before",), ("in the copy",)] == in_copy
    assert [("before",), ("after",)] == in_source


def test_what_is_written_to_a_restored_cluster_is_not_in_its_snapshot(
    data: PostgresData, cluster: str, copy: str
) -> None:
    """One snapshot, restored twice, gives the same rows both times."""
    Client(data, cluster)("CREATE TABLE one AS SELECT 1 AS value")
    data.take_snapshot(cluster, f"{cluster}-night")
    for _ in range(2):
        data.restore_snapshot(f"{cluster}-night", copy, port=PORT)
        data.start(copy)
        rows = Client(data, copy)("SELECT value FROM one")
        Client(data, copy)("INSERT INTO one VALUES (2)")
        data.destroy(copy)

        assert [(1,)] == rows


def test_a_copy_outlives_its_source_and_what_was_restored_from_it(
    data: PostgresData, cluster: str, copy: str
) -> None:
    """Copies share their files; deleting one, or writing to a cluster restored from it, leaves the other whole."""
    Client(data, cluster)("CREATE TABLE one AS SELECT 1 AS value")
    data.take_snapshot(cluster, f"{cluster}-night")
    data.copy_snapshot(f"{cluster}-night", f"{cluster}-copied")
    data.restore_snapshot(f"{cluster}-night", f"{copy}-1", port=PORT)
    data.start(f"{copy}-1")
    Client(data, f"{copy}-1")("UPDATE one SET value = 2; CHECKPOINT")
    data.destroy(f"{copy}-1")
    data.delete_snapshot(f"{cluster}-night")

    data.restore_snapshot(f"{cluster}-copied", copy, port=PORT)
    data.start(copy)
    rows = Client(data, copy)("SELECT value FROM one")
    data.destroy(copy)

    assert [(1,)] == rows


def test_a_cluster_without_a_running_server_is_copied_too(data: PostgresData, cluster: str, copy: str) -> None:
    """A stopped cluster, or one without instances, can be snapshotted."""
    Client(data, cluster)("CREATE TABLE one AS SELECT 1 AS value")
    data.stop(cluster)
    data.take_snapshot(cluster, f"{cluster}-night")
    data.restore_snapshot(f"{cluster}-night", copy, port=PORT)
    data.start(copy)
    rows = Client(data, copy)("SELECT value FROM one")
    data.destroy(copy)

    assert [(1,)] == rows


def test_a_stopped_cluster_refuses_connections_and_keeps_its_rows(data: PostgresData, cluster: str) -> None:
    """Stop and start: the endpoint stays, the rows stay, and between them nobody gets in."""
    Client(data, cluster)("CREATE TABLE one AS SELECT 1 AS value")
    endpoint = data.endpoint(cluster)
    data.stop(cluster)
    with pytest.raises(psycopg2.OperationalError):
        Client(data, cluster)("SELECT 1")
    data.start(cluster)

    assert ([(1,)], endpoint) == (Client(data, cluster)("SELECT value FROM one"), data.endpoint(cluster))


def test_what_is_not_there_is_refused_with_a_sentence(data: PostgresData) -> None:
    """An unknown cluster or snapshot is named."""
    with pytest.raises(DataPlaneError, match=r"^There is no snapshot nowhere with data\.$"):
        data.restore_snapshot("nowhere", "cluster-NEW", port=PORT)
    with pytest.raises(DataPlaneError, match=r"^There is no cluster nowhere with data\.$"):
        data.start("nowhere")


def test_two_clusters_can_have_the_same_port(data: PostgresData, cluster: str, copy: str, empty: str) -> None:
    """On Linux each cluster has a loopback address of its own, and nothing but loopback."""
    data.restore_snapshot(empty, copy, port=PORT)
    endpoints = [data.endpoint(one) for one in (cluster, copy)]
    data.destroy(copy)

    assert [PORT, PORT] == [port for _, port in endpoints]
    assert all(address.startswith("127.") for address, _ in endpoints)
    assert 2 == len(set(endpoints))


def test_nothing_is_left_of_a_closed_data_plane(folder: Path) -> None:
    """Closing stops servers and removes data, also where it lived outside the folder; logs and ledger stay."""
    plane = PostgresData(folder)
    make(plane, "cluster-A")
    plane.start("cluster-A")
    outside = (folder / "temporary").readlink()
    plane.close()

    assert [] == plane.process_ids
    assert (["logs", "processes.json"], False) == (sorted(one.name for one in folder.iterdir()), outside.exists())
