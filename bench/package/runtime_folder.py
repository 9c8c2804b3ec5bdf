"""What plays Lambda for the measurements.

The unpacked zip, and a runtime with boto3 that has its bytecode.
"""

import compileall
import py_compile
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from localaws.packages import Packages

from aurora_restore.packaging.building import Built

_METER = Path(__file__).with_name("metered.py")


@dataclass(frozen=True)
class Folders:
    """The folders that a function sees."""

    task: Path
    """The unpacked zip."""
    plain: Path
    """The same without any bytecode, as Chalice alone would have packed it."""
    metered: Path
    """The zip with the meter beside the app."""
    runtime: Path
    """boto3 and what it needs, compiled, as Lambda's runtime has it, behind that of the zip."""

    @classmethod
    def made(cls, built: Built, folder: Path) -> Self:
        """Unpack a package into all of them."""
        folders = cls(*(folder / name for name in ("task", "plain", "metered", "runtime")))
        for task in (folders.task, folders.plain, folders.metered):
            with zipfile.ZipFile(built.zip) as archive:
                archive.extractall(task)
        for found in list(folders.plain.rglob("__pycache__")):
            shutil.rmtree(found)
        shutil.copy(_METER, folders.metered)
        _make_runtime(folder, folders.runtime)
        return folders


def _make_runtime(folder: Path, runtime: Path) -> None:
    packages = Packages(folder / "localaws")
    packages.prepare()
    packages.close()
    shutil.copytree(packages.runtime, runtime, ignore=shutil.ignore_patterns("__pycache__"))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(str(runtime), quiet=1, invalidation_mode=unchecked)
