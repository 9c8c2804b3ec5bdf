"""A cluster with a real server, renamed as a swap renames it: who gets in by verify-full."""

from contextlib import closing
from typing import Any

import psycopg2
from localaws.aurora import Aurora, AuroraClient, VirtualClock
from localaws.postgres import PostgresData
from tests.aurora.scene import ACCOUNT, PASSWORD, SOURCE, Scene

PORT = 15998


def scene_of(data: PostgresData) -> Scene:
    """Make a model with real servers, on a clock that the test moves."""
    clock = VirtualClock()
    aurora = Aurora(clock, data=data)
    return Scene(lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock)


def login(data: PostgresData, host: str, mode: str = "verify-full") -> str:
    """Log in at a host; return `in`, or the reason that keeps the client out."""
    how = {"sslmode": mode, "sslrootcert": str(data.roots), "dbname": "postgres"}
    try:
        opened = psycopg2.connect(host=host, port=PORT, user="postgres", password=PASSWORD, **how)
    except psycopg2.OperationalError as error:
        return str(error)
    with closing(opened):
        return "in"


def test_a_renamed_cluster_proves_its_name_after_a_stop_and_a_start(data: PostgresData) -> None:
    """Clients with verify-full get in before a rename, are refused by name after it, and get in
    again when the cluster was stopped and started; the instance's own endpoint is as before.
    """
    scene = scene_of(data)
    rds: Any = scene.rds(SOURCE)
    before = login(data, scene.cluster("next", Port=PORT)["Endpoint"])
    rds.modify_db_cluster(
        DBClusterIdentifier="next", NewDBClusterIdentifier="target", ApplyImmediately=True
    )
    scene.pass_time(60)
    meanwhile = login(data, scene.describe("next")["Endpoint"])
    scene.settle()
    host = scene.describe("target")["Endpoint"]
    renamed = [login(data, host, mode) for mode in ("verify-full", "require", "disable")]
    of_instance = login(data, scene.describe_instance("next-1")["Endpoint"]["Address"])
    rds.stop_db_cluster(DBClusterIdentifier="target")
    scene.settle()
    rds.start_db_cluster(DBClusterIdentifier="target")
    scene.settle()
    restarted = login(data, scene.describe("target")["Endpoint"])
    scene.delete_instances("next-1")
    rds.delete_db_cluster(DBClusterIdentifier="target", SkipFinalSnapshot=True)
    scene.settle()

    assert ("in", "in") == (before, meanwhile)
    assert "does not match host name" in renamed[0]
    assert ["in", "in"] == renamed[1:]
    assert ("in", "in") == (of_instance, restarted)
