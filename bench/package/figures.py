"""What was measured, kept as JSON beside this code.

The page is written from it, not measured anew.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

FILE: Final = Path(__file__).with_name("figures.json")


@dataclass(frozen=True)
class PackageSize:
    """The zip for one architecture: its size, or why there is none."""

    architecture: str
    size_bytes: int = 0
    why_none: str = ""


@dataclass(frozen=True)
class FunctionFigures:
    """One function: starts as multiples of bare boto3, by both clocks; peak of memory.

    Own time of warm invocations.
    """

    name: str
    start: float
    start_processor: float
    plain_start: float
    plain_start_processor: float
    peak_bytes: int
    warm: int
    own_seconds: float
    own_seconds_most: float


@dataclass(frozen=True)
class PackageFigures:
    """One run of the measurements."""

    python: str
    machine: str
    boto3: str
    rounds: int
    restores: int
    bare_seconds: float
    packages: list[PackageSize]
    functions: list[FunctionFigures]

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Read what was kept."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        packages = [PackageSize(**package) for package in kept.pop("packages")]
        functions = [FunctionFigures(**function) for function in kept.pop("functions")]
        return cls(**kept, packages=packages, functions=functions)

    def write(self, file: Path = FILE) -> None:
        """Keep it."""
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
