"""Jobs that extensions keep in tables of their own.

The tables are found through the catalog, so no other table of that name deceives. pg_cron runs what
is `active` in its table `job`; pg_partman's background worker maintains what `part_config` says is
automatic; pglogical subscribes by tables that PostgreSQL's own pg_subscription does not show.
"""

from collections.abc import Iterator
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database.connection import Connection, rows
from chalicelib.database.quiesce_queries import NO_PUBLISHER


class Job(NamedTuple):
    """Which lines of an extension's table stand for work that goes on, and what ends it."""

    kind: str
    extension: str
    table: str
    column: str
    goes_on: str
    end: str


JOBS = (
    Job("cron-jobs", "pg_cron", "job", "active", "active", "active = false"),
    *(
        Job("partman", "pg_partman", table, column, f"{column} <> 'off'", f"{column} = 'off'")
        for table, column in (
            ("part_config", "automatic_maintenance"),
            ("part_config_sub", "sub_automatic_maintenance"),
        )
    ),
    Job(
        "subscriptions",
        "pglogical",
        "subscription",
        "sub_enabled",
        "sub_enabled",
        "sub_enabled = false",
    ),
    Job(
        "subscriptions",
        "pglogical",
        "node_interface",
        "if_dsn",
        f"if_dsn <> '{NO_PUBLISHER}'",
        f"if_dsn = '{NO_PUBLISHER}'",
    ),
)


class Table(NamedTuple):
    """An extension's table as it is in one database."""

    job: Job
    oid: int
    schema: str
    owner: str

    @property
    def name(self) -> str:
        """The name for people."""
        return f"{self.schema}.{self.job.table}"

    @property
    def identity(self) -> Composable:
        """The name in a statement."""
        return Identifier(self.schema, self.job.table)


_TABLES = """
SELECT pg_class.oid, nspname, pg_catalog.pg_get_userbyid(relowner)
  FROM pg_catalog.pg_extension
  JOIN pg_catalog.pg_depend ON refobjid = pg_extension.oid AND deptype = 'e'
   AND refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
   AND classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  JOIN pg_catalog.pg_class ON pg_class.oid = objid AND relkind = 'r'
  JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
  JOIN pg_catalog.pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
 WHERE extname = %(extension)s AND relname = %(table)s AND attname = %(column)s
"""


def tables(connection: Connection, kind: str) -> Iterator[Table]:
    """Return the tables of a kind that the session's database has."""
    for job in JOBS:
        if job.kind == kind:
            known = {"extension": job.extension, "table": job.table, "column": job.column}
            yield from (Table(job, *row) for row in rows(connection, _TABLES, **known))


def count(connection: Connection, table: Table) -> int:
    """Count the lines that stand for work that goes on.

    Those that row security hides are not among them.
    """
    query = SQL("SELECT pg_catalog.count(*) FROM {} WHERE {}")
    return int(rows(connection, query.format(table.identity, SQL(table.job.goes_on)))[0][0])


def is_hidden(connection: Connection, table: Table) -> bool:
    """Tell whether row security may hide lines of the table from the session's user."""
    query = "SELECT pg_catalog.row_security_active(%(oid)s::pg_catalog.oid)"
    return bool(rows(connection, query, oid=table.oid)[0][0])


def ending(table: Table) -> Composable:
    """Return the statement that ends all that goes on."""
    parts = table.identity, SQL(table.job.end), SQL(table.job.goes_on)
    return SQL("UPDATE {} SET {} WHERE {}").format(*parts)
