"""`python -m aurora_restore.packaging --stage dev`: make the package and say where it is, how large, and its digest."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aurora_restore.packaging.building import WHEELS, build, digest
from aurora_restore.packaging.errors import PackageError
from aurora_restore.packaging.platforms import PLATFORMS
from aurora_restore.stages import CHECKOUT, Stage, StageError

MEGA = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status."""
    options = _parser().parse_args(arguments)
    wheels = options.wheels if options.wheels.is_dir() else None
    folder = options.folder or CHECKOUT / ".build" / options.stage
    try:
        built = build(
            Stage.read(options.stage), folder, architecture=options.architecture, wheels=wheels
        )
    except (PackageError, StageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    size = built.zip.stat().st_size / MEGA
    sys.stdout.write(
        f"{built.zip}\n{size:.2f} MB for {built.architecture}, CodeSha256 {digest(built)}\n"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aurora_restore.packaging", description="Make the package of a stage."
    )
    parser.add_argument("--stage", required=True, help="a stage of .chalice/config.json")
    parser.add_argument("--architecture", choices=PLATFORMS, help="the stage's own unless named")
    parser.add_argument(
        "--folder", type=Path, help="where to make it (.build/ and the stage's name)"
    )
    parser.add_argument(
        "--wheels",
        type=Path,
        default=CHECKOUT / WHEELS,
        help="a folder of wheels; the registry if it is not there",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
