"""The zip, made by Chalice's own packager, but always with the same bytes.

Chalice writes files in the order in which the file system lists them and with the modes that they
happen to have; with its tools for both replaced it writes them sorted, readable for everybody. The
zip is then put where `chalice deploy` and `chalice package` look for it by the content of the
project, and they use it as it is.
"""

import base64
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager
from chalice.utils import UI, OSUtils

from aurora_restore.packaging.platforms import RUNTIME

MODE: Final = stat.S_IFREG | 0o644  # Lambda runs as a user that owns none of it


class SteadyFiles(OSUtils):
    """Chalice's view of the file system, with one order and one mode for all files."""

    def walk(
        self, path: str, followlinks: bool = False
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        """List a tree in order."""
        for folder, folders, files in super().walk(path, followlinks=followlinks):
            folders.sort()
            yield folder, folders, sorted(files)

    def stat(self, path: str) -> os.stat_result:
        """Tell of a file what it would be with the one mode."""
        return os.stat_result((MODE, *super().stat(path)[1:]))


def make_zip(project: Path, architecture: str) -> Path:
    """Make the zip of a project and return it."""
    ours = _packager(SteadyFiles(), architecture).create_deployment_package(str(project), RUNTIME)
    return Path(ours).rename(place_of(project, architecture))


def place_of(project: Path, architecture: str) -> Path:
    """Say where Chalice looks for the zip of a project as it is now.

    Its content decides the name.
    """
    return Path(
        _packager(OSUtils(), architecture).deployment_package_filename(str(project), RUNTIME)
    )


def digest_of(file: Path) -> str:
    """Give the digest of a zip as Lambda shows it (`CodeSha256`): base64 of SHA-256."""
    return base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()


def _packager(files: OSUtils, architecture: str) -> LambdaDeploymentPackager:
    silent = UI(io.StringIO(), io.StringIO())
    return LambdaDeploymentPackager(files, DependencyBuilder(files), silent, architecture)
