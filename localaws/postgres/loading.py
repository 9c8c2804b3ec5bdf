"""Somebody's own dump, loaded into a cluster the way people load one: psql, plain SQL, stop at the first error.

A dump names roles that it does not create, and gives objects to owners in an order that only a superuser is allowed.
So the roles are made first, and the master user is a superuser while it loads, and only then.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg2.sql import SQL, Identifier

from localaws.postgres import likeness
from localaws.postgres.dumps import lines_for, roles_of
from localaws.postgres.errors import DataPlaneError
from localaws.postgres.programs import Programs
from localaws.postgres.server import SUPERUSER, PostgresServer

LOAD_SECONDS_MAX: Final = 600.0


@dataclass(frozen=True)
class Master:
    """Who loads a dump, where, and into which database."""

    address: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str


def load_dump(server: PostgresServer, programs: Programs, dump: Path, master: Master) -> None:
    """Load a dump; DataPlaneError with the line that failed if it cannot be loaded."""
    roles, databases = _names(server, "SELECT rolname FROM pg_roles"), _names(server, "SELECT datname FROM pg_database")
    with server.session() as cursor:
        for role in sorted(roles_of(dump) - roles):
            cursor.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
        cursor.execute(SQL("ALTER ROLE {} SUPERUSER").format(Identifier(master.username)))
    try:
        _run_psql(programs, dump, master, lines_for(dump, roles=roles, databases=databases))
    finally:
        _demote_everybody(server)
    likeness.put_roles_within_reach(server)


def _names(server: PostgresServer, query: str) -> set[str]:
    with server.session() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}


def _run_psql(programs: Programs, dump: Path, master: Master, lines: Iterator[bytes]) -> None:
    where = ["-h", master.address, "-p", str(master.port), "-U", master.username, "-d", master.database]
    command = [programs.path("psql"), *where, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    with tempfile.TemporaryFile() as statements:
        statements.writelines(lines)
        statements.seek(0)
        ended = subprocess.run(
            command,
            check=False,
            stdin=statements,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=LOAD_SECONDS_MAX,
            env={"PGPASSWORD": master.password, "PGCLIENTENCODING": "UTF8", "PATH": "/usr/bin:/bin"},
        )
    if ended.returncode:
        raise DataPlaneError(_sentence(dump, ended.stderr))


def _sentence(dump: Path, said: str) -> str:
    """Say which line failed and why; psql writes `psql:<stdin>:<line>: ERROR:  <reason>`."""
    found = re.search(r"^psql:.*:(\d+): (?:ERROR|FATAL|error): +(.*)$", said, re.MULTILINE)
    line, reason = (f"Line {found[1]}", found[2]) if found else ("A line", said.strip()[-300:])
    return (
        f"{line} of {dump} could not be loaded: {reason.rstrip('.')}. Correct the dump (plain SQL, as pg_dump writes)."
    )


def _demote_everybody(server: PostgresServer) -> None:
    """Leave rdsadmin the only superuser, as on Aurora, whatever the dump made of its roles."""
    with server.session() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolsuper AND rolname <> %s", [SUPERUSER])
        for (role,) in cursor.fetchall():
            cursor.execute(SQL("ALTER ROLE {} NOSUPERUSER NOREPLICATION NOBYPASSRLS").format(Identifier(role)))
