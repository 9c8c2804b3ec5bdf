"""`python -m bench.package`: measure the package.

With `--write`, keep that in docs/performance.md.
"""

import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from aurora_restore.packaging.building import WHEELS, Built, build
from aurora_restore.packaging.errors import MissingWheelError, PackageError
from aurora_restore.packaging.platforms import ARM, X86, architecture_here
from aurora_restore.process.options import program
from aurora_restore.stages import FUNCTIONS, Stage
from bench.package import cold_starts, restores
from bench.package.cold_starts import Starts
from bench.package.figures import FILE, FunctionFigures, PackageFigures, PackageSize
from bench.package.restores import Invocations
from bench.package.runtime_folder import Folders
from demo.errors import DemoError
from tools.reference import ROOT, rewritten
from tools.reference.package import part

PAGE = ROOT / "docs" / "performance.md"


Write = Annotated[
    bool, typer.Option("--write", help="Keep the figures, and write them into the docs.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print or write what was measured; returns the exit status."""
    return program(bench_package, arguments, name="python -m bench.package")


def bench_package(*, write: Write = False) -> int:
    """Measure the package, its starts, its memory and its own time. It takes some minutes."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = _measure(Path(folder))
    except (PackageError, DemoError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(part(figures))
    if write:
        _write(figures)
    return 0


def _write(figures: PackageFigures) -> None:
    figures.write()
    PAGE.write_text(rewritten(PAGE), encoding="utf-8")
    _say(f"{FILE.relative_to(ROOT)} and {PAGE.relative_to(ROOT)} are written.")


def _measure(folder: Path) -> PackageFigures:
    found = {architecture: _build(folder, architecture) for architecture in (X86, ARM)}
    here = found[architecture_here()]
    if isinstance(here, MissingWheelError):
        raise here
    folders = Folders.made(here, folder / "lambda")
    _say(
        f"Every function is started {cold_starts.ROUNDS} times with bytecode and without; a few "
        "minutes."
    )
    started = cold_starts.measure(folders)
    _say("One night on localaws, more restores, and a cancellation.")
    seen = restores.measure(folders, folder / "world")
    return PackageFigures(
        platform.python_version(),
        architecture_here(),
        metadata.version("boto3"),
        cold_starts.ROUNDS,
        restores.RESTORES,
        started.bare.processor,
        [_package(architecture, package) for architecture, package in found.items()],
        [_function(name, started, seen[name]) for name in FUNCTIONS],
    )


def _build(folder: Path, architecture: str) -> Built | MissingWheelError:
    wheels = Path(WHEELS)
    try:
        return build(
            Stage.read("prod"),
            folder / architecture,
            architecture=architecture,
            wheels=wheels if wheels.is_dir() else None,
        )
    except MissingWheelError as error:
        return error


def _package(architecture: str, found: Built | MissingWheelError) -> PackageSize:
    if isinstance(found, MissingWheelError):
        return PackageSize(architecture, why_none=str(found))
    return PackageSize(architecture, found.zip.stat().st_size)


def _function(name: str, started: Starts, seen: Invocations) -> FunctionFigures:
    warm = seen.own_seconds[1:]
    if not warm:
        raise PackageError(
            f"{name} was invoked {len(seen.own_seconds)} times, so nothing is known of it when "
            "warm."
        )
    compiled, plain = started.compiled[name], started.plain[name]
    return FunctionFigures(
        name,
        compiled.clock,
        compiled.processor,
        plain.clock,
        plain.processor,
        seen.peak_bytes,
        len(warm),
        median(warm),
        max(warm),
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
