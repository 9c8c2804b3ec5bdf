"""Roles of the whole cluster: whose login is revoked, and what our two users' roles are.

The master user is no superuser (Aurora User Guide, "Understanding the rds_superuser role"): it may
not say NOSUPERUSER, NOREPLICATION or NOBYPASSRLS about an existing role, not even where nothing
would change. They are looked at, not set.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import Enum

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier, Literal

from chalicelib.database import scram
from chalicelib.database.connection import Connection, attempt, rows, run
from chalicelib.database.endpoint import Login
from chalicelib.database.errors import BUSY_CODES, DatabaseBusyError
from chalicelib.database.names import (
    RDS_GROUP_ROLES,
    logins_to_revoke,
    refuse_attributes,
    refuse_open,
)
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.limits import listed

TERMINATE_MILLISECONDS = 5_000
LOCK_TIMEOUT_MILLISECONDS = 500  # for a role that another session is changing: the others come next
ROLES_PER_STATEMENT = 200
POWERLESS = "NOCREATEROLE PASSWORD NULL"
"""Code goes on running as roles that cannot log in: as the owner of a routine (SECURITY DEFINER),
and of a table whose indexes autovacuum analyses. Without CREATEROLE none of it opens a login
again."""
# From this server_version on, each grantor's membership is a row of its own.
MEMBERSHIP_HAS_GRANTOR = 160_000
INSUFFICIENT_PRIVILEGE = "42501"
CHARACTER_NOT_IN_REPERTOIRE = "22021"  # bytes that are no text in the database's encoding


class RevokeResult(Enum):
    """What became of the attempt to take a role's login."""

    REVOKED = "REVOKED"
    DENIED = "DENIED"
    HELD = "HELD"


def login_roles(connection: Connection) -> list[str]:
    """Return the roles that may log in, sorted; an expired one counts: it can be prolonged."""
    query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin"
    return sorted(name for (name,) in rows(connection, query))


def revoke_production_logins(
    connection: Connection, *, master: str, keep: Collection[str]
) -> list[str]:
    """Take login, CREATEROLE and password from production's roles and end their sessions.

    Return whose login it was. Each role is altered by itself: one that the master may not alter, or
    that a session or a prepared transaction holds, keeps no other open. What is held may be free
    once the sessions have ended, so it is tried twice; after that DatabaseBusyError names it. Roles
    that could not log in lose their passwords too: nobody opens them by LOGIN alone.
    """
    names = production_logins(connection, master=master, keep=keep)
    run(connection, SQL("SET lock_timeout = {}").format(Literal(LOCK_TIMEOUT_MILLISECONDS)))
    tried = {name: _revoke_login(connection, name) for name in names}
    lingering = _end_sessions(connection)
    if held := [name for name, done in tried.items() if done is RevokeResult.HELD]:
        tried |= {name: _revoke_login(connection, name) for name in held}
        lingering = _end_sessions(connection)
    held = _forget_passwords(connection, keep)
    held += [name for name, done in tried.items() if done is RevokeResult.HELD]
    if held:  # what became of the others is judged when nothing is held any more
        raise DatabaseBusyError(
            "A session or a prepared transaction holds these roles, so they still have "
            f"production's passwords: {listed(sorted(held))}."
        )
    if lingering:
        raise DatabaseBusyError(
            f"Sessions of locked-out roles have not ended yet: {listed(lingering)}."
        )
    refuse_open(production_logins(connection, master=master, keep=keep))
    return [name for name, done in tried.items() if done is RevokeResult.REVOKED]


def production_logins(connection: Connection, *, master: str, keep: Collection[str]) -> list[str]:
    """Return, sorted, the roles that can log in and that `revoke_production_logins` would close."""
    return logins_to_revoke(_customers_logins(connection), master=master, keep=keep)


def ensure_role(connection: Connection, login: Login) -> None:
    """Create or alter the role: it has this password, and no other attribute and no membership.

    One that cannot log in yet is let in by `let_in`, once its rights are what they should be.
    """
    _refuse_what_cannot_be_taken(connection, login.username)
    query = "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %(name)s"
    found = rows(connection, query, name=login.username)
    statement = SQL(_ENSURE_ROLE).format(
        verb=SQL("ALTER" if found else "CREATE"),
        name=Identifier(login.username),
        login=SQL("LOGIN" if found == [(True,)] else "NOLOGIN"),
        verifier=Literal(scram.verifier(login.secret)),
    )
    run(connection, statement)
    _take_memberships(connection, login.username)
    _reset_settings(connection, login.username)


# SUPERUSER, REPLICATION and BYPASSRLS are off for a new role; of an existing one the master may not
# say even that they are off.
_ENSURE_ROLE = """
{verb} ROLE {name} {login} NOCREATEDB NOCREATEROLE INHERIT
  CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD {verifier}
"""


def enable_login(connection: Connection, login: Login) -> None:
    """Let a role log in."""
    run(connection, SQL("ALTER ROLE {} LOGIN").format(Identifier(login.username)))


def ensure_group(connection: Connection, name: str) -> None:
    """Create or alter the role: nobody can log in as it; it has no attribute and no membership."""
    _refuse_what_cannot_be_taken(connection, name)
    query = "SELECT FROM pg_catalog.pg_roles WHERE rolname = %(name)s"
    verb = SQL("ALTER" if rows(connection, query, name=name) else "CREATE")
    statement = SQL("{} ROLE {} NOLOGIN NOCREATEDB NOCREATEROLE PASSWORD NULL")
    run(connection, statement.format(verb, Identifier(name)))
    _take_memberships(connection, name)


def _reset_settings(connection: Connection, name: str) -> None:
    """Take a role's settings (ALTER ROLE … SET): the general ones and those for one database."""
    run(connection, SQL("ALTER ROLE {} RESET ALL").format(Identifier(name)))
    written = Identifier(name).as_string(connection)  # as the type regrole reads it
    for (database,) in rows(connection, _DATABASES_WITH_SETTINGS, name=written):
        reset = SQL("ALTER ROLE {} IN DATABASE {} RESET ALL")
        run(connection, reset.format(Identifier(name), Identifier(database)))


_DATABASES_WITH_SETTINGS = """
SELECT datname
  FROM pg_catalog.pg_db_role_setting
  JOIN pg_catalog.pg_database ON pg_database.oid = setdatabase
 WHERE setrole = %(name)s::pg_catalog.regrole
"""


def ensure_read_only_by_default(connection: Connection, username: str) -> None:
    """Let the role's transactions begin read-only.

    It is a second guard, against functions that write as their owner.
    """
    statement = SQL("ALTER ROLE {} SET default_transaction_read_only = on")
    run(connection, statement.format(Identifier(username)))


_ATTRIBUTES = """
SELECT pg_catalog.array_remove(ARRAY[
         CASE WHEN rolsuper THEN 'SUPERUSER' END,
         CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
         CASE WHEN rolcreatedb THEN 'CREATEDB' END,
         CASE WHEN rolreplication THEN 'REPLICATION' END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL)
  FROM pg_catalog.pg_roles
 WHERE rolname = %(name)s
"""


def _attributes(connection: Connection, name: str) -> list[str]:
    return [word for (words,) in rows(connection, _ATTRIBUTES, name=name) for word in words]


def refuse_changed(connection: Connection, name: str, *, but: str = "") -> None:
    """Refuse a user with an attribute or membership, `but` one, that it was not given here."""
    memberships = [role for role, _ in rows(connection, _MEMBERSHIPS, name=name) if role != but]
    more = [
        *_attributes(connection, name),
        *(f"membership of {role}" for role in memberships),
    ]
    if more:
        raise RefusedError(
            f"Code of production's own gave {name} more while users were set up: {listed(more)}.",
            "It is probably an event trigger, or a trigger on a table of jobs. Disable it in "
            "production.",
            retry=Retry.LATER_SNAPSHOT,
        )


def _customers_logins(connection: Connection) -> list[str]:
    """Return the login roles but RDS's own: on Aurora only RDS can make a superuser."""
    query = """
        SELECT rolname
          FROM pg_catalog.pg_roles
         WHERE rolcanlogin AND NOT (rolsuper AND rolname ~ '^rds')
    """
    return [name for (name,) in rows(connection, query)]


def _revoke_login(connection: Connection, name: str) -> RevokeResult:
    """Take a role's login and password, unless the master may not or the role is being changed."""
    try:
        _alter(connection, name, f"NOLOGIN {POWERLESS}")
    except psycopg2.errors.InsufficientPrivilege:
        # The role is a superuser; or, from PostgreSQL 16 on, the master has no ADMIN OPTION on it.
        return RevokeResult.DENIED
    except psycopg2.Error as error:
        if error.pgcode not in BUSY_CODES:
            raise
        return RevokeResult.HELD
    return RevokeResult.REVOKED


def _alter(connection: Connection, name: str, words: str) -> None:
    """Alter a role, even one whose name is no text in this database's encoding.

    No statement can contain such a name: the server takes it from its catalog, by the role's
    number.
    """
    try:
        run(connection, SQL("ALTER ROLE {} " + words).format(Identifier(name)))
    except psycopg2.errors.CharacterNotInRepertoire:
        query = "SELECT rolname, oid FROM pg_catalog.pg_roles"
        oids = {found: int(oid) for found, oid in rows(connection, query)}
        run(connection, SQL(_ALTER_BY_NUMBER).format(words=SQL(words), oid=Literal(oids[name])))


_ALTER_BY_NUMBER = """
DO $block$ BEGIN
  EXECUTE (SELECT pg_catalog.format('ALTER ROLE %I {words}', rolname)
             FROM pg_catalog.pg_roles
            WHERE oid = {oid});
END $block$
"""

_WITHOUT_LOGIN = """
SELECT rolname
  FROM pg_catalog.pg_roles
 WHERE NOT rolcanlogin AND NOT rolsuper AND rolname !~ '^pg_'
   AND rolname <> ALL (%(rds)s) AND rolname <> ALL (%(keep)s)
 ORDER BY rolname
"""


def _forget_passwords(connection: Connection, keep: Collection[str]) -> list[str]:
    """Take the passwords of roles that cannot log in; return those that another session changes.

    Only pg_authid says which of them have one, and no customer of Aurora may read that. A role that
    the master may not alter is left: nobody whose login was revoked could open it either.
    """
    found = rows(connection, _WITHOUT_LOGIN, rds=sorted(RDS_GROUP_ROLES), keep=[*keep])
    held = list[str]()
    for names in batched([name for (name,) in found], ROLES_PER_STATEMENT):
        if _forget(connection, names) is not RevokeResult.REVOKED:
            held += [name for name in names if _forget(connection, [name]) is RevokeResult.HELD]
    return held


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the names in batches, because no statement should grow with the cluster."""
    for first in range(0, len(names), size):
        yield names[first : first + size]


def _forget(connection: Connection, names: Sequence[str]) -> RevokeResult:
    """Take the passwords of all these roles, or of none."""
    try:
        if len(names) == 1:
            _alter(connection, names[0], POWERLESS)
        else:
            alter = SQL("ALTER ROLE {} " + POWERLESS)
            run(connection, SQL("; ").join(alter.format(Identifier(name)) for name in names))
    except psycopg2.Error as error:
        if error.pgcode in BUSY_CODES:
            return RevokeResult.HELD
        if error.pgcode not in {INSUFFICIENT_PRIVILEGE, CHARACTER_NOT_IN_REPERTOIRE}:
            raise
        return RevokeResult.DENIED
    return RevokeResult.REVOKED


def suspend_expiry(connection: Connection, name: str) -> Composable | None:
    """Lift the expiry of a password while its role cannot log in; return what undoes that.

    An expired password is refused like a wrong one. With NOLOGIN and no expiry the server checks
    the password first and then turns the role away, each with its own code. None where nothing had
    to be done.
    """
    query = """
        SELECT rolcanlogin, rolvaliduntil::pg_catalog.text
          FROM pg_catalog.pg_roles
         WHERE rolname = %(name)s AND rolvaliduntil < pg_catalog.now()
    """
    for can_login, until in rows(connection, query, name=name):
        role = Identifier(name)
        run(connection, SQL("ALTER ROLE {} NOLOGIN VALID UNTIL 'infinity'").format(role))
        words = SQL("LOGIN" if can_login else "NOLOGIN")
        return SQL("ALTER ROLE {} {} VALID UNTIL {}").format(role, words, Literal(until))
    return None


# By what a role may do now, not by whose login this run took: an earlier run that died in between
# left sessions.
_TO_END = """
SELECT pid, coalesce(usename, 'a role that was dropped') AS name
  FROM pg_catalog.pg_stat_activity
  LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = usesysid
 WHERE usesysid IS NOT NULL
   AND rolsuper IS NOT TRUE
   AND (rolcanlogin IS NOT TRUE OR rolname = current_user)
   AND pid <> pg_catalog.pg_backend_pid()
"""
_END_SESSIONS = f"""
SELECT pid, pg_catalog.pg_terminate_backend(pid, %(milliseconds)s)
  FROM ({_TO_END}) AS session
"""  # noqa: S608 (composed of this module's own constants)


def _end_sessions(connection: Connection) -> list[str]:
    """End the sessions of roles that cannot log in, and other sessions of the master.

    Return whose have not ended yet. All are signalled before the first is waited for. The catalog
    is asked again at the end, because the server answers "false" also for a session that ended by
    itself meanwhile, such as one of our own that was closed a moment ago.
    """
    signalled = {pid for pid, _ in rows(connection, _END_SESSIONS, milliseconds=0)}
    if signalled:
        rows(connection, _END_SESSIONS, milliseconds=TERMINATE_MILLISECONDS)
        # Inside a transaction pg_stat_activity would show what it showed before.
        rows(connection, "SELECT pg_catalog.pg_stat_clear_snapshot()")
    return sorted({name for pid, name in rows(connection, _TO_END) if pid in signalled})


def _refuse_what_cannot_be_taken(connection: Connection, name: str) -> None:
    above_all = {"SUPERUSER", "REPLICATION", "BYPASSRLS"}
    refuse_attributes(name, [word for word in _attributes(connection, name) if word in above_all])


_MEMBERSHIPS = """
SELECT pg_catalog.pg_get_userbyid(roleid), pg_catalog.pg_get_userbyid(grantor)
  FROM pg_catalog.pg_auth_members
  JOIN pg_catalog.pg_roles ON pg_roles.oid = member
 WHERE rolname = %(name)s
"""


def _take_memberships(connection: Connection, name: str) -> None:
    """Take every membership: groups may give more than meant, and rds_iam refuses passwords."""
    for role, grantor in rows(connection, _MEMBERSHIPS, name=name):
        # The grantor may be a role whose rights the master has not, like rdsadmin.
        with attempt(connection):
            run(connection, _revoke_membership(connection, role, name, grantor))
    left = [role for role, _ in rows(connection, _MEMBERSHIPS, name=name)]
    if left:
        raise RefusedError(
            f"User {name} came with production as a member of {listed(left)}, which the master "
            "cannot take away.",
            "Name another user in the application secret. "
            "Or revoke the membership in production, which helps with later snapshots only.",
        )


def _revoke_membership(connection: Connection, role: str, member: str, grantor: str) -> Composable:
    revoke = SQL("REVOKE {} FROM {}").format(Identifier(role), Identifier(member))
    if connection.server_version < MEMBERSHIP_HAS_GRANTOR:
        return revoke + SQL(" CASCADE")
    return revoke + SQL(" GRANTED BY {} CASCADE").format(Identifier(grantor))
