"""How long a function takes to start, as a multiple of bare boto3 with one client in that run."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Self

from aurora_restore.stages import FUNCTIONS
from bench.package.runtime_folder import Folders
from chalicelib.flow.choreography import STEPS

ROUNDS: Final = 15
BARE: Final = "bare"
LATE_IMPORTS: Final = {"heartbeat": "chalicelib.runtime.heartbeat"}  # of functions without a step
_PROGRAM: Final = Path(__file__).with_name("cold_start_program.py")
_ENVIRONMENT: Final = {
    "ENVIRONMENT": "dev",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
}


@dataclass(frozen=True)
class Start:
    """One start, or a median of many, in seconds; as multiples of another where it says so."""

    clock: float
    processor: float

    @classmethod
    def median(cls, starts: Iterable["Start"]) -> Self:
        """Give the middle of both."""
        return cls(
            *(
                median(seconds)
                for seconds in zip(
                    *((begun.clock, begun.processor) for begun in starts), strict=True
                )
            )
        )

    def times(self, other: "Start") -> "Start":
        """Say how many times another it is."""
        return Start(self.clock / other.clock, self.processor / other.processor)


@dataclass(frozen=True)
class Starts:
    """Bare boto3 in seconds, and of each function multiples of that.

    As packaged, and without bytecode.
    """

    bare: Start
    compiled: dict[str, Start]
    plain: dict[str, Start]


def measure(folders: Folders, rounds: int = ROUNDS) -> Starts:
    """Start every function in turn, in rounds, so that a disturbance slows all of them alike."""
    seen = defaultdict[tuple[str, Path], list[Start]](list)
    for _ in range(rounds):
        for name, package in _one_round(folders):
            seen[name, package].append(start(name, package, folders.runtime))
    bare = Start.median(seen[BARE, folders.runtime])
    compiled, plain = (
        {name: Start.median(seen[name, package]).times(bare) for name in FUNCTIONS}
        for package in (folders.task, folders.plain)
    )
    return Starts(bare, compiled, plain)


def start(name: str, package: Path, runtime: Path) -> Start:
    """Start one function, or bare boto3, once."""
    handler = name.replace("-", "_")
    module = f"chalicelib.steps.{handler}" if name in STEPS else LATE_IMPORTS.get(name, "")
    app = [] if name == BARE else [str(package), handler, module]
    # -B because the folders are read-only on Lambda; -I and -S as localaws runs its workers
    command = [sys.executable, "-I", "-S", "-B", str(_PROGRAM), str(runtime), *app]
    done = subprocess.run(
        command, env=_ENVIRONMENT, cwd=package, capture_output=True, text=True, check=True
    )
    return Start(*map(float, done.stdout.split()))


def _one_round(folders: Folders) -> Iterator[tuple[str, Path]]:
    for name in FUNCTIONS:
        yield BARE, folders.runtime
        yield name, folders.task
        yield name, folders.plain
