"""`python -m programs.aws_cli WHEEL FOLDER`: take AWS's command line, version 2, out of the package that carries it.

PyPI's `awscli` is version 1. AWS publishes version 2 there too, inside `aws-cdk-asset-awscli-v2`: a
wheel, with an npm package in it, with the archive of a Lambda layer in it, which has the programs
of `amazon/aws-cli`'s own image.
"""

import argparse
import io
import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

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
            layer = next(files.extractfile(one) for one in files if one.name == _LAYER)
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m programs.aws_cli", description="Unpack AWS's command line."
    )
    parser.add_argument("wheel", type=Path, help="the package that carries it")
    parser.add_argument("folder", type=Path, help="where it goes: a folder that is not there yet")
    options = parser.parse_args()
    unpack(options.wheel, options.folder)
