"""What holds for all tests, those of localaws too."""

import os
from pathlib import Path

import pytest
from localaws.failures import FOLDER_VARIABLE

from aurora_restore.process.failures import VARIABLE
from aurora_restore.process.loopback import keep_loopback_direct

keep_loopback_direct()  # the tests' own clients, and what they start
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # nor do they ask a network who they are

LONGEST_FIRST = ("acceptance", "local", "simulation", "postgres")
ROOT = Path(__file__).parent
FOLDERS = (ROOT / "tests", ROOT / "localaws" / "tests")


@pytest.fixture(scope="session", autouse=True)
def _traces_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the traces of programs that a test breaks out of the checkout and out of sight."""
    folder = str(tmp_path_factory.mktemp("errors"))
    os.environ |= {VARIABLE: folder, FOLDER_VARIABLE: folder}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, so that no worker is left alone with them."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    (top,) = (top for top in FOLDERS if item.path.is_relative_to(top))
    folder = item.path.relative_to(top).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
