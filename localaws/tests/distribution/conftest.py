"""localaws, built as a wheel and installed into a folder of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
OFFLINE = ("--no-index", "--no-deps")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it into a folder, without a network."""
    folder = tmp_path_factory.mktemp("distribution")
    left_out = shutil.ignore_patterns("__pycache__", "tests")
    source = shutil.copytree(PROJECT, folder / "source", ignore=left_out)
    build = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run(build, check=True, timeout=120)
    (wheel,) = folder.glob("localaws-*-py3-none-any.whl")
    target = folder / "installed"
    install = [*PIP, "install", *OFFLINE, "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    return target
