"""Somebody's own dump, loaded into a cluster the way people load one: psql, plain SQL, stop at the first error.

A dump names roles that it does not create, and gives objects to owners in an order that only a superuser is allowed.
So the roles are made first, and the master user is a superuser while it loads, and only then.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg2.sql import SQL, Identifier

from localaws.postgres import likeness
from localaws.postgres.errors import DataPlaneError
from localaws.postgres.programs import Programs
from localaws.postgres.server import SUPERUSER, PostgresServer

LOAD_SECONDS_MAX: Final = 600.0
_ROLE: Final = r'("(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_NAMING: Final = re.compile(
    r"^(?:ALTER .* OWNER TO|GRANT .* TO|REVOKE .* FROM|ALTER DEFAULT PRIVILEGES FOR ROLE|SET SESSION AUTHORIZATION) "
    + _ROLE
)
_CREATING: Final = re.compile(rf"^CREATE (?:ROLE|USER) {_ROLE}")
_COPY: Final = re.compile(r"^COPY .* FROM stdin;$", re.IGNORECASE)
_NOBODY: Final = frozenset({"public", "current_user", "session_user", "default"})


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
    missing = sorted(roles_of(dump))
    with server.session() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        known = {name for (name,) in cursor.fetchall()}
        for role in (one for one in missing if one not in known):
            cursor.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
        cursor.execute(SQL("ALTER ROLE {} SUPERUSER").format(Identifier(master.username)))
    try:
        _run_psql(programs, dump, master)
    finally:
        _demote_everybody(server)
    likeness.put_roles_within_reach(server)


def roles_of(dump: Path) -> set[str]:
    """Return the roles that a dump names and does not create."""
    named, created = set(), set()
    for line in _statements(dump):
        if found := _CREATING.match(line):
            created.add(_plain(found[1]))
        elif found := _NAMING.match(line):
            named.add(_plain(found[1]))
    return named - created - _NOBODY


def _statements(dump: Path) -> Iterator[str]:
    """Yield a dump's lines without the rows between COPY and its end."""
    in_rows = False
    with dump.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if in_rows:
                in_rows = line.rstrip() != "\\."
            elif _COPY.match(line):
                in_rows = True
            else:
                yield line


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _run_psql(programs: Programs, dump: Path, master: Master) -> None:
    where = ["-h", master.address, "-p", str(master.port), "-U", master.username, "-d", master.database]
    command = [programs.path("psql"), *where, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", str(dump)]
    ended = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
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
    """Say which line failed and why; psql writes `psql:<file>:<line>: ERROR:  <reason>`."""
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
