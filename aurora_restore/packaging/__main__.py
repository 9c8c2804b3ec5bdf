"""`python -m aurora_restore.packaging --stage dev`: make the package; print path, size, digest."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from aurora_restore.packaging.building import WHEELS, build, digest
from aurora_restore.packaging.errors import PackageError
from aurora_restore.packaging.platforms import PLATFORMS
from aurora_restore.process.options import program
from aurora_restore.stages import CHECKOUT, Stage, StageError

MEGA = 1_000_000


StageName = Annotated[
    str, typer.Option("--stage", metavar="NAME", help="A stage of .chalice/config.json.")
]
Architecture = Annotated[
    str | None,
    typer.Option("--architecture", metavar="|".join(PLATFORMS), help="By default the stage's own."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="FOLDER", help="Where to make it, by default below .build."),
]
Wheels = Annotated[
    Path,
    typer.Option(
        "--wheels",
        metavar="FOLDER",
        help="A folder of wheels; where it is missing, they come from the registry.",
    ),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status."""
    return program(package, arguments, name="python -m aurora_restore.packaging")


def package(
    stage: StageName,
    architecture: Architecture = None,
    folder: Folder = None,
    wheels: Wheels = CHECKOUT / WHEELS,
) -> int:
    """Make the package of a stage; say where it is, how large, and its digest."""
    try:
        built = build(
            Stage.read(stage),
            folder or CHECKOUT / ".build" / stage,
            architecture=architecture,
            wheels=wheels if wheels.is_dir() else None,
        )
    except (PackageError, StageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    size = built.zip.stat().st_size / MEGA
    sys.stdout.write(
        f"{built.zip}\n{size:.2f} MB for {built.architecture}, CodeSha256 {digest(built)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
