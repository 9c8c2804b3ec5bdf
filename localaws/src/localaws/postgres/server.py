"""One PostgreSQL server on one data folder, small, with durability given up for speed."""

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2

from localaws.postgres.errors import DataPlaneError
from localaws.postgres.programs import Programs
from localaws.processes import ProcessRegistry

SUPERUSER: Final = "rdsadmin"
START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 0.005
STATUS_LINE: Final = 7  # postmaster.pid: the eighth line says starting, ready, standby or stopping
IMMEDIATE_SHUTDOWN: Final = signal.SIGQUIT  # without writing anything
FAST_SHUTDOWN: Final = signal.SIGINT
SOCKET_PORT: Final = 5432  # part of the socket's name only

# Nothing here survives a power cut, and nothing has to: a world is built anew each time.
SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "4MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "60",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
    "jit": "off",
    # a dump's tablespaces lie in the data folder, and are copied with it
    "allow_in_place_tablespaces": "on",
    "wal_level": "replica",  # what pg_basebackup needs, and no more
    "max_wal_senders": "4",
    "max_replication_slots": "4",
    "max_prepared_transactions": "4",
    "min_wal_size": "4MB",
    "max_wal_size": "128MB",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_statement": "none",
    "log_min_error_statement": "error",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "password_encryption": "scram-sha-256",
}

# A role of localaws' own: the master user may be in rds_iam in other ways.
ASKED_FOR_TOKEN: Final = "rds_asked_for_token"
ACCESS_RULES: Final = f"""\
# Only AWS's own user comes in through the socket.
# Everybody else comes over TCP with a password, and never into rdsadmin.
local all,replication {SUPERUSER} peer map=localaws
local all             all         reject
host  {SUPERUSER}        all         all reject
host  all             {SUPERUSER}    all reject
# A master user that logs in by IAM is asked for a token in clear text, as on RDS.
# Nobody checks it: none is ever right.
host  all +{ASKED_FOR_TOKEN} 127.0.0.0/8 radius radiusservers=127.0.0.1 radiussecrets=none
host  all             all         127.0.0.0/8 scram-sha-256
host  all             all         all reject
"""


@dataclass(frozen=True)
class ServerFolders:
    """The folders of one server: its data, its socket, and its log."""

    data: Path
    socket: Path
    log: Path


class PostgresServer:
    """A server that can be started and stopped any number of times."""

    def __init__(
        self, folders: ServerFolders, programs: Programs, registry: ProcessRegistry
    ) -> None:
        self.folders = folders
        self._programs = programs
        self._registry = registry
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """The process while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def initialise(self) -> None:
        """Make an empty data folder whose only role is the superuser, without a password."""
        # Nothing here has to survive a crash of the machine, so nothing is synced; and a small WAL
        # segment saves 15 MB for every cluster and snapshot.
        options = [
            "--auth=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
            "--wal-segsize=1",
        ]
        self._programs.run("initdb", "-D", str(self.folders.data), "-U", SUPERUSER, *options)
        (self.folders.data / "pg_hba.conf").write_text(ACCESS_RULES)
        names = {pwd.getpwuid(os.geteuid()).pw_name, self._programs.user} - {None}
        (self.folders.data / "pg_ident.conf").write_text(
            "".join(f'localaws "{name}" {SUPERUSER}\n' for name in names)
        )

    def start(self, address: str = "", port: int = SOCKET_PORT, **settings: str) -> None:
        """Run the server, on its socket and, if one is given, on an address.

        Returns when it is ready.
        """
        if not self.folders.socket.is_dir():
            self._programs.make_folder(self.folders.socket)
        where = {
            "listen_addresses": address,
            "port": str(port),
            "unix_socket_directories": str(self.folders.socket),
        }
        self._port = port
        command = [self._programs.path("postgres"), "-D", str(self.folders.data)]
        for name, value in {**SETTINGS, **where, **settings}.items():
            command += ["-c", f"{name}={value}"]
        # Options of the command line win over what a restored folder's configuration says.
        with self.folders.log.open("ab") as log:
            options = {
                "stdin": subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                **self._programs.process_options,
            }
            self._process = self._registry.start(command, **options)
        self._wait_until_ready()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server and end its sessions.

        Immediately: without writing anything, for data not needed again.
        """
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(IMMEDIATE_SHUTDOWN if immediate else FAST_SHUTDOWN)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._registry.forget(self._process.pid)
        self._process = None

    @contextlib.contextmanager
    def session(self, database: str = "postgres") -> Iterator[Any]:
        """Open an autocommit session as the superuser, through the socket; yields its cursor."""
        connection = psycopg2.connect(
            host=str(self.folders.socket), port=self._port, user=SUPERUSER, dbname=database
        )
        with contextlib.closing(connection):
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    @property
    def socket_arguments(self) -> list[str]:
        """How a program of PostgreSQL's own reaches this server as the superuser."""
        return ["-h", str(self.folders.socket), "-p", str(self._port), "-U", SUPERUSER]

    def _wait_until_ready(self) -> None:
        ends_at = time.monotonic() + START_SECONDS_MAX
        while self._status() != "ready":
            if self.process_id is None or time.monotonic() > ends_at:
                self.stop(immediate=True)
                raise DataPlaneError(
                    f"PostgreSQL did not start on {self.folders.data}. {self._last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def _status(self) -> str:
        try:
            lines = (self.folders.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ""
        # The file of an earlier server may still lie there, in a copy of its folder.
        own = lines and lines[0] == str(self.process_id)
        return lines[STATUS_LINE].strip() if own and len(lines) > STATUS_LINE else ""

    def _last_words(self) -> str:
        lines = self.folders.log.read_text(errors="replace").splitlines()[-3:]
        return "Its log ends: " + " / ".join(line.strip() for line in lines)
