"""The dependencies as Lambda's own platform would have them, at the versions of the lock."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aurora_restore.packaging.errors import MissingWheelError, PackageError
from aurora_restore.packaging.platforms import GLIBC_MINOR, PYTHON, Platform

BROUGHT: Final = frozenset({"chalice"})  # by Chalice itself
LAST_LINES: Final = 5
_ABSENT: Final = re.compile(
    r"No matching distribution found for (\S+)"
)  # pip has one exit status for everything


def pins(requirements: Path, lock: Path) -> list[str]:
    """List what is needed, `name==version`: the requirements and all that they pull in.

    Raises PackageError.
    """
    versions = {
        str(canonicalize_name(requirement.name)): str(requirement.specifier)
        for requirement in _requirements(lock)
    }
    needed = _with_what_they_need(
        canonicalize_name(requirement.name) for requirement in _requirements(requirements)
    )
    if unpinned := sorted(needed - versions.keys()):
        raise PackageError(
            f"{lock.name} does not pin {' and '.join(unpinned)}: write down which versions are "
            "meant."
        )
    return [f"{name}{versions[name]}" for name in sorted(needed)]


def version_of(name: str, lock: Path) -> str:
    """Give the version that a lock pins of a package; raises PackageError."""
    for requirement in _requirements(lock):
        if canonicalize_name(requirement.name) == name:
            return str(requirement.specifier).removeprefix("==")
    raise PackageError(f"{lock.name} does not pin {name}: write down which version is meant.")


def install(pinned: Sequence[str], folder: Path, platform: Platform, wheels: Path | None) -> None:
    """Install pinned packages for a platform, from a folder of wheels or else from the registry.

    Raises MissingWheelError, which names every package that has no wheel, and PackageError when pip
    fails otherwise.
    """
    options = [
        "--no-deps",
        *platform.pip_options,
        *_source(wheels),
    ]  # the list is whole: nothing is left to resolve
    wanted, missing = list(pinned), list[str]()
    while wanted and (
        said := _pip("install", "--no-compile", "--target", str(folder), *options, *wanted)
    ):
        absent = _ABSENT.search(said)
        if absent is None or absent[1] not in wanted:
            raise PackageError(f"The dependencies could not be installed. pip says: {said}")
        wanted.remove(absent[1])
        missing.append(absent[1])
    if missing:
        raise MissingWheelError(_sentence(missing, platform, wheels))


def _requirements(file: Path) -> Iterator[Requirement]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            yield Requirement(text)


def _with_what_they_need(names: Iterable[str]) -> set[str]:
    """Follow requirements by what is installed here, which was made of the same lock."""
    needed, ahead = set[str](), list(names)
    while ahead:
        name = ahead.pop()
        if name not in needed | BROUGHT:
            needed.add(name)
            ahead += _needs(name)
    return needed


def _needs(name: str) -> list[str]:
    try:
        found = [Requirement(text) for text in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        raise PackageError(
            f"{name} is not installed here: install requirements-dev.lock first."
        ) from None
    return [
        canonicalize_name(each.name)
        for each in found
        if not each.marker or each.marker.evaluate({"extra": ""})
    ]


def _source(wheels: Path | None) -> list[str]:
    """Say where pip looks.

    A folder of wheels is all there is, whatever the user's own settings of pip say.
    """
    return [] if wheels is None else ["--isolated", "--no-index", "--find-links", str(wheels)]


def _pip(command: str, *arguments: str) -> str:
    """Run pip; returns its last words if it failed, else nothing."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            command,
            "--quiet",
            "--disable-pip-version-check",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    words = " ".join(done.stderr.splitlines()[-LAST_LINES:])
    return words or f"exit status {done.returncode}" if done.returncode else ""


def _sentence(missing: Sequence[str], platform: Platform, wheels: Path | None) -> str:
    names, place = " and ".join(pin.replace("==", " ") for pin in missing), wheels or "the registry"
    return (
        f"There is no wheel of {names} for {platform.architecture} and Python {PYTHON} in {place} "
        f"(Lambda has glibc 2.{GLIBC_MINOR} there). Fetch what is missing with `.ci/set-up wheels "
        ".venv .wheels`; if nobody publishes one, choose another version of the package, another "
        "architecture, or a newer Python."
    )
