"""One data plane of real PostgreSQL servers for all tests of this folder, and a cluster for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.postgres import PostgresData
from tests.postgres.client import PORT, make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresData]:
    """Give one data plane for all tests; nothing of it is left afterwards."""
    plane = PostgresData(tmp_path_factory.mktemp("postgres"))
    yield plane
    plane.close()


@pytest.fixture(scope="session")
def empty(data: PostgresData) -> str:
    """Keep a snapshot of a cluster that was just made: the quickest way to the next one."""
    make(data, "cluster-EMPTY")
    data.take_snapshot("cluster-EMPTY", "empty")
    return "empty"


@pytest.fixture
def cluster(data: PostgresData, empty: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a running cluster of this test's own, with the database shop."""
    resource_id = f"cluster-{request.node.name}"
    data.restore_snapshot(empty, resource_id, port=PORT)
    data.start(resource_id)
    yield resource_id
    data.destroy(resource_id)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder for a data plane of the test's own."""
    return tmp_path / "own"
