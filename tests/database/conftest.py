"""The servers of this folder's tests, cleaned before each."""

from collections.abc import Iterator

import pytest

from chalicelib.database.restored_database import Database
from tests.database.postgres_server import MASTER, Server, clean
from tests.database.postgres_versions import WANTED, Servers
from tests.database.production import create_production


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Share each server among all tests of this process; every statement is logged."""
    servers = Servers()
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture(params=WANTED)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """Return a server with an empty database shop of the master's, and no role but the master and
    RDS's own.
    """
    running = servers.get(request.param)
    clean(running)
    return running


@pytest.fixture
def production(server: Server) -> Server:
    """Return that server with what production had in its database shop."""
    create_production(server)
    return server


@pytest.fixture
def shop(server: Server) -> Database:
    """Return what the set-up sees of that server."""
    return Database(server.endpoint, MASTER, "shop")
