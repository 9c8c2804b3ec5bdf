"""Deployed packages: each zip is unpacked once, by its digest, and functions run from there.

The first function to import a module leaves its bytecode beside it, so that later cold starts are
quicker: Lambda's own folder is read-only, and a zip without bytecode is compiled at every cold
start there.
"""

import base64
import importlib.util
import io
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Final

from localaws.malloc_trim import MemoryTrimmer

RUNTIME_MODULES: Final = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "urllib3",
    "dateutil",
    "six",
)
"""What Lambda's Python runtime brings along: boto3 and what it needs.

Nothing else of this environment is seen.
"""


class Packages:
    """The folder of unpacked packages, and the folder that plays Lambda's own `/var/runtime`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "packages"
        self.runtime = folder / "runtime"
        self._lock = threading.Lock()
        self._trimmer = MemoryTrimmer()

    def prepare(self) -> None:
        """Make the folders, and link the environment's boto3 into the runtime."""
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.runtime, ignore_errors=True)
        self.runtime.mkdir(parents=True)
        for name in RUNTIME_MODULES:
            place = _place_of(name)
            (self.runtime / place.name).symlink_to(place)

    def path_of(self, code_sha256: str) -> Path:
        """Give the folder of a package by the digest that Lambda shows (base64 of SHA-256)."""
        return self._folder / base64.b64decode(code_sha256).hex()

    def unpack(self, code_sha256: str, content: bytes) -> Path:
        """Unpack a zip unless it is there already: all functions of one app share one package."""
        target = self.path_of(code_sha256)
        with self._lock:
            if not target.exists():
                self._unpack_to(target, content)
        self._trimmer.trim_later()
        return target

    def _unpack_to(self, target: Path, content: bytes) -> None:
        # Renamed when it is complete: a folder of that name is taken for a whole package.
        unfinished = target.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(unfinished)
            unfinished.rename(target)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def close(self) -> None:
        """Stop giving memory back."""
        self._trimmer.close()


def _place_of(name: str) -> Path:
    specification = importlib.util.find_spec(name)
    if specification is None or specification.origin is None:
        raise ModuleNotFoundError(
            f"{name} is missing: install requirements-dev.txt, localaws gives it to every function."
        )
    origin = Path(specification.origin)
    return origin.parent if origin.name == "__init__.py" else origin
