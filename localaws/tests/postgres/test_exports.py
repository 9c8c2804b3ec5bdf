"""An export's files hold what the snapshot's tables hold."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from localaws.aurora import Aurora, AuroraClient, KeyRing, VirtualClock
from localaws.export_buckets import BucketExports
from localaws.postgres import DataPlaneError, PostgresData
from tests.aurora.buckets import Buckets, buckets, request
from tests.aurora.scene import ACCOUNT, KEY_ALIAS, SOURCE, Scene
from tests.postgres.client import MASTER, PASSWORD, Client

TABLES = """
CREATE SCHEMA sales;
CREATE TABLE sales.orders (
  id bigint, small smallint, price numeric(10, 2), any_number numeric, ratio double precision,
  paid boolean, note text, tags text[], made timestamptz, "it's" varchar(9),
  twice numeric(11, 2) GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO sales.orders VALUES
  (1, 2, 19.90, 1.5, 0.1, true, E'two\\nlines, "quoted"\\r\\n', '{a,b}',
   '2026-11-27 01:02:03Z', ''),
  (2, NULL, NULL, 'NaN', 'Infinity', false, 'NULL', NULL, NULL, NULL),
  (9223372036854775807, -1, -0.01, NULL, NULL, NULL, NULL, NULL, NULL, '\\.');
CREATE TABLE sales.empty (id integer);
CREATE TABLE single (note text); INSERT INTO single VALUES (NULL), ('');
CREATE TABLE parted (id integer, name text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 (name text, id integer);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES FROM (0) TO (9);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (9) TO (99);
INSERT INTO parted VALUES (1, 'one'), (10, 'ten');
CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS id;
CREATE TABLE spaced AS SELECT 1 AS "a b";
CREATE VIEW seen AS SELECT 1 AS id;
CREATE TABLE "with space" AS SELECT 7 AS id;
"""
ORDERS = [
    (
        1,
        2,
        Decimal("19.90"),
        "1.5",
        0.1,
        True,
        'two\nlines, "quoted"\r\n',
        "{a,b}",
        "2026-11-27 01:02:03+00",
        "",
        Decimal("39.80"),
    ),
    (2, None, None, "NaN", float("inf"), False, "NULL", None, None, None, None),
    (2**63 - 1, -1, Decimal("-0.01"), None, None, None, None, None, None, "\\.", Decimal("-0.02")),
]


@pytest.fixture
def target() -> Iterator[Buckets]:
    """Give a bucket and a role."""
    with buckets() as made:
        yield made


def rows(folder: Path, content: bytes) -> list[Any]:
    """Read the rows of a Parquet file."""
    file = folder / "read.parquet"
    file.write_bytes(content)
    with duckdb.connect() as connection:
        return connection.execute("FROM read_parquet(?)", [str(file)]).fetchall()


@pytest.fixture
def scene(data: PostgresData) -> Scene:
    """Give a scene whose clusters are in PostgreSQL and whose exports go to buckets."""
    clock, keys = VirtualClock(), KeyRing()
    keys.create(ACCOUNT, SOURCE, KEY_ALIAS)
    aurora = Aurora(clock, data=data, keys=keys, exports=BucketExports())
    return Scene(lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock)


@pytest.fixture
def exported(scene: Scene, data: PostgresData) -> Iterator[Scene]:
    """Give a scene with the snapshot of a cluster that has the tables, but no orders any more."""
    made = scene.cluster(MasterUsername=MASTER, MasterUserPassword=PASSWORD, DatabaseName="shop")
    client = Client(data, made["DbClusterResourceId"])
    client(TABLES)
    scene.snapshot()
    client("DELETE FROM sales.orders")
    yield scene
    scene.rds(SOURCE).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    scene.settle()
    data.destroy(made["DbClusterResourceId"])


def export(scene: Scene, **options: Any) -> dict[str, Any]:
    """Export the snapshot, and return the task at its end."""
    task = request(**options)
    scene.rds(SOURCE).start_export_task(**task)
    scene.settle()
    name = task["ExportTaskIdentifier"]
    (ended,) = scene.rds(SOURCE).describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"]
    return dict(ended)


def tables(files: Mapping[str, bytes], folder: Path) -> dict[str, list[Any]]:
    """Read the rows of each Parquet file, by the folder that it lies in."""
    return {
        name.rsplit("/", 1)[0]: rows(folder, content)
        for name, content in files.items()
        if name.endswith(".gz.parquet")
    }


def test_an_export_has_the_rows_of_the_snapshot(
    exported: Scene, target: Buckets, tmp_path: Path
) -> None:
    """An export has the rows of the snapshot, none later: of each table, one numbered folder for
    each partition.
    """
    export(exported, S3Prefix="prod/")
    files = target.files
    info = json.loads(files["prod/monthly/export_info_monthly.json"])
    listed = json.loads(files["prod/monthly/export_tables_info_monthly_from_1_to_5.json"])
    expected = {
        "prod/monthly/shop/public.parted/1": [(1, "one")],
        "prod/monthly/shop/public.parted/2": [(10, "ten")],
        "prod/monthly/shop/public.single/1": [(None,), ("",)],
        "prod/monthly/shop/public.with_space/1": [(7,)],
        "prod/monthly/shop/sales.empty/1": [],
        "prod/monthly/shop/sales.orders/1": ORDERS,
    }

    assert expected == tables(files, tmp_path)
    assert ("COMPLETE", "prod/monthly") == (info["status"], info["exportedFilesPath"])
    assert {
        "shop.public.parted",
        "shop.public.single",
        "shop.public.with space",
        "shop.sales.empty",
        "shop.sales.orders",
    } == {table["target"] for table in listed["perTableStatus"]}


def test_an_export_has_only_the_tables_that_are_named(
    exported: Scene, target: Buckets, tmp_path: Path
) -> None:
    """ExportOnly names the tables of an export; a name that the snapshot lacks fails the task."""
    export(exported, ExportTaskIdentifier="partial", ExportOnly=["shop.sales.empty"])
    unknown = ["shop.nowhere", "shop.sales"]
    failed = export(exported, ExportTaskIdentifier="unknown", ExportOnly=unknown)

    assert {"partial/shop/sales.empty/1": []} == tables(target.files, tmp_path)
    assert "FAILED" == failed["Status"]
    assert "The snapshot has no table in shop.nowhere (ExportOnly)." == failed["FailureCause"]


def test_what_parquet_cannot_hold_is_refused_with_a_sentence(
    data: PostgresData, cluster: str, name: str, tmp_path: Path
) -> None:
    """A table that Parquet cannot hold is refused by name: a number with a scale has no NaN
    there.
    """
    Client(data, cluster)("CREATE TABLE strange AS SELECT 'NaN'::numeric(5, 1) AS value")
    data.take_snapshot(cluster, name)
    Client(data, cluster)("DROP TABLE strange")

    with pytest.raises(DataPlaneError, match=r"^The table shop\.public\.strange could not be"):
        data.export_snapshot(name, tmp_path, ["shop.public.strange"])
    data.delete_snapshot(name)
