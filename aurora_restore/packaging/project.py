"""The Chalice project that a package is made in, with the checkout's files that belong to it."""

import inspect
import json
import shutil
from pathlib import Path
from typing import Final

import chalice
from chalice import app as chalice_app

from aurora_restore.packaging.bytecode import compile_tree
from aurora_restore.packaging.errors import PackageError
from aurora_restore.stages import Stage

VENDOR: Final = "vendor"  # Chalice puts what is in it into the zip's root
LEFT_BEHIND: Final = (
    "__pycache__",
    "tests",
    "test_*",
    "*.py[co]",
    "*.README",
    ".*",
    "*~",
)  # dotenv files among them
CHALICE_FILES: Final = {  # which Chalice adds to every zip
    "chalice/__init__.py": Path(inspect.getfile(chalice)),
    "chalice/app.py": Path(inspect.getfile(chalice_app)),
}
MARK: Final = "package.json"


def own_folder(project: Path) -> None:
    """Make the folder, or take one that was made here before.

    Raises PackageError for somebody else's.
    """
    if project.is_dir() and any(project.iterdir()) and not (project / MARK).exists():
        raise PackageError(
            f"{project} is there and no package was made in it, so it is not touched: name another "
            "folder."
        )
    project.mkdir(parents=True, exist_ok=True)
    (project / MARK).touch()


def copy_settings(checkout: Path, project: Path, stage: Stage, architecture: str) -> None:
    """Copy the configuration and the policies, with the stage's architecture as it is now meant."""
    settings = project / ".chalice"
    settings.mkdir(exist_ok=True)
    for file in (checkout / ".chalice").glob("*.json"):
        shutil.copyfile(file, settings / file.name)
    config = json.loads((settings / "config.json").read_text(encoding="utf-8"))
    config["stages"][stage.name]["lambda_architecture"] = architecture
    (settings / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def copy_code(checkout: Path, project: Path) -> None:
    """Copy the app anew, and empty what is to be filled.

    What Chalice knows of its deployments stays.
    """
    for folder in ("chalicelib", VENDOR, ".chalice/deployments"):
        shutil.rmtree(project / folder, ignore_errors=True)
    shutil.copytree(
        checkout / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns(*LEFT_BEHIND)
    )
    shutil.copyfile(checkout / "app.py", project / "app.py")
    (project / "requirements.txt").write_text("")  # or Chalice would install them a second time


def compile_sources(project: Path) -> None:
    """Compile everything of the zip. Raises PackageError.

    The app's bytecode lies beside the packages', where the zip's root is. That of chalicelib lies
    beside its sources, so that Chalice, which imports it, writes none of its own.
    """
    vendor = project / VENDOR
    copies = {"app.py": project / "app.py", **CHALICE_FILES}
    for name, file in copies.items():  # compileall writes bytecode beside the source that it reads
        (vendor / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(file, vendor / name)
    compile_tree(vendor, vendor)
    for name in copies:  # Chalice itself puts these sources into the zip
        (vendor / name).unlink()
    compile_tree(project / "chalicelib", project)
