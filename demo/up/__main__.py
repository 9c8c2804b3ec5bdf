"""`python -m demo.up`: the demo's world in the foreground, until Ctrl-C or SIGTERM."""

import re
import sys
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Final

import typer
from localaws.folder import DataFolder
from localaws.foreground import Options, Say

from aurora_restore.process.options import OptionError, program
from demo.options import Data, Dump, Port, Postgres, Replacement, usual_replacement
from localaws import foreground

_OPTION: Final = re.compile(r"--(port|data|dump)\b")
USUAL_REPLACEMENT: Final = usual_replacement()
_VARIABLES: Final = {"port": "PORT=…", "data": "DATA=…", "dump": "DUMP=mine.sql"}


def speed_number(given: str | float) -> float:
    """Read a speed; typer also reads the default, which is a number."""
    try:
        return foreground.parse_speed(given)
    except ValueError as error:
        raise OptionError(str(error)) from None


Speed = Annotated[
    float,
    typer.Option(
        "--speed",
        parser=speed_number,
        metavar="NUMBER",
        help="How many times quicker than Aurora everything is.",
    ),
]


def main(arguments: list[str] | None = None) -> int:
    """Run the world; returns the exit status."""
    return program(up, arguments, name="python -m demo.up")


def up(
    port: Port = foreground.PORT,
    data: Data = foreground.FOLDER,
    *,
    dump: Dump = None,
    postgres: Postgres = None,
    speed: Speed = foreground.SPEED,
    replacement: Replacement = USUAL_REPLACEMENT,
) -> int:
    """Leave the app running in a local AWS, beside a production to restore."""
    options = Options(port, data, dump, postgres, speed)
    start = partial(_start, replacement=replacement)
    foreground.leave(foreground.run(options, start, with_make_variables))


def with_make_variables(sentence: str) -> str:
    """Add make's variable to each option that a sentence names: most people typed `make up`."""
    return _OPTION.sub(lambda found: f"{found[0]} (make: {_VARIABLES[found[1]]})", sentence)


def _start(
    options: Options, folder: DataFolder, stack: ExitStack, say: Say, *, replacement: str
) -> str:
    # These imports take seconds: whatever can be refused was refused before.
    from localaws.startup import start  # noqa: PLC0415

    from demo.up.build import build  # noqa: PLC0415

    return start(options, folder, stack, say, partial(build, replacement=replacement))


if __name__ == "__main__":
    sys.exit(main())
