"""`python -m demo.up`: the demo's world in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from localaws.folder import DataFolder
from localaws.foreground import Options, Say

from localaws import foreground
from programs.arguments import Parser, port

_OPTION: Final = re.compile(r"--(port|data|dump)\b")
_VARIABLES: Final = {"port": "PORT=…", "data": "DATA=…", "dump": "DUMP=mine.sql"}


def main(arguments: list[str] | None = None) -> int:
    """Run the world; returns the exit status."""
    options = Options(**vars(_parser().parse_args(arguments)))
    return foreground.run(options, _start, with_make_variables)


def with_make_variables(sentence: str) -> str:
    """Add make's variable to each option that a sentence names: most people typed `make up`."""
    return _OPTION.sub(lambda found: f"{found[0]} (make: {_VARIABLES[found[1]]})", sentence)


def _start(options: Options, folder: DataFolder, stack: ExitStack, say: Say) -> str:
    # These imports take seconds: whatever can be refused was refused before.
    from localaws.startup import start  # noqa: PLC0415

    from demo.up.build import build  # noqa: PLC0415

    return start(options, folder, stack, say, build)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m demo.up",
        description="Leave the app running in a local AWS, beside a production to restore.",
    )
    parser.add_argument(
        "--port",
        type=port,
        default=foreground.PORT,
        help="where it listens, on loopback (%(default)s)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=foreground.FOLDER,
        help="the folder it keeps everything in (%(default)s)",
    )
    parser.add_argument(
        "--dump", type=Path, help="SQL that becomes production's data, in place of the sample"
    )
    parser.add_argument(
        "--postgres",
        type=Path,
        help="the bin folder of a PostgreSQL server, in place of the embedded one",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=foreground.SPEED,
        help="how many times quicker than Aurora everything is (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    foreground.leave(main())
