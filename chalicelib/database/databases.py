"""The databases of a cluster: which the set-up enters, which it opens, and why not the others.

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
from chalicelib.database.names import quote_identifier
from chalicelib.flow.errors import RefusedError, Retry

# datconnlimit of a database whose DROP was interrupted (PostgreSQL 16.0, 15.4, 14.9 and later)
INVALID = -2
# The set-up has two sessions at a time in one database, and a look from outside may be the third.
SESSIONS_NEEDED = 3


class Databases(NamedTuple):
    """The names of those that people connect to, and a sentence for each that cannot be entered."""

    names: tuple[str, ...]
    closed: tuple[str, ...]


class _Database(NamedTuple):
    """One row of pg_database; `open_to` names those of the users asked about who may connect."""

    oid: int
    name: str
    is_template: bool
    allows_connections: bool
    connection_limit: int
    owner: str
    master_has_owner: bool
    master_may_connect: bool
    open_to: list[str]

    @property
    def takes_sessions(self) -> bool:
        return self.allows_connections and self.connection_limit not in (0, INVALID)

    @property
    def is_narrow(self) -> bool:
        return 0 <= self.connection_limit < SESSIONS_NEEDED

    @property
    def has_utf8_name(self) -> bool:
        """psycopg2 connects by names in UTF-8 only."""
        return encode(self.name) == self.name.encode()

    @property
    def to_join(self) -> list[str]:
        """The role that the master user has to become a member of to act as the owner."""
        return [] if self.master_has_owner else [self.owner]


# rdsadmin is RDS's own database and lets nobody in.
_DATABASES = """
SELECT oid, datname, datistemplate, datallowconn, datconnlimit,
       pg_catalog.pg_get_userbyid(datdba),
       pg_catalog.pg_has_role(datdba, 'USAGE'),
       pg_catalog.has_database_privilege(oid, 'CONNECT'),
       ARRAY(SELECT username
               FROM pg_catalog.unnest(%(usernames)s::pg_catalog.text[]) AS username
              WHERE pg_catalog.has_database_privilege(username, oid, 'CONNECT')
              ORDER BY username)
  FROM pg_catalog.pg_database
 WHERE datname <> 'rdsadmin'
 ORDER BY datname
"""


def _read(connection: Connection, usernames: Collection[str] = ()) -> list[_Database]:
    return [_Database(*row) for row in rows(connection, _DATABASES, usernames=[*usernames])]


def databases(connection: Connection, *, opening: bool) -> Databases:
    """List the databases; `opening` lets the master into those that are closed to it, where it may.

    Where nobody at all can connect, nothing is changed.
    """
    names, closed = list[str](), list[str]()
    for database in _read(connection):
        if database.is_template:
            continue
        why = _why_closed(database)
        can_open = database.allows_connections and database.connection_limit != INVALID
        if opening and can_open and (why or database.is_narrow):
            why = None if _opened(connection, database) else why
        if why:
            closed.append(f"Database {database.name} is closed to both users: {why}.")
        else:
            names.append(database.name)
    return Databases(tuple(names), tuple(closed))


def _why_closed(database: _Database) -> str | None:
    if not database.has_utf8_name:
        return "its name is not written in UTF-8; run ALTER DATABASE … RENAME TO in production"
    if database.connection_limit == INVALID:
        return "it is invalid, because somebody interrupted its deletion; drop it in production"
    if not database.allows_connections:
        return "it allows no connections, so nobody can enter it"
    if database.connection_limit == 0:
        return "its CONNECTION LIMIT is 0, and the master user may not change that"
    if not database.master_may_connect:
        return "the master user may not connect to it, nor allow itself to"
    return None


def _opened(connection: Connection, database: _Database) -> bool:
    """Let the master user in, with as many sessions as the set-up needs; tell whether it worked."""
    name = Identifier(database.name)
    statements: list[Composable] = []
    if database.is_narrow:
        statements.append(SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(name))
    if not database.master_may_connect:
        statements.append(SQL("GRANT CONNECT ON DATABASE {} TO CURRENT_USER").format(name))
    try:
        with transaction(connection), membership(connection, database.to_join):
            for statement in statements:
                run(connection, statement)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidGrantOperation):
        return False
    after = {other.oid: other for other in _read(connection)}.get(database.oid)
    return after is not None and _why_closed(after) is None


def reachable(connection: Connection) -> tuple[list[str], list[str]]:
    """Open what can be opened; return the databases that the master user enters, and the others.

    Templates are among them: where they take connections, people can enter them, too.
    """
    databases(connection, opening=True)
    found = [
        database
        for database in _read(connection)
        if database.allows_connections and database.connection_limit != INVALID
    ]
    entered = [
        database.name
        for database in found
        if database.takes_sessions and database.master_may_connect and database.has_utf8_name
    ]
    return entered, [database.name for database in found if database.name not in entered]


def other_open_databases(
    connection: Connection, username: str, names: Collection[str]
) -> list[str]:
    """Return where else `username` may connect: templates, and databases closed to the master."""
    return [database.name for database in _open_to(connection, username, but=names)]


def _open_to(connection: Connection, username: str, *, but: Collection[str]) -> list[_Database]:
    return [
        database
        for database in _read(connection, [username])
        if database.takes_sessions and database.open_to and database.name not in but
    ]


def revoke_connect_elsewhere(
    connection: Connection, username: str, application: str, names: Collection[str]
) -> list[str]:
    """Take CONNECT on all databases but `names` from the read-only user and from PUBLIC.

    Production's roles keep it. Returns those where the master user may not do that: they have to be
    set up like any other. RefusedError for one that it may not enter either.
    """
    found = _open_to(connection, username, but=names)
    others = new_grantees(connection, {username, application}) if found else []
    for database in found:
        with (
            transaction(connection),
            membership(connection, database.to_join),
            attempt(connection),
        ):
            _change_connect(connection, database.oid, "GRANT CONNECT ON DATABASE %I TO %s", others)
            _revoke_connect(connection, database.oid, [username])
    left = _open_to(connection, username, but=names)
    for database in left:
        if not (database.master_may_connect and database.has_utf8_name):
            raise RefusedError(
                f"{username} may connect to database {database.name}, where the master user cannot "
                "see what it may do.",
                "In production, run REVOKE CONNECT ON DATABASE "
                f"{quote_identifier(database.name)} FROM PUBLIC.",
                retry=Retry.LATER_SNAPSHOT,
            )
    return [database.name for database in left]


def revoke_connect_out_of_reach(connection: Connection, usernames: Sequence[str]) -> None:
    """Take CONNECT from our users where the set-up cannot enter.

    Nobody has stopped there what reaches production.
    """
    query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%(names)s)"
    known = [name for (name,) in rows(connection, query, names=[*usernames, EVERYBODY_ELSE])]
    for database in _out_of_reach(connection, usernames):
        with (
            transaction(connection),
            membership(connection, database.to_join),
            attempt(connection),
        ):
            _revoke_connect(connection, database.oid, known)


def refuse_out_of_reach(connection: Connection, usernames: Sequence[str]) -> None:
    """Refuse a copy that has a database which our users may enter, and the set-up may not."""
    for database in _out_of_reach(connection, usernames):
        raise RefusedError(
            f"User {database.open_to[0]} may enter database {database.name}, which the master user "
            "may not. Nothing in it was stopped or cut off from production.",
            "In production, let the master user connect to it, take CONNECT on it from that user "
            "and from PUBLIC, or drop it.",
            retry=Retry.LATER_SNAPSHOT,
        )


def _out_of_reach(connection: Connection, usernames: Sequence[str]) -> list[_Database]:
    """List the databases that one of the users may enter, and the set-up may not."""
    return [
        database
        for database in _read(connection, usernames)
        if database.takes_sessions
        and database.open_to
        and not (database.master_may_connect and database.has_utf8_name)
    ]


_CHANGE_CONNECT = """
BEGIN
  EXECUTE (SELECT pg_catalog.format({statement}, datname, {roles})
             FROM pg_catalog.pg_database
            WHERE oid = {oid});
END
"""


def _revoke_connect(connection: Connection, oid: int, names: Collection[str]) -> None:
    revoke = "REVOKE CONNECT ON DATABASE %I FROM PUBLIC, %s CASCADE"
    _change_connect(connection, oid, revoke, names)


def _change_connect(
    connection: Connection, oid: int, statement: str, roles: Collection[str]
) -> None:
    """Run a statement about a database by its number, in which %I is its name and %s the roles.

    No statement of ours can contain a name that is not written in UTF-8; the server can.
    """
    written = identifiers(roles).as_string(connection)
    block = SQL(_CHANGE_CONNECT).format(
        statement=Literal(statement), roles=Literal(written), oid=Literal(oid)
    )
    # A literal, because a dollar quote would end at a role name that has it inside.
    run(connection, SQL("DO {}").format(Literal(block.as_string(connection))))
