"""One package of the stage dev for all tests here, made from the wheels that make has fetched,
without a network.
"""

from pathlib import Path

import pytest

from aurora_restore.packaging.building import WHEELS, Built
from tests.deployment.packages import shared_folder, shared_package
from tests.packaging.packaged import APP
from tests.packaging.unpacked import Unpacked


@pytest.fixture(scope="session")
def wheels() -> Path:
    """Give the folder of wheels."""
    folder = APP / WHEELS
    assert list(folder.glob("*.whl")), (
        f"There are no wheels in {folder}: run .ci/set-up wheels .venv .wheels."
    )
    return folder


@pytest.fixture(scope="session")
def built(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build it once, also where several workers run these tests: who comes second finds it made."""
    return shared_package(shared_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def unpacked(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """Unpack it as Lambda does, beside what Lambda's runtime brings along."""
    return Unpacked.of(built.zip, tmp_path_factory.mktemp("lambda"))
