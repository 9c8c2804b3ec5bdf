"""Copies of the checkout, to be changed: as much of it as a package is made of."""

import shutil
from pathlib import Path

from tests.packaging.packaged import APP

PARTS = ("app.py", "requirements.txt", "requirements-dev.lock")


def checkout(folder: Path, *requirements: str) -> Path:
    """Copy the checkout, with these of its requirements only: fewer are quicker."""
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(APP / name, folder / name)
    for name in PARTS:
        shutil.copy(APP / name, folder / name)
    lines = (APP / "requirements.txt").read_text().splitlines()
    (folder / "requirements.txt").write_text(
        "\n".join(line for line in lines if line.startswith(requirements)) + "\n"
    )
    return folder
