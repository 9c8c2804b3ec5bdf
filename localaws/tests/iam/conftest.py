"""One running AWS for the tests that ask it over HTTP, and one world for those that only ask what
would be asked.
"""

from collections.abc import Iterator

import pytest
from localaws.server import Server
from tests.iam.cluster_with_key import ClusterWithKey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an AWS."""
    running = Server(0, tmp_path_factory.mktemp("localaws"), speed=300.0)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def scene() -> ClusterWithKey:
    """Give the scene: asking changes nothing."""
    return ClusterWithKey()
