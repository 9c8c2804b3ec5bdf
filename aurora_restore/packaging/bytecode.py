"""Bytecode for everything in the package: `/var/task` is read-only, so a source without it is compiled at each start.

It is of the kind that Python takes unchecked: no source is read, and no time of a file is compared,
which a zip does not keep anyway. The recorded paths are those on Lambda.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora_restore.packaging.errors import PackageError

ROOT: Final = "/var/task"
_PROGRAM: Final = Path(__file__).with_name("compiler.py")


@dataclass(frozen=True)
class Source:
    """A source: the file, its name in the zip, and the folder that becomes the zip's root for its bytecode."""

    file: Path
    name: str
    root: Path

    @property
    def bytecode(self) -> Path:
        """Where Python will look for its bytecode."""
        return bytecode_of(self.root / self.name)


def bytecode_of(source: Path) -> Path:
    """Name the file of a source's bytecode, for this interpreter's kind."""
    return source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"


def compile_all(sources: Sequence[Source]) -> None:
    """Compile sources, in order. Raises PackageError for one that is no Python."""
    wanted = [[str(one.file), str(one.bytecode), f"{ROOT}/{one.name}"] for one in sources]
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-P", "-X", "utf8", str(_PROGRAM)],
        input=json.dumps(wanted),
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackageError(f"A source cannot be compiled: {done.stderr.strip().splitlines()[-1]}.")
