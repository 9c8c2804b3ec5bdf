"""A session on the restored cluster with its limits set, and errors that have their project names."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2.sql import Composable

from chalicelib.postgres.handshake import knock
from chalicelib.postgres.place import Login, Place
from chalicelib.postgres.trouble import at_the_door, during_work

Connection = Any  # psycopg2 publishes no types
Row = tuple[Any, ...]


@contextmanager
def session(place: Place, login: Login, database: str) -> Iterator[Connection]:
    """Open an autocommit session in `database`, and name what goes wrong in it (TransientError, RefusedError)."""
    with named_errors(place), closing(_connected(place, login, database)) as connection:
        connection.autocommit = True  # first: settings made inside a transaction would go when it is rolled back
        rows(connection, _LIMITS, **_limits(place))
        yield connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Do everything or nothing; the session goes back to autocommit after."""
    connection.autocommit = False
    try:
        with connection:
            yield
    finally:
        if not connection.closed:
            connection.autocommit = True


@contextmanager
def named_errors(place: Place) -> Iterator[None]:
    """Turn PostgreSQL's errors into the project's by their code; a code that only a bug brings passes unchanged."""
    try:
        yield
    except psycopg2.Error as error:
        named = during_work(error.pgcode, place, (error.diag.message_primary or "no detail given").rstrip(".") + ".")
        if named is None:
            raise
        raise named from error


def rows(connection: Connection, query: str | Composable, **parameters: object) -> list[Row]:
    """Run a query that answers with rows; parameters are `%(name)s` in its text."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def run(connection: Connection, statement: Composable) -> None:
    """Run a statement that answers with nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _connected(place: Place, login: Login, database: str) -> Connection:
    try:
        return psycopg2.connect(**_conninfo(place, login, database))
    except psycopg2.OperationalError as error:
        # libpq has only a text for this; the server is asked again for its code (see handshake.py).
        answer = knock(place, login, database)
        raise at_the_door(answer, place, login.username, database) from error


def _conninfo(place: Place, login: Login, database: str) -> dict[str, object]:
    """Everything libpq would otherwise take from the environment is said here."""
    tls = {"sslmode": "disable"} if place.tls == "off" else {"sslmode": "verify-full", "sslrootcert": str(place.roots)}
    return tls | {
        "host": place.host,
        "port": place.port,
        "dbname": database,
        "user": login.username,
        "password": login.secret,
        "connect_timeout": place.connect_timeout_seconds,
        "application_name": "aurora-restore",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "options": "",  # settings are made by SET: RDS Proxy takes no options
        "passfile": os.devnull,
        "require_auth": "scram-sha-256,md5",  # never the password in clear, never a server that asks nothing
        "keepalives_idle": 30,
    }


_LIMITS = """
SELECT set_config('statement_timeout', %(statement)s, false),
       set_config('lock_timeout', %(lock)s, false),
       set_config('idle_in_transaction_session_timeout', %(statement)s, false),
       set_config('default_transaction_read_only', 'off', false),
       set_config('role', 'none', false),
       set_config('search_path', '', false)
"""
# The last three: production may have set them for a role or a database, and they came along (ALTER ROLE … SET). An
# empty search_path also keeps objects that production's users made from standing in for the system's own.


def _limits(place: Place) -> dict[str, str]:
    return {"statement": f"{place.statement_timeout_seconds}s", "lock": f"{place.lock_timeout_seconds}s"}
