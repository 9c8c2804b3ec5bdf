"""One stage that is deployed and healthy, for all tests that need no other.

Every run of tests reads this file, so what takes a second to import is imported when it is used.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deployment.place import Place

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deployed_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an AWS."""
    folder = tmp_path_factory.mktemp("localaws")
    program = [sys.executable, "-m", "tests.doctor.aws_process", str(folder)]
    with subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.fixture(scope="session")
def deployed_stage(deployed_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> "Place":
    """Deploy the stage dev into it, and give people's part: clusters, secrets, a subscriber, a
    network.
    """
    from localaws.clients import EndpointClients  # noqa: PLC0415

    from demo.up.resources import make_resources  # noqa: PLC0415
    from tests.deployment.packages import shared_folder  # noqa: PLC0415
    from tests.deployment.place import Place  # noqa: PLC0415
    from tests.doctor.healthy_stage import make_healthy_stage  # noqa: PLC0415

    clients = EndpointClients(deployed_endpoint)
    checkouts, shared = tmp_path_factory.mktemp("checkouts"), shared_folder(tmp_path_factory)
    place = Place(deployed_endpoint, clients, make_resources(clients), checkouts, shared)
    make_healthy_stage(place)
    return place
