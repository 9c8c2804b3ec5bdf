"""What the two users can and cannot do, proven by logging in as them, in each database."""

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.errors import RefusedError, Retry
from chalicelib.limits import counted
from chalicelib.postgres.connection import Connection, rows, run, session
from chalicelib.postgres.grants import refuse_unless_right
from chalicelib.postgres.place import Login, Place
from chalicelib.postgres.privileges import THINGS

SAMPLES_MAX = 20
_SAMPLES = f"""
WITH {THINGS}
SELECT DISTINCT ON (schema, owner) schema, name FROM thing
 WHERE kind = 'TABLE' AND oid IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relrowsecurity)
 ORDER BY schema, owner, name LIMIT {SAMPLES_MAX}
"""  # noqa: S608 (composed of constants); one table of each owner in each schema; policies may fail
_SCHEMAS = f"WITH {THINGS} SELECT name FROM thing WHERE kind = 'SCHEMA' ORDER BY name"  # noqa: S608


def prove(place: Place, database: str, *, application: Login, readonly: Login) -> list[str]:
    """Log in to `database` as both users and try; return what was proven as sentences, or refuse with what was not."""
    with session(place, application, database) as connection:
        refuse_unless_right(connection, application=application.username, readonly=readonly.username)
        tables = _samples(connection)
        for table in tables:
            _can_write(connection, table)
    with session(place, readonly, database) as connection:
        for table in tables:
            _can_only_read(connection, table, readonly.username)
        schemas = [name for (name,) in rows(connection, _SCHEMAS)]
        for schema in schemas:
            _cannot_create(connection, schema, readonly.username)
    everywhere = f"tried in {counted(len(schemas), 'schema')}"
    tried = f"tried on {counted(len(tables), 'table')}"
    return [
        f"{application.username} reads and writes in database {database} ({tried}).",
        f"{readonly.username} reads in database {database} and is refused a write ({tried}).",
        f"{readonly.username} is refused a new table in database {database} ({everywhere}).",
    ]


def _samples(connection: Connection) -> list[Identifier]:
    return [Identifier(schema, name) for schema, name in rows(connection, _SAMPLES)]


def _can_write(connection: Connection, table: Identifier) -> None:
    """Plan, but do not run, each kind of statement: planning checks the rights, and no trigger fires."""
    for statement in ("SELECT FROM {}", "INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}"):
        rows(connection, SQL("EXPLAIN " + statement).format(table))


def _can_only_read(connection: Connection, table: Identifier, username: str) -> None:
    """Read, and be refused a deletion (which would touch no row); not for a read-only session: this one is not."""
    rows(connection, SQL("SELECT FROM {} LIMIT 1").format(table))
    _refused(connection, SQL("DELETE FROM {} WHERE false").format(table), f"{username} could write to a table.")


def _cannot_create(connection: Connection, schema: str, username: str) -> None:
    probe = Identifier(schema, "aurora_restore_probe")
    _refused(
        connection, SQL("CREATE TABLE {} ()").format(probe), f"{username} could create a table in schema {schema}."
    )


def _refused(connection: Connection, statement: Composable, otherwise: str) -> None:
    """Run what must be refused, and undo it; if it is not, the operation is, with the sentence `otherwise`."""
    connection.autocommit = False
    try:
        run(connection, statement)
    except psycopg2.errors.InsufficientPrivilege:
        return
    finally:
        connection.rollback()
        connection.autocommit = True
    remedy = "In production, revoke that right from the role and from PUBLIC."
    raise RefusedError(otherwise, remedy, retry=Retry.LATER_SNAPSHOT)
