"""`python -m programs.scripts FOLDER`: let every script of a virtual environment start, whatever its folder is called.

Some packages' scripts begin with `#!` and the folder of their Python as it is, which no kernel
reads when there is a blank in it or when it is long. As shell and Python at once, as pip writes the
others, a script starts from anywhere.
"""

import argparse
import re
from pathlib import Path
from typing import Final

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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m programs.scripts", description="Mend the scripts of a folder."
    )
    parser.add_argument("folder", type=Path, help="the environment's folder of scripts")
    mend(parser.parse_args().folder)
