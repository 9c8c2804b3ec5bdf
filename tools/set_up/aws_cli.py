"""`python -m tools.set_up.aws_cli WHEEL FOLDER`: unpack version 2 of AWS's command line.

PyPI's `awscli` is version 1. AWS publishes version 2 there too, inside `aws-cdk-asset-awscli-v2`: a
wheel, with an npm package in it, with the archive of a Lambda layer in it, which has the programs
of `amazon/aws-cli`'s own image.
"""

import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import typer

from aurora_restore.process.options import program

_PACKAGE: Final = "*/asset_awscli_v2/_jsii/*.tgz"
_LAYER: Final = "package/lib/layer.zip"
_PROGRAMS: Final = "awscli/v2/*/dist"


def unpack(wheel: Path, folder: Path) -> None:
    """Write the programs into a folder that is not there yet.

    LookupError when the package is made otherwise.
    """
    with zipfile.ZipFile(wheel) as outer:
        name = next(
            (name for name in outer.namelist() if PurePosixPath(name).match(_PACKAGE)), None
        )
        if name is None:
            raise LookupError(f"{wheel} has no {_PACKAGE}.")
        with outer.open(name) as package, tarfile.open(fileobj=package, mode="r|gz") as files:
            layer = next(files.extractfile(file) for file in files if file.name == _LAYER)
            content = io.BytesIO(layer.read() if layer else b"")
    with zipfile.ZipFile(content) as inner:
        _write(inner, folder)


def _write(layer: zipfile.ZipFile, folder: Path) -> None:
    for entry in layer.infolist():
        path = PurePosixPath(entry.filename)
        root = next((parent for parent in path.parents if parent.match(_PROGRAMS)), None)
        if root is None or entry.is_dir():
            continue
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        with layer.open(entry) as source, target.open("wb") as written:
            shutil.copyfileobj(source, written)
        target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)


def main() -> int:
    """Unpack the package that the arguments name."""
    return program(aws_cli, None, name="python -m tools.set_up.aws_cli")


def aws_cli(
    wheel: Annotated[Path, typer.Argument(help="The package that carries it.")],
    folder: Annotated[Path, typer.Argument(help="Where it goes: a folder that is not there yet.")],
) -> int:
    """Unpack AWS's command line."""
    unpack(wheel, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
