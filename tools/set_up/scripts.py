"""`python -m tools.set_up.scripts FOLDER`: let the scripts of an environment start from any folder.

Some packages' scripts begin with `#!` and the folder of their Python as it is, which no kernel
reads when there is a blank in it or when it is long. As shell and Python at once, as pip writes the
others, a script starts from anywhere.
"""

import re
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from aurora_restore.process.options import program

_DIRECT: Final = re.compile(rb"#!/.*/bin/python[\d.]*\n")
_BY_SHELL: Final = b"""#!/bin/sh
'''exec' "$(dirname "$(readlink -f "$0")")/python" "$0" "$@"
' '''
"""


def mend(folder: Path) -> None:
    """Rewrite the first line of the scripts that name their Python directly."""
    for script in folder.iterdir():
        if script.is_file() and not script.is_symlink():
            content = script.read_bytes()
            if first := _DIRECT.match(content):
                script.write_bytes(_BY_SHELL + content[first.end() :])


def main() -> int:
    """Mend the folder that the argument names."""
    return program(scripts, None, name="python -m tools.set_up.scripts")


def scripts(
    folder: Annotated[Path, typer.Argument(help="The environment's folder of scripts.")],
) -> int:
    """Let every script of a folder start, whatever its path is."""
    mend(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
