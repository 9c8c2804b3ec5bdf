"""The databases of a cluster: which can be entered, which are opened for that, and why the others cannot be.

Where the set-up does not go in, the read-only user does not either: nobody has looked at what it
may do there.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier, Literal

from chalicelib.database.connection import Connection, attempt, rows, run, transaction
from chalicelib.database.encoding import encode
from chalicelib.database.membership import EVERYBODY_ELSE, identifiers, membership, new_grantees
from chalicelib.flow.errors import RefusedError, Retry

INVALID = (
    -2
)  # datconnlimit of a database whose DROP was interrupted (PostgreSQL 16.0, 15.4, 14.9 and later)
SESSIONS_NEEDED = (
    3  # the set-up has two at a time in one database, and a look from outside may be the third
)


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
        is_narrow = 0 <= entry.limit < SESSIONS_NEEDED
        if opening and entry.allowed and (why or is_narrow) and entry.limit != INVALID:
            why = None if _opened(connection, entry) else why
        if why:
            closed.append(f"Database {entry.name} is closed to both users: {why}.")
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
    return (
        None if entry.may_connect else "the master user may not connect to it, nor allow itself to"
    )


def _opened(connection: Connection, entry: _Entry) -> bool:
    name = Identifier(entry.name)
    statements: list[Composable] = []
    if 0 <= entry.limit < SESSIONS_NEEDED:
        statements.append(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(name))
    if not entry.may_connect:
        statements.append(SQL("GRANT CONNECT ON DATABASE {} TO CURRENT_USER").format(name))
    try:
        with (
            transaction(connection),
            membership(connection, [] if entry.is_owner else [entry.owner]),
        ):
            for statement in statements:
                run(connection, statement)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidGrantOperation):
        return False
    found = [_Entry(*row) for row in rows(connection, _ENTRIES)]
    return any(one.name == entry.name and _why_closed(one) is None for one in found)


_ENTERED = """
SELECT datname, pg_catalog.has_database_privilege(oid, 'CONNECT') AND datconnlimit <> 0
  FROM pg_catalog.pg_database
 WHERE datallowconn AND datconnlimit <> -2 AND datname <> 'rdsadmin' ORDER BY datname
"""  # -2 marks a database whose DROP was interrupted: nobody can enter it


def reachable(connection: Connection) -> tuple[list[str], list[str]]:
    """Return the databases that the master user may enter, once they are opened, and those that only others may.

    Templates are among them: where they take connections, people can enter them, too.
    """
    databases(connection, opening=True)
    found = rows(connection, _ENTERED)
    entered = [
        name for name, may in found if may and encode(name) == name.encode()
    ]  # as psycopg2 can say it
    return entered, [name for name, _ in found if name not in entered]


_OPEN_ELSEWHERE = """
SELECT oid, datname, pg_catalog.pg_get_userbyid(datdba), pg_catalog.has_database_privilege(oid, 'CONNECT')
  FROM pg_catalog.pg_database
 WHERE datallowconn AND datconnlimit NOT IN (0, -2) AND datname <> 'rdsadmin' AND datname <> ALL (%(names)s)
   AND pg_catalog.has_database_privilege(%(username)s, oid, 'CONNECT')
 ORDER BY datname
"""
_REVOKE_CONNECT_ELSEWHERE = """
BEGIN
  EXECUTE (SELECT pg_catalog.format('GRANT CONNECT ON DATABASE %I TO ', datname) || {others}
             FROM pg_catalog.pg_database WHERE oid = {oid});
  EXECUTE (SELECT pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC, ', datname) || {username} || ' CASCADE'
             FROM pg_catalog.pg_database WHERE oid = {oid});
END
"""  # by number: no statement of ours can say a name that is not written in UTF-8


def other_open_databases(
    connection: Connection, username: str, names: Collection[str]
) -> list[str]:
    """Return the databases that `username` may connect to beside `names`: templates, and those closed to the master."""
    return [row[1] for row in rows(connection, _OPEN_ELSEWHERE, username=username, names=[*names])]


def revoke_connect_elsewhere(
    connection: Connection, username: str, application: str, names: Collection[str]
) -> list[str]:
    """Take CONNECT on all databases but `names` from the read-only user and from PUBLIC.

    Production's roles keep it.

    Returns those where the master user may not do that: they have to be set up like any other.
    RefusedError for one that it may not enter either.
    """
    found = rows(connection, _OPEN_ELSEWHERE, username=username, names=[*names])
    others = new_grantees(connection, {username, application}) if found else []
    for oid, _, owner, _ in found:
        to, by = (
            names.as_string(connection) for names in (identifiers(others), Identifier(username))
        )
        shut = SQL(_REVOKE_CONNECT_ELSEWHERE).format(
            oid=Literal(oid), others=Literal(to), username=Literal(by)
        )
        with transaction(connection), membership(connection, [owner]), attempt(connection):
            _run_block(connection, shut)
    left = rows(connection, _OPEN_ELSEWHERE, username=username, names=[*names])
    if locked := [
        name for _, name, _, may_connect in left if not may_connect or encode(name) != name.encode()
    ]:
        raise RefusedError(
            f"{username} may connect to database {locked[0]}, where the master user cannot see "
            "what it may do.",
            f"In production, run REVOKE CONNECT ON DATABASE {locked[0]} FROM PUBLIC.",
            retry=Retry.LATER_SNAPSHOT,
        )
    return [name for _, name, _, _ in left]


_MAY_ENTER = """
SELECT oid, datname, CASE WHEN NOT pg_catalog.pg_has_role(datdba, 'USAGE')
                          THEN pg_catalog.pg_get_userbyid(datdba) END,
       pg_catalog.has_database_privilege(oid, 'CONNECT'), username
  FROM pg_catalog.pg_database CROSS JOIN pg_catalog.unnest(%(usernames)s) AS username
 WHERE datallowconn AND datconnlimit NOT IN (0, -2) AND datname <> 'rdsadmin'
   AND pg_catalog.has_database_privilege(username, oid, 'CONNECT')
 ORDER BY datname, username
"""
_REVOKE_CONNECT = """
BEGIN
  EXECUTE (SELECT pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC, %s CASCADE', datname, {names})
             FROM pg_catalog.pg_database WHERE oid = {oid});
END
"""  # by number, as above


class _OutOfReach(NamedTuple):
    oid: int
    name: str
    owner: str | None  # None where the master has the owner's rights
    master_may: bool
    username: str


def _out_of_reach(connection: Connection, usernames: Sequence[str]) -> list[_OutOfReach]:
    """List the databases that one of the users may enter, and the set-up may not."""
    found = [_OutOfReach(*row) for row in rows(connection, _MAY_ENTER, usernames=[*usernames])]
    return [it for it in found if not it.master_may or encode(it.name) != it.name.encode()]


def revoke_connect_out_of_reach(connection: Connection, usernames: Sequence[str]) -> None:
    """Take CONNECT from our users where the set-up cannot enter: nobody stopped what reaches production there."""
    query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%(names)s)"
    known = [name for (name,) in rows(connection, query, names=[*usernames, EVERYBODY_ELSE])]
    names = Literal(identifiers(known).as_string(connection))
    for it in _out_of_reach(connection, usernames):
        keep = SQL(_REVOKE_CONNECT).format(names=names, oid=Literal(it.oid))
        with (
            transaction(connection),
            membership(connection, [it.owner] if it.owner else []),
            attempt(connection),
        ):
            _run_block(connection, keep)


def _run_block(connection: Connection, block: Composable) -> None:
    """Run a block as a literal: a dollar quote would end at a name that has it inside."""
    run(connection, SQL("DO {}").format(Literal(block.as_string(connection))))


def refuse_out_of_reach(connection: Connection, usernames: Sequence[str]) -> None:
    """Refuse a copy that has a database which our users may enter, and the set-up may not."""
    for it in _out_of_reach(connection, usernames):
        raise RefusedError(
            f"User {it.username} may enter database {it.name}, which the master user may not. "
            "Nothing in it was stopped or cut off from production.",
            "In production, let the master user connect to it, take CONNECT on it from that user "
            "and from PUBLIC, or drop it.",
            retry=Retry.LATER_SNAPSHOT,
        )
