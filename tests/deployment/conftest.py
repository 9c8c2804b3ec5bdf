"""One account per module, with nothing of ours in it."""

from collections.abc import Iterator

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server

from demo.up.resources import make_resources
from tests.deployment.packages import shared_folder
from tests.deployment.place import Place, make_source


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give an account whose people have a network and keys."""
    server = Server(0, tmp_path_factory.mktemp("localaws"))
    server.start()
    clients = EndpointClients(server.endpoint)
    make_source(clients)
    checkouts, shared = tmp_path_factory.mktemp("checkouts"), shared_folder(tmp_path_factory)
    yield Place(server.endpoint, clients, make_resources(clients), checkouts, shared)
    server.stop()
