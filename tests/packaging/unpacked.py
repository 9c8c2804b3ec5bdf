"""An unpacked package, and interpreters that know nothing but it and Lambda's runtime."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from localaws.packages import Packages

from aurora_restore.packaging.archive import digest_of

_PATHS = """
import sys
sys.path.insert(0, sys.argv[1])
sys.path.append(sys.argv[2])
"""


@dataclass(frozen=True)
class Unpacked:
    """The folder that is `/var/task`, and the one that is `/var/runtime`."""

    task: Path
    runtime: Path

    @classmethod
    def of(cls, zipped: Path, folder: Path) -> Self:
        """Unpack a zip as localaws does."""
        packages = Packages(folder)
        packages.prepare()
        return cls(packages.unpack(digest_of(zipped), zipped.read_bytes()), packages.runtime)

    def run(self, code: str) -> list[str]:
        """Run a few lines in a bare interpreter; returns what they print, word by word."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PATHS + code, str(self.task), str(self.runtime)],
            env={"ENVIRONMENT": "dev"},
            cwd=self.task,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.split()

    def files(self) -> list[str]:
        """List what is in it."""
        return sorted(
            file.relative_to(self.task).as_posix()
            for file in self.task.rglob("*")
            if file.is_file()
        )
