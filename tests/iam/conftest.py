"""One running AWS for the tests that ask it over HTTP."""

from collections.abc import Iterator

import pytest

from localaws.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an AWS."""
    running = Server(0, tmp_path_factory.mktemp("localaws"), speed=300.0)
    running.start()
    yield running
    running.stop()
