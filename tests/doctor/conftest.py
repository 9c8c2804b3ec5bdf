"""One stage that is deployed and well, for all tests of this folder; each mends what it broke."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from localaws.clients import Clients

from demo.up.resources import make_resources
from tests.deployment.packages import shared_folder
from tests.deployment.place import Place
from tests.doctor.healthy_stage import make_well
from tests.doctor.scene import Scene

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an AWS."""
    program = [sys.executable, "-m", "tests.doctor.aws", str(tmp_path_factory.mktemp("localaws"))]
    with subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.fixture(scope="session")
def place(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Deploy the stage dev into it, and give people's part: clusters, secrets, a subscriber, a
    network.
    """
    clients = Clients(endpoint)
    checkouts, shared = tmp_path_factory.mktemp("checkouts"), shared_folder(tmp_path_factory)
    place = Place(endpoint, clients, make_resources(clients), checkouts, shared)
    make_well(place)
    return place


@pytest.fixture
def scene(place: Place) -> Iterator[Scene]:
    """Give the stage to one test, and put back what it changed."""
    scene = Scene(place)
    yield scene
    scene.put_back()
