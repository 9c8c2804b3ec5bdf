"""Sessions on the restored cluster with their limits set, and errors by the project's own names."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2.sql import SQL, Composable

from chalicelib.database.encoding import CLIENT_ENCODING
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import login_error, production_code_error, session_error
from chalicelib.database.handshake import attempt_login
from chalicelib.flow.errors import TransientError

TRANSACTIONS_HAVE_TIMEOUT = 170_000  # from this server_version on

_HAVE_TIMEOUT: set[tuple[str, int]] = set()
"""Servers, by host and port, whose last session was in such a version."""

Connection = Any  # psycopg2 publishes no types
Row = tuple[Any, ...]


@contextmanager
def session(endpoint: Endpoint, login: Login, database: str) -> Iterator[Connection]:
    """Open an autocommit session in `database`; it raises TransientError or RefusedError.

    Its settings are made as it begins, so no statement of ours runs under those of the database or
    the role.
    """
    with named_errors(endpoint), closing(_guarded(endpoint, login, database)) as connection:
        connection.autocommit = True
        yield connection


@contextmanager
def plain_session(endpoint: Endpoint, login: Login, database: str) -> Iterator[Connection]:
    """Open a session as any client does: with the settings of database and role, in transactions.

    Nothing is committed. A connection that fails raises as in `session`; a statement that fails
    raises psycopg2's own error.
    """
    with closing(_connected(endpoint, login, database, "")) as connection:
        yield connection
        connection.rollback()


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
def attempt(connection: Connection) -> Iterator[None]:
    """Within a transaction, undo what the master may not do; the caller asks later what is left."""
    run(connection, SQL("SAVEPOINT attempt"))
    try:
        yield
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidGrantOperation):
        run(connection, SQL("ROLLBACK TO SAVEPOINT attempt"))


def database_of(connection: Connection) -> str:
    """Name the database that a session is in."""
    return str(connection.info.dbname)


@contextmanager
def named_errors(endpoint: Endpoint) -> Iterator[None]:
    """Turn PostgreSQL's errors into the project's by their code; those of a bug pass unchanged."""
    try:
        yield
    except psycopg2.Error as error:
        detail = (error.diag.message_primary or "no detail given").rstrip(".") + "."
        named = session_error(error.pgcode, endpoint, detail)
        # What is only in the way may be gone at the next try, whoever's code met it.
        if not isinstance(named, TransientError):
            named = production_code_error(error.pgcode, endpoint, error.diag.context) or named
        if named is None:
            raise
        # The server's message may quote production's code, and passwords in it.
        raise named from None


def rows(connection: Connection, query: str | Composable, **parameters: object) -> list[Row]:
    """Run a query that answers with rows; parameters are `%(name)s` in its text."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def run(connection: Connection, statement: Composable) -> None:
    """Run a statement that answers with nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _guarded(endpoint: Endpoint, login: Login, database: str) -> Connection:
    settings = _settings(endpoint)
    server = endpoint.host, endpoint.port
    if server not in _HAVE_TIMEOUT:
        connection = _connected(endpoint, login, database, _options(settings))
        if connection.server_version < TRANSACTIONS_HAVE_TIMEOUT:
            return connection
        # An older server refuses a connection for a setting that it does not know: version first.
        connection.close()
    # Where an older server has taken its place, only this connection is refused, not the next.
    _HAVE_TIMEOUT.discard(server)
    options = _options(settings | {"transaction_timeout": "0"})
    connection = _connected(endpoint, login, database, options)
    _HAVE_TIMEOUT.add(server)
    return connection


def _connected(endpoint: Endpoint, login: Login, database: str, options: str) -> Connection:
    try:
        return psycopg2.connect(**_conninfo(endpoint, login, database, options))
    except psycopg2.OperationalError as error:
        # libpq has only a text for this; the server is asked again for its code (see handshake.py).
        answer = attempt_login(endpoint, login, database)
        raise login_error(answer, endpoint, login.username, database) from error


def _conninfo(endpoint: Endpoint, login: Login, database: str, options: str) -> dict[str, object]:
    """Set everything that libpq would otherwise take from the environment."""
    tls = {"sslmode": "disable"}
    if endpoint.tls != "off":
        tls = {"sslmode": endpoint.tls, "sslrootcert": str(endpoint.roots)}
    return tls | {
        "host": endpoint.host,
        "port": endpoint.port,
        "dbname": database,
        "user": login.username,
        "password": login.secret,
        "connect_timeout": endpoint.connect_timeout_seconds,
        "application_name": "aurora-restore",
        "client_encoding": CLIENT_ENCODING,
        "gssencmode": "disable",
        "options": options,
        "passfile": os.devnull,
        # Never the password in clear, and never a server that asks for none.
        "require_auth": "scram-sha-256,md5",
        "keepalives_idle": 30,
    }


def _settings(endpoint: Endpoint) -> dict[str, str]:
    """Give the settings that a session of ours begins with.

    What a client says at the start outranks ALTER DATABASE and ALTER ROLE SET (PostgreSQL
    documentation, "Parameter Interaction via the Configuration File"), so production's settings
    hold at no moment. The empty search_path keeps objects that production's users made from
    standing in for the system's own. RDS Proxy takes no such options; a restored cluster is spoken
    to at its own endpoint.
    """
    return {
        "search_path": "",
        "role": "none",
        "default_transaction_read_only": "off",
        "default_transaction_isolation": "read committed",
        "statement_timeout": f"{endpoint.statement_timeout_seconds}s",
        "lock_timeout": f"{endpoint.lock_timeout_seconds}s",
        "idle_in_transaction_session_timeout": f"{endpoint.statement_timeout_seconds}s",
        "idle_session_timeout": "0",
        "row_security": "on",
        "standard_conforming_strings": "on",
        "transform_null_equals": "off",
        "quote_all_identifiers": "off",
        "exit_on_error": "off",
        "client_min_messages": "error",
        "default_tablespace": "",
        "jit": "off",
    }


def _options(settings: Mapping[str, str]) -> str:
    """Write settings as options of a server's command line, where a blank in a value is escaped."""
    words = {name: value.replace(" ", "\\ ") for name, value in settings.items()}
    return " ".join(f"-c {name}={word}" for name, word in words.items())
