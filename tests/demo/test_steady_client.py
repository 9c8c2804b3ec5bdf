"""The client of the demo, against a real PostgreSQL that goes away for a while."""

import time
from collections.abc import Callable, Iterator

import pytest

from demo.availability import Service
from demo.databases import DatabaseLogin, TableContent
from demo.steady_client import Answer, Question, SteadyClient
from tests.database.postgres_server import MASTER, Server
from tests.demo.furnished_server import furnished_server

SECONDS_MAX = 30
ORDERS = """
CREATE TABLE orders AS SELECT 'tea' AS what;
CREATE TABLE stale_marker ()
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server with a table and the mark of an earlier night."""
    with furnished_server(ORDERS) as server:
        yield server


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that a client does."""
    ends_at = time.monotonic() + SECONDS_MAX
    while not happened():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def test_a_client_outlives_its_server_and_tells_data_apart(server: Server) -> None:
    """Queries without an answer are counted; the mark and the rows are read anew each time."""
    nothing = Answer(is_stale=False, content=TableContent(0, ""))
    question = Question("shop", ("public", "orders"), nothing, nothing)
    login = DatabaseLogin(server.address, server.port, MASTER.username, MASTER.secret)
    with SteadyClient(lambda: login, question) as client:
        until(lambda: len(client.readings) > 1)
        server.postgres.stop()
        asked, answered = client.asked, len(client.readings)
        until(lambda: client.asked > asked + 2)
        server.postgres.start(server.address, server.port)
        change = "DROP TABLE stale_marker; INSERT INTO orders VALUES ('cake')"
        server.query(change, as_user=MASTER, database="shop")
        until(lambda: len(client.readings) > answered + 1)
    seen = [(reading.answer.is_stale, reading.answer.content.rows) for reading in client.readings]
    service = Service.of(client)

    assert ((True, 1), (False, 2)) == (seen[0], seen[-1])
    assert service.asked > len(service.readings)
    assert service.longest_silence.seconds > 0.4
