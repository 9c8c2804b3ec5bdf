"""A server's tables as Parquet files, named as Aurora names those that it exports.

Numbers and booleans keep their types; everything else is PostgreSQL's own text for it. What is left
out, and how names become paths, is as in "Considerations for DB cluster snapshot exports".
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier

from localaws.aurora.data import ExportedTable
from localaws.postgres.errors import DataPlaneError
from localaws.postgres.server import SUPERUSER, PostgresServer

_SAME: Final = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
}
_NUMERIC: Final = re.compile(r"numeric\((\d+),(\d+)\)")
_DIGITS_MOST: Final = 38
_NEVER_IN_COLUMNS: Final = frozenset(",;{}()\n\t= ")
_LINE_BYTES_MOST: Final = 16 * 2**20
_READ: Final = (
    "header=false, auto_detect=false, parallel=false, delim=',', quote='\"', escape='\"', "
    "nullstr='NULL', allow_quoted_nulls=false, "
    f"max_line_size={_LINE_BYTES_MOST}, buffer_size={2 * _LINE_BYTES_MOST}"
)

_TABLES: Final = """
SELECT c.oid, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 2, 3"""
_PARTS: Final = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND (c.oid = %(table)s OR c.oid IN
  (SELECT relid FROM pg_partition_tree(%(table)s::oid::regclass) WHERE isleaf)) ORDER BY 1, 2"""
_COLUMNS: Final = """
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_DATABASES: Final = """
SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datname <> %s ORDER BY 1"""


@dataclass(frozen=True)
class _Table:
    """A table as it stands: its `parts` (schema, name) are its partitions, or itself."""

    database: str
    schema: str
    name: str
    parts: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str, str], ...]

    @property
    def path(self) -> tuple[str, str, str]:
        return self.database, self.schema, self.name

    @property
    def is_exported(self) -> bool:
        names = "".join(name for name, _, _ in self.columns)
        return bool(names) and "/" not in "".join(self.path) and not _NEVER_IN_COLUMNS & set(names)


def export_tables(server: PostgresServer, folder: Path, only: Sequence[str]) -> list[ExportedTable]:
    """Write the tables of a running server below a folder; DataPlaneError for what cannot be."""
    wanted = [tuple(path.split(".")) for path in only]
    exported, met = [], set()
    try:
        for database in _databases(server):
            with server.session(database) as cursor:
                cursor.execute("SET client_encoding TO 'UTF8'")
                for table in _tables(cursor, database):
                    naming = {path for path in wanted if table.path[: len(path)] == path}
                    met |= naming
                    if table.is_exported and (naming or not wanted):
                        exported.append(_export(cursor, table, folder))
    except psycopg2.Error as error:
        raise DataPlaneError(f"The tables could not be read: {str(error).strip()}.") from error
    missing = [".".join(path) for path in wanted if path not in met]
    if missing:
        raise DataPlaneError(f"The snapshot has no table in {', '.join(missing)} (ExportOnly).")
    return exported


def _databases(server: PostgresServer) -> list[str]:
    with server.session() as cursor:
        cursor.execute(_DATABASES, [SUPERUSER])
        return [name for (name,) in cursor.fetchall()]


def _tables(cursor: Any, database: str) -> Iterator[_Table]:
    cursor.execute(_TABLES)
    for oid, schema, name in cursor.fetchall():
        cursor.execute(_PARTS, {"table": oid})
        parts = tuple(cursor.fetchall())
        cursor.execute(_COLUMNS, [oid])
        columns = tuple((name, kind, _exported_type(kind)) for name, kind in cursor.fetchall())
        yield _Table(database, schema, name, parts, columns)


def _exported_type(kind: str) -> str:
    found = _NUMERIC.fullmatch(kind)
    if found and int(found[2]) <= int(found[1]) <= _DIGITS_MOST:
        return f"DECIMAL({found[1]},{found[2]})"
    return _SAME.get(kind, "VARCHAR")


def _export(cursor: Any, table: _Table, folder: Path) -> ExportedTable:
    """Write a table, one numbered folder for each of its partitions."""
    files = []
    base = re.sub(r'[\\`" ]', "_", f"{table.database}/{table.schema}.{table.name}")
    for number, part in enumerate(table.parts, 1):
        file = f"{base}/{number}/part-00000-{uuid.uuid4()}-c000.gz.parquet"
        (folder / file).parent.mkdir(parents=True)
        rows = folder / "rows.csv"
        with rows.open("wb") as stream:
            cursor.copy_expert(_copy(table, part), stream)
        _write_parquet(rows, folder / file, table)
        rows.unlink()
        files.append(file)
    size = sum((folder / file).stat().st_size for file in files)
    return ExportedTable(".".join(table.path), tuple(files), table.columns, size)


def _copy(table: _Table, part: tuple[str, str]) -> Composable:
    """Return the COPY that tells a NULL from a text: only texts are quoted."""
    names = SQL(", ").join(Identifier(name) for name, _, _ in table.columns)
    statement = "COPY (SELECT {} FROM ONLY {}) TO STDOUT (FORMAT csv, FORCE_QUOTE *, NULL 'NULL')"
    return SQL(statement).format(names, Identifier(*part))


def _write_parquet(rows: Path, target: Path, table: _Table) -> None:
    import duckdb  # noqa: PLC0415  # 70 MB that only an export needs

    columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, _, kind in table.columns)
    reading = f"read_csv({_quoted(rows)}, columns={{{columns}}}, {_READ})"
    writing = f"COPY (FROM {reading}) TO {_quoted(target)} (FORMAT parquet, COMPRESSION gzip)"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
    }
    try:
        with duckdb.connect(config=settings) as connection:
            connection.execute(writing)
    except duckdb.Error as error:
        name, why = ".".join(table.path), str(error).splitlines()[0]
        raise DataPlaneError(f"The table {name} could not be written as Parquet: {why}") from error


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
