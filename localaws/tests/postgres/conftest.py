"""One data plane with one cluster for all tests of this folder, and names for what they make."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from localaws.postgres import PostgresData
from tests.memory_folder import server_folder
from tests.postgres.client import MASTER, PASSWORD, make


@pytest.fixture(scope="session")
def data() -> Iterator[PostgresData]:
    """Give one data plane for all tests; nothing of it is left afterwards."""
    folder = server_folder()
    plane = PostgresData(folder / "postgres")
    make(plane, "cluster-SOURCE")
    plane.start("cluster-SOURCE")
    yield plane
    plane.close()
    shutil.rmtree(folder)


@pytest.fixture
def cluster(data: PostgresData) -> Iterator[str]:
    """Name the running cluster with the database shop.

    A test may stop it or change its master password.
    """
    yield "cluster-SOURCE"
    data.start("cluster-SOURCE")
    data.set_master_password("cluster-SOURCE", MASTER, PASSWORD)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Give a short name that no other test uses, for tables, roles, snapshots and clusters."""
    return f"n{abs(hash(request.node.name)):x}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder for a data plane of the test's own."""
    return tmp_path / "own"
