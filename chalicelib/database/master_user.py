"""The master user's own login: what it can repair by itself, and what only production can."""

import psycopg2.errors
from psycopg2.sql import SQL

from chalicelib.database.connection import Connection, rows, run, session
from chalicelib.database.databases import databases
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import AuthenticationMethodError, LoginResult, token_login_error
from chalicelib.database.handshake import attempt_login
from chalicelib.database.names import quote_identifier
from chalicelib.flow.errors import RefusedError, Retry

# Databases that every cluster has, to log in to where the master's own is closed.
ELSEWHERE = ("postgres", "template1")
SESSIONS_NEEDED = 4  # at one time, one that is just ending among them


def try_master_login(endpoint: Endpoint, master: Login, database: str) -> LoginResult:
    """Try to log in; RefusedError where the server wants a token of the master user."""
    try:
        return attempt_login(endpoint, master, database)
    except AuthenticationMethodError as error:
        raise token_login_error(endpoint, master.username) from error


def enter(endpoint: Endpoint, master: Login, database: str) -> LoginResult:
    """Try to log in; where only the database is closed to the master user, open it and try again.

    What limits the master user itself is lifted where it may do that; RefusedError where too little
    is left.
    """
    answer = try_master_login(endpoint, master, database)
    if answer.accepted:
        with session(endpoint, master, database) as connection:
            _lift_own_limits(connection, endpoint)
    if answer.accepted or not answer.password_correct:
        return answer
    elsewhere = next(
        (name for name in ELSEWHERE if try_master_login(endpoint, master, name).accepted), None
    )
    if elsewhere is None:
        return answer
    with session(endpoint, master, elsewhere) as connection:
        databases(connection, opening=True)
    return try_master_login(endpoint, master, database)


def _lift_own_limits(connection: Connection, endpoint: Endpoint) -> None:
    """Lift the master user's CONNECTION LIMIT and VALID UNTIL, where it may do that itself.

    From PostgreSQL 16 on it may not: then RefusedError where the CONNECTION LIMIT leaves fewer than
    a set-up needs.
    """
    ((name, limit, expires),) = rows(connection, _OWN_LIMITS)
    if limit < 0 and not expires:
        return
    try:
        run(connection, SQL("ALTER ROLE CURRENT_USER CONNECTION LIMIT -1 VALID UNTIL 'infinity'"))
    except psycopg2.errors.InsufficientPrivilege:
        if 0 <= limit < SESSIONS_NEEDED:
            raise RefusedError(
                f"User {name} may have no more than {limit} connections to PostgreSQL at "
                f"{endpoint}; setting up users needs {SESSIONS_NEEDED}.",
                f"In production, run ALTER ROLE {quote_identifier(name)} CONNECTION LIMIT -1.",
                retry=Retry.LATER_SNAPSHOT,
            ) from None


_OWN_LIMITS = """
SELECT rolname, rolconnlimit, COALESCE(rolvaliduntil < 'infinity', false)
  FROM pg_catalog.pg_roles WHERE rolname = current_user
"""
