"""Bytecode for the package: `/var/task` is read-only, so Lambda would compile at every start.

The standard library's `compileall` writes it, of the kind that Python takes unchecked: no source is
read, and no time of a file is compared, which a zip does not keep anyway. The recorded paths are
those on Lambda. `compileall` visits files in order; in an interpreter of its own, with the seed of
its hashes fixed, the same sources give the same bytes on every machine.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from aurora_restore.packaging.errors import PackageError

ROOT: Final = "/var/task"
_INTERPRETER: Final = (sys.executable, "-s", "-S", "-P", "-X", "utf8")
_COMPILE: Final = ("-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash")
_FILE: Final = re.compile(r"Error compiling '(.+)'")
_LINE: Final = re.compile(r"line (\d+)")


def compile_tree(folder: Path, root: Path) -> None:
    """Compile every source below a folder; `root` becomes the root of the zip.

    Raises PackageError for one that is no Python.
    """
    done = subprocess.run(
        [*_INTERPRETER, *_COMPILE, "-s", str(root), "-p", ROOT, str(folder)],
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackageError(f"A source cannot be compiled: {_reason(done.stdout)}.")


def _reason(printed: str) -> str:
    """Read the first error that compileall prints: the file, and the last line of its trace."""
    first = re.split(r"\n\s*\n", printed.strip())[0]
    file, line = _FILE.search(first), _LINE.search(first)
    error = first.splitlines()[-1].strip(" *")
    return f"{file[1] if file else ROOT}, line {line[1] if line else '?'}: {error}"
