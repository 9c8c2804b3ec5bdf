"""Somebody's own dump, loaded with psql until the first error.

A dump names roles that it does not create, and gives objects to owners in an order that only a
superuser is allowed. So the roles are made first, and the master user is a superuser while it
loads, and only then. psql reads it in its restricted mode: no command of the dump reaches a shell
or a file.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg2.sql import SQL, Identifier

from localaws.postgres import rds_roles
from localaws.postgres.adapting import Adapted, ServerContents
from localaws.postgres.dumps import survey
from localaws.postgres.errors import DataPlaneError
from localaws.postgres.extensions import debian_package
from localaws.postgres.programs import Programs, restricted_psql
from localaws.postgres.server import SUPERUSER, PostgresServer

LOAD_SECONDS_MAX: Final = 600.0
PROBLEMS_MAX: Final = 20  # told of one dump
# Where pg_dump says its version; pg_dumpall says each database's further down.
HEAD_BYTES: Final = 4_096
RESERVED: Final = "pg_"  # roles that only PostgreSQL makes
NO_ICU: Final = "ICU is not supported"  # the server's words, which have no code of their own
POSTGRES_HINT: Final = "make demo POSTGRES=/usr/lib/postgresql/<version>/bin"


@dataclass(frozen=True)
class Master:
    """Who loads a dump, where, and into which database."""

    address: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str


def load_dump(server: PostgresServer, programs: Programs, dump: Path, master: Master) -> list[str]:
    """Load a dump and return what has to be told of it.

    DataPlaneError if it cannot be loaded, a problem a line.
    """
    needs, known = survey(dump), ServerContents(server)
    missing = sorted(needs.extensions - known.extensions)
    if problems := needs.refused + [_missing(name, known.major, programs) for name in missing]:
        raise DataPlaneError("\n".join(_first(problems)))
    roles = sorted(role for role in needs.roles - known.roles if not role.startswith(RESERVED))
    with server.session() as cursor:
        for role in roles:
            cursor.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
        cursor.execute(SQL("ALTER ROLE {} SUPERUSER").format(Identifier(master.username)))
    adapted = Adapted(dump, known)
    try:
        _run_psql(dump, master, adapted, known.major)
    finally:
        _demote_everybody(server)
    rds_roles.put_roles_within_reach(server)
    made = (
        f"Roles that {dump} names and does not create are made without a login: {', '.join(roles)}."
    )
    return ([made] if roles else []) + adapted.notes


def _first(problems: list[str]) -> list[str]:
    """Return as many problems as people read, and how many more there are."""
    more = len(problems) - PROBLEMS_MAX
    return [*problems[:PROBLEMS_MAX], f"There are {more} more problems."] if more > 1 else problems


def _missing(extension: str, major: str, programs: Programs) -> str:
    """Say which server has an extension that this one has not."""
    package = debian_package(extension, "<version>" if programs.is_embedded else major)
    if package is None:
        return (
            f"The dump needs the extension {extension}, which AWS alone has. Leave it, and what "
            "uses it, out."
        )
    if not programs.is_embedded:
        return (
            f"The dump needs the extension {extension}, which the PostgreSQL {major} in "
            f"{programs.folder}/bin does not have. Install it; Debian's package is {package}."
        )
    return (
        f"The dump needs the extension {extension}, which the embedded PostgreSQL {major} does not "
        f"have. Use a full server: {POSTGRES_HINT}, with Debian's package {package}."
    )


def _run_psql(dump: Path, master: Master, adapted: Adapted, major: str) -> None:
    where = [
        "-h",
        master.address,
        "-p",
        str(master.port),
        "-U",
        master.username,
        "-d",
        master.database,
    ]
    how = ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1"]
    command = [restricted_psql(), *where, *how, "-c", f"\\restrict {adapted.key}", "-f", "-"]
    with tempfile.TemporaryFile() as statements:
        statements.writelines(adapted.lines())
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
            env={
                "PGPASSWORD": master.password,
                "PGCLIENTENCODING": "UTF8",
                "PATH": "/usr/bin:/bin",
            },
        )
    if ended.returncode:
        raise DataPlaneError(_sentence(dump, ended.stderr, major))


def _sentence(dump: Path, said: str, major: str) -> str:
    """Say which line failed and why; psql writes `psql:<stdin>:<line>: ERROR:  <reason>`."""
    found = re.search(r"^psql:.*?:(\d+): (?:ERROR|FATAL|PANIC|error): +(.*)$", said, re.MULTILINE)
    line, reason = (f"Line {found[1]}", found[2]) if found else ("A line", said.strip()[-300:])
    advice = "Correct the dump (plain SQL, as pg_dump writes)."
    if (newer := _version_of(dump)) > int(major):
        advice = (
            f"The dump is of PostgreSQL {newer}, and this server is {major}. Use one as new: "
            f"{POSTGRES_HINT}."
        )
    elif NO_ICU in reason:
        advice = f"Use a full server: {POSTGRES_HINT}."
    return f"{line} of {dump} could not be loaded: {reason.rstrip('.')}. {advice}"


def _version_of(dump: Path) -> int:
    """Return the major version that pg_dump writes into the first lines.

    0 where it does not stand there.
    """
    with dump.open("rb") as lines:
        found = re.search(
            rb"^-- Dumped from database version (\d+)", lines.read(HEAD_BYTES), re.MULTILINE
        )
    return int(found[1]) if found else 0


def _demote_everybody(server: PostgresServer) -> None:
    """Leave rdsadmin the only superuser, as on Aurora, whatever the dump made of its roles."""
    with server.session() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolsuper AND rolname <> %s", [SUPERUSER])
        for (role,) in cursor.fetchall():
            cursor.execute(
                SQL("ALTER ROLE {} NOSUPERUSER NOREPLICATION NOBYPASSRLS").format(Identifier(role))
            )
