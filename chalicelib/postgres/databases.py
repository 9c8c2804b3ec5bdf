"""The databases of a cluster: which can be entered, which are opened for that, and why the others cannot be."""

from typing import NamedTuple

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.postgres.connection import Connection, rows, run, transaction
from chalicelib.postgres.encoding import encode
from chalicelib.postgres.membership import membership

INVALID = -2  # datconnlimit of a database whose DROP was interrupted (PostgreSQL 16.0, 15.4, 14.9 and later)


class Databases(NamedTuple):
    """The names of those that people connect to, and a sentence for each that cannot be entered."""

    names: tuple[str, ...]
    closed: tuple[str, ...]


class _Entry(NamedTuple):
    name: str
    allowed: bool
    limit: int
    may_connect: bool
    owner: str
    is_owner: bool


_ENTRIES = """
SELECT datname, datallowconn, datconnlimit, pg_catalog.has_database_privilege(oid, 'CONNECT'),
       pg_catalog.pg_get_userbyid(datdba), pg_catalog.pg_has_role(datdba, 'USAGE')
  FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> 'rdsadmin' ORDER BY datname
"""


def databases(connection: Connection, *, opening: bool) -> Databases:
    """List the databases; `opening` lets the master into those that are closed to it, where it may.

    `rdsadmin` is RDS's own and lets nobody in. Where nobody at all can connect, nothing is changed.
    """
    names, closed = list[str](), list[str]()
    for entry in (_Entry(*row) for row in rows(connection, _ENTRIES)):
        why = _why_closed(entry)
        if why and opening and entry.allowed and entry.limit != INVALID and _opened(connection, entry):
            why = None
        if why:
            closed.append(f"Database {entry.name} was left as it is: {why}.")
        else:
            names.append(entry.name)
    return Databases(tuple(names), tuple(closed))


def _why_closed(entry: _Entry) -> str | None:
    if encode(entry.name) != entry.name.encode():  # psycopg2 connects by names in UTF-8 only
        return "its name is not written in UTF-8; run ALTER DATABASE … RENAME TO in production"
    if entry.limit == INVALID:
        return "it is invalid, because somebody interrupted its deletion; drop it in production"
    if not entry.allowed:
        return "it allows no connections, so nobody can enter it"
    if entry.limit == 0:
        return "its CONNECTION LIMIT is 0, and the master user may not change that"
    return None if entry.may_connect else "the master user may not connect to it, nor allow itself to"


def _opened(connection: Connection, entry: _Entry) -> bool:
    name = Identifier(entry.name)
    statements: list[Composable] = []
    if entry.limit == 0:
        statements.append(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(name))
    if not entry.may_connect:
        statements.append(SQL("GRANT CONNECT ON DATABASE {} TO CURRENT_USER").format(name))
    try:
        with transaction(connection), membership(connection, [] if entry.is_owner else [entry.owner]):
            for statement in statements:
                run(connection, statement)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidGrantOperation):
        return False
    found = [_Entry(*row) for row in rows(connection, _ENTRIES)]
    return any(one.name == entry.name and _why_closed(one) is None for one in found)
