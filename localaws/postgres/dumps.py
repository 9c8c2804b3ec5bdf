"""A dump in plain SQL, line by line: which roles it needs, and which of its lines say what is so already."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NAME: Final = r'("(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_NAMING: Final = re.compile(
    r"(?:ALTER .* OWNER TO|GRANT .* TO|REVOKE .* FROM|ALTER DEFAULT PRIVILEGES FOR ROLE|SET SESSION AUTHORIZATION) "
    + _NAME
)
_CREATING_ROLE: Final = re.compile(rf"CREATE (?:ROLE|USER) {_NAME}")
_MAKING_ROLE: Final = re.compile(rf"(?:CREATE|ALTER) (?:ROLE|USER) {_NAME}")
_CREATING_DATABASE: Final = re.compile(rf"CREATE DATABASE {_NAME}")
_COPY: Final = re.compile(r"COPY .* FROM stdin;\s*$", re.IGNORECASE)
_END_OF_ROWS: Final = b"\\."
_NOBODY: Final = frozenset({"public", "current_user", "session_user", "default"})


def roles_of(dump: Path) -> set[str]:
    """Return the roles that a dump names and does not create."""
    named, created = set(), set()
    for _, statement in _read(dump):
        if found := _CREATING_ROLE.match(statement):
            created.add(_plain(found[1]))
        elif found := _NAMING.match(statement):
            named.add(_plain(found[1]))
    return named - created - _NOBODY


def lines_for(dump: Path, *, roles: set[str], databases: set[str]) -> Iterator[bytes]:
    """Yield a dump's lines, with an empty one for each that would make a role or a database that is there already.

    pg_dumpall begins with every role of its cluster, AWS's own and the master user among them.
    """
    for line, statement in _read(dump):
        role, database = _MAKING_ROLE.match(statement), _CREATING_DATABASE.match(statement)
        is_there = (role and _plain(role[1]) in roles) or (database and _plain(database[1]) in databases)
        yield b"\n" if is_there else line


def _read(dump: Path) -> Iterator[tuple[bytes, str]]:
    """Yield each line as it is, and as a statement to be looked at: empty for the rows between COPY and their end."""
    in_rows = False
    with dump.open("rb") as lines:
        for line in lines:
            if in_rows:
                in_rows = line.rstrip() != _END_OF_ROWS
                yield line, ""
            else:
                statement = line.decode("utf-8", "replace")
                in_rows = _COPY.match(statement) is not None
                yield line, statement


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
