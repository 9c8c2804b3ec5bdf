"""What holds for all tests."""

import os
from pathlib import Path

import pytest

from programs.failures import VARIABLE
from programs.loopback import keep_loopback_direct

keep_loopback_direct()  # the tests' own clients, and what they start
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # nor do they ask a network who they are

LONGEST_FIRST = ("acceptance", "local", "simulation", "postgres")
HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def _traces_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let no program that a test breaks leave a trace in the checkout, for people to take for one
    of theirs.
    """
    os.environ[VARIABLE] = str(tmp_path_factory.mktemp("errors"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, so that of two workers none is left with them at
    the end.
    """
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
