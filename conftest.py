"""What holds for all tests, those of localaws too."""

import os
from pathlib import Path
from typing import Any

import pytest
from localaws.failures import FOLDER_VARIABLE

from aurora_restore.process.failures import VARIABLE
from aurora_restore.process.loopback import keep_loopback_direct
from simulation.workers import collect_seldom

keep_loopback_direct()  # the tests' own clients, and what they start
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # nor do they ask a network who they are

pytest_plugins = ("tests.doctor.deployed_stage",)

LONGEST_FIRST = ("acceptance", "deployment", "local", "simulation", "postgres", "doctor")
TOGETHER = ("tests/doctor/", "tests/deployment/test_sam_package.py")
"""Files that one worker runs, for they share a stage whose deployment takes seconds."""
ROOT = Path(__file__).parent
FOLDERS = (ROOT / "tests", ROOT / "localaws" / "tests")


@pytest.fixture(scope="session", autouse=True)
def _traces_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the traces of programs that a test breaks out of the checkout and out of sight."""
    folder = str(tmp_path_factory.mktemp("errors"))
    os.environ |= {VARIABLE: folder, FOLDER_VARIABLE: folder}


@pytest.hookimpl(optionalhook=True)  # where tests run in one process there are no schedulers
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a file to one worker, as `--dist loadfile` does, and some files together."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415  # in the one that schedules

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER[0] if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)

    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Look for garbage seldom: what was imported are half a million objects that stay."""
    collect_seldom()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, so that no worker is left alone with them."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    (top,) = (top for top in FOLDERS if item.path.is_relative_to(top))
    folder = item.path.relative_to(top).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
