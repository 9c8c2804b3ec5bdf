"""Roles of the whole cluster: whose login is taken, and what the application's and the read-only user's roles are.

The master user is no superuser (Aurora User Guide, "Understanding the rds_superuser role"): it may not say NOSUPERUSER,
NOREPLICATION or NOBYPASSRLS about an existing role, not even where nothing would change. They are looked at, not set.
"""

from collections.abc import Collection

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier, Literal

from chalicelib.errors import RefusedError
from chalicelib.limits import listed
from chalicelib.postgres import scram
from chalicelib.postgres.connection import Connection, rows, run
from chalicelib.postgres.names import refuse_attributes, refuse_open, to_lock_out
from chalicelib.postgres.place import Login
from chalicelib.postgres.trouble import DatabaseBusyError

TERMINATE_MILLISECONDS = 5_000
MEMBERSHIP_HAS_GRANTOR = 160_000  # from this server_version on, each grantor's membership is a row of its own


def login_roles(connection: Connection) -> list[str]:
    """Return the roles that may log in, sorted; one whose VALID UNTIL has passed counts: it can be prolonged."""
    return sorted(name for (name,) in rows(connection, "SELECT rolname FROM pg_roles WHERE rolcanlogin"))


def lock_out(connection: Connection, *, master: str, keep: Collection[str]) -> list[str]:
    """Take login and password from every other role, end their sessions, and return whose it was, sorted.

    Each role is closed by itself: one that the master may not alter keeps no other open, and is refused in the end.
    """
    names = production_logins(connection, master=master, keep=keep)
    closed = [name for name in names if _close(connection, name)]
    _end_sessions(connection)
    refuse_open(production_logins(connection, master=master, keep=keep))
    return closed


def production_logins(connection: Connection, *, master: str, keep: Collection[str]) -> list[str]:
    """Return, sorted, the roles that can log in and that `lock_out` would close."""
    return to_lock_out(_customers_logins(connection), master=master, keep=keep)


def ensure_role(connection: Connection, login: Login) -> None:
    """Create or alter the role: it logs in with this password, and has no other attribute and no membership."""
    _refuse_what_cannot_be_taken(connection, login.username)
    exists = rows(connection, "SELECT FROM pg_roles WHERE rolname = %(name)s", name=login.username)
    # The words missing here (SUPERUSER …) are off for a new role; for an existing one the master may not say them.
    run(
        connection,
        SQL(
            "{verb} ROLE {name} LOGIN NOCREATEDB NOCREATEROLE INHERIT CONNECTION LIMIT -1"
            " VALID UNTIL 'infinity' PASSWORD {verifier}"
        ).format(
            verb=SQL("ALTER" if exists else "CREATE"),
            name=Identifier(login.username),
            verifier=Literal(scram.verifier(login.secret)),
        ),
    )
    _take_memberships(connection, login.username)


def ensure_read_only_by_default(connection: Connection, username: str) -> None:
    """Let the role's transactions begin read-only: a second guard, against functions that write as their owner."""
    run(connection, SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(Identifier(username)))


def refuse_owner(connection: Connection, username: str) -> None:
    """Refuse a read-only user that owns anything, anywhere in the cluster: an owner may always write."""
    owned = """
SELECT FROM pg_shdepend
 WHERE refclassid = 'pg_authid'::regclass AND refobjid = %(name)s::regrole AND deptype = 'o'
   AND classid <> 'pg_default_acl'::regclass
 LIMIT 1
"""
    if rows(connection, owned, name=quoted(connection, username)):
        raise RefusedError(
            f"The read-only user {username} came with production and owns objects there, so it could always write.",
            "Name another readonly_username in the application secret. "
            "Or run REASSIGN OWNED in production, which helps with later snapshots only.",
        )


def quoted(connection: Connection, name: str) -> str:
    """Return `name` as an identifier's text, as the types regrole and regclass read it."""
    return str(Identifier(name).as_string(connection))


def _customers_logins(connection: Connection) -> list[str]:
    """Return the login roles that are not plainly RDS's: on Aurora nobody but RDS can make a superuser."""
    theirs = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT (rolsuper AND starts_with(rolname, 'rds'))"
    return [name for (name,) in rows(connection, theirs)]


def _close(connection: Connection, name: str) -> bool:
    """Take a role's login and password; False when the master may not."""
    try:
        run(connection, SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(Identifier(name)))
    except psycopg2.errors.InsufficientPrivilege:  # a superuser; or, from PostgreSQL 16 on, no ADMIN OPTION on it
        return False
    return True


_END_SESSIONS = """
SELECT usename, pg_terminate_backend(pid, %(milliseconds)s)
  FROM pg_stat_activity JOIN pg_roles ON pg_roles.oid = usesysid
 WHERE NOT rolsuper AND (NOT rolcanlogin OR rolname = current_user) AND pid <> pg_backend_pid()
"""  # by what a role may now, not by what this run closed: a run that died in between left sessions behind


def _end_sessions(connection: Connection) -> None:
    lingering = [
        name for name, ended in rows(connection, _END_SESSIONS, milliseconds=TERMINATE_MILLISECONDS) if not ended
    ]
    if lingering:
        raise DatabaseBusyError(f"Sessions of locked-out roles have not ended yet: {listed(sorted(set(lingering)))}.")


def _refuse_what_cannot_be_taken(connection: Connection, name: str) -> None:
    above_all = """
SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
                          CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL)
  FROM pg_roles WHERE rolname = %(name)s
"""
    for (attributes,) in rows(connection, above_all, name=name):
        refuse_attributes(name, attributes)


_MEMBERSHIPS = """
SELECT pg_get_userbyid(roleid), pg_get_userbyid(grantor) FROM pg_auth_members WHERE member = %(name)s::regrole
"""


def _take_memberships(connection: Connection, name: str) -> None:
    """Take every membership: groups may give more than meant, and rds_iam would refuse the password altogether."""
    for role, grantor in rows(connection, _MEMBERSHIPS, name=quoted(connection, name)):
        run(connection, _revoke_membership(connection, role, name, grantor))
    left = [role for role, _ in rows(connection, _MEMBERSHIPS, name=quoted(connection, name))]
    if left:
        raise RefusedError(
            f"User {name} came with production as a member of {listed(left)}, which the master cannot take away.",
            "Name another user in the application secret. "
            "Or revoke the membership in production, which helps with later snapshots only.",
        )


def _revoke_membership(connection: Connection, role: str, member: str, grantor: str) -> Composable:
    revoke = SQL("REVOKE {} FROM {}").format(Identifier(role), Identifier(member))
    if connection.server_version < MEMBERSHIP_HAS_GRANTOR:
        return revoke + SQL(" CASCADE")
    return revoke + SQL(" GRANTED BY {} CASCADE").format(Identifier(grantor))
