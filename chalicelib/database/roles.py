"""The roles of the two users: their attributes, passwords, memberships and settings.

The master user is no superuser (Aurora User Guide, "Understanding the rds_superuser role"): it may
not say NOSUPERUSER, NOREPLICATION or NOBYPASSRLS about an existing role, not even where nothing
would change. They are looked at, not set.
"""

from psycopg2.sql import SQL, Composable, Identifier, Literal

from chalicelib.database import scram
from chalicelib.database.connection import Connection, attempt, rows, run
from chalicelib.database.endpoint import Login
from chalicelib.database.names import refuse_attributes
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.text_limits import listed

# From this server_version on, each grantor's membership is a row of its own.
MEMBERSHIP_HAS_GRANTOR = 160_000


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
