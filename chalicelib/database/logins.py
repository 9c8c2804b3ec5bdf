"""Production's logins: which roles can log in, and what takes login, password and sessions."""

from collections.abc import Collection, Sequence
from enum import Enum

import psycopg2.errors
from psycopg2.sql import SQL, Identifier, Literal

from chalicelib.database.connection import Connection, rows, run
from chalicelib.database.errors import BUSY_CODES, DatabaseBusyError
from chalicelib.database.names import ROLES_PER_STATEMENT, batched, refuse_open
from chalicelib.database.rds_roles import RDS_GROUP_ROLES, logins_to_revoke
from chalicelib.flow.text_limits import listed

TERMINATE_MILLISECONDS = 5_000
LOCK_TIMEOUT_MILLISECONDS = 500  # for a role that another session is changing: the others come next
POWERLESS = "NOCREATEROLE PASSWORD NULL"
"""Code goes on running as roles that cannot log in: as the owner of a routine (SECURITY DEFINER),
and of a table whose indexes autovacuum analyses. Without CREATEROLE none of it opens a login
again."""
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
