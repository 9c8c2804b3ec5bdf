"""The package of the checkout, made once for all tests and workers: making one takes seconds."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from aurora_restore.packaging.building import WHEELS, Built, build
from aurora_restore.stages import CHECKOUT, Stage

ALL_LINKED = ("vendor", "chalicelib", "deployments")  # whose files are replaced and never changed


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of a run have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def shared_package(folder: Path) -> Built:
    """Make it below `folder`; who comes second finds it made."""
    wheels = CHECKOUT / WHEELS
    assert list(wheels.glob("*.whl")), (
        f"There are no wheels in {wheels}: run .ci/set-up wheels .venv .wheels."
    )
    with (folder / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build(Stage.read("dev"), folder / "package", wheels=wheels)


def give_package(folder: Path, checkout: Path, stage: str) -> None:
    """Put it where the deployment of a stage looks for the package that it made last."""
    made = shared_package(folder).folder
    shutil.copytree(made, checkout / ".build" / stage, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> str:
    if any(part in ALL_LINKED for part in Path(source).parts):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))
