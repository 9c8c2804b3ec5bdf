"""From a checkout to a Chalice project with its finished zip in it.

`chalice deploy` in that folder uses the zip.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora_restore.packaging import archive, dependencies, project, prune, sdk_data
from aurora_restore.packaging.platforms import Platform, architecture_of, platform_of
from aurora_restore.stages import CHECKOUT, Stage

WHEELS: Final = ".wheels"  # where make keeps them, below the checkout


@dataclass(frozen=True)
class Built:
    """A project that is ready to be deployed."""

    folder: Path
    """Where to run `chalice deploy` or `chalice package`, with the Python that made it."""
    zip: Path
    architecture: str


def build(
    stage: Stage,
    folder: Path,
    *,
    checkout: Path = CHECKOUT,
    architecture: str | None = None,
    wheels: Path | None = None,
) -> Built:
    """Make the project of a stage in a folder of its own, or bring one up to date.

    Quick if nothing has changed.

    `architecture` is the stage's unless it is named; `wheels` is the folder that dependencies come
    from, the registry if None. `.chalice/` holds the checkout's settings and policies again
    afterwards, except what Chalice wrote down of its deployments. Raises PackageError, and
    MissingWheelError where Chalice would go on without a dependency.
    """
    platform = platform_of(architecture or architecture_of(stage))
    folder = folder.resolve()
    project.own_folder(folder)
    project.copy_settings(checkout, folder, stage, platform.architecture)
    inputs = _inputs(checkout, platform, wheels)
    zipped = _kept(folder, platform, inputs) or _made(checkout, folder, platform, wheels)
    kept = {"inputs": inputs, "digest": archive.digest_of(zipped)}
    (folder / project.MARK).write_text(json.dumps(kept), encoding="utf-8")
    return Built(folder, zipped, platform.architecture)


def digest(built: Built) -> str:
    """Give the digest of the zip as Lambda shows it (`CodeSha256`): base64 of SHA-256."""
    return archive.digest_of(built.zip)


def _made(checkout: Path, folder: Path, platform: Platform, wheels: Path | None) -> Path:
    project.copy_code(checkout, folder)
    vendor = folder / project.VENDOR
    pins = dependencies.pins(checkout / "requirements.txt", checkout / "requirements-dev.lock")
    dependencies.install(pins, vendor, platform, wheels)
    prune.prune(vendor)
    sdk_data.trim(vendor)
    project.compile_sources(folder)
    return archive.make_zip(folder, platform.architecture)


def _kept(folder: Path, platform: Platform, inputs: str) -> Path | None:
    """Give the existing zip, if it was made of the same inputs and not changed since."""
    written = (folder / project.MARK).read_text(encoding="utf-8")
    known = json.loads(written) if written else {}
    if known.get("inputs") != inputs:
        return None
    zipped = archive.place_of(folder, platform.architecture)
    return zipped if zipped.is_file() and archive.digest_of(zipped) == known["digest"] else None


def _inputs(checkout: Path, platform: Platform, wheels: Path | None) -> str:
    """Digest all inputs of the zip: sources, pins, wheels, interpreter, platform, this code."""
    of_checkout = [
        *(checkout / name for name in ("app.py", "requirements.txt", "requirements-dev.lock")),
        *(file for file in sorted((checkout / "chalicelib").rglob("*.*")) if file.suffix != ".pyc"),
    ]
    others = [
        *(sorted(wheels.glob("*.whl")) if wheels else []),
        *project.CHALICE_FILES.values(),
        *sorted(Path(__file__).parent.glob("*.py")),
    ]
    named = [(file.relative_to(checkout), file) for file in of_checkout]
    named += [(Path(file.parent.name, file.name), file) for file in others]
    digested = hashlib.sha256(f"{sys.version} {platform.architecture}".encode())
    for name, file in named:
        digested.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digested.hexdigest()
