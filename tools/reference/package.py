"""What the package costs, from the figures that `make bench-package` has kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.package.figures import FunctionFigures, PackageFigures, PackageSize
from chalicelib.flow.choreography import IN_VPC
from tools.reference.tables import table

MEGA: Final = 1_000_000
MEBI: Final = 1 << 20
SIZE_MAX, START_MAX, START_MAX_IN_VPC, MEMORY_MAX, OWN_MAX = 12.0, 1.6, 1.8, 128.0, 5.0
WHY_LARGE: Final = (
    "Most of it is the native code of psycopg2 and pydantic, as it comes in their wheels, and "
    "botocore with its models."
)
WHY_OWN: Final = (
    "The invocation that changes users derives two keys (PBKDF2, 4,096 rounds each: 2 ms), so that "
    "no password reaches the server, and composes about 160 statements for 13 sessions on two "
    "databases. It comes once in each restore."
)


@dataclass(frozen=True)
class Goal:
    """What should be at most so much. `reached` is None where there is nothing to measure.

    `why` is said of a miss.
    """

    words: str
    limit: float
    reached: float | None
    why: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether it is reached."""
        return self.reached is not None and self.reached <= self.limit

    @property
    def row(self) -> tuple[str, ...]:
        """Write it as a row."""
        reached = "none" if self.reached is None else f"{self.reached:.2f}"
        return self.words, f"{self.limit:g}", reached, "met" if self.is_met else "**missed**"


def part(figures: PackageFigures | None = None) -> str:
    """Write the part."""
    figures = figures or PackageFigures.read()
    judged = goals(figures)
    missed = [f"- **{goal.words}.** {goal.why}".rstrip() for goal in judged if not goal.is_met]
    whys = ["Why what is missed is missed:", "\n".join(missed)] if missed else []
    return "\n\n".join(
        [
            _head(figures),
            table(("at most", "target", "reached", ""), [goal.row for goal in judged]),
            *whys,
            _functions(figures.functions),
            _measured_at(figures),
        ]
    )


def goals(figures: PackageFigures) -> list[Goal]:
    """Judge the figures; of several functions the worst counts."""
    control = [function for function in figures.functions if function.name != IN_VPC]
    (in_vpc,) = (function for function in figures.functions if function.name == IN_VPC)
    return [
        *map(_size, figures.packages),
        Goal(
            "start of a control function, times bare boto3",
            START_MAX,
            max(function.start_processor for function in control),
        ),
        Goal(f"start of `{IN_VPC}`, times bare boto3", START_MAX_IN_VPC, in_vpc.start_processor),
        Goal(
            "MiB of memory of any function",
            MEMORY_MAX,
            max(function.peak_bytes for function in figures.functions) / MEBI,
        ),
        Goal(
            "own ms of a control function's warm invocation",
            OWN_MAX,
            max(function.own_seconds for function in control) * 1000,
        ),
        Goal(
            f"own ms of a warm invocation of `{IN_VPC}`",
            OWN_MAX,
            in_vpc.own_seconds * 1000,
            WHY_OWN,
        ),
    ]


def _size(package: PackageSize) -> Goal:
    words = f"MB of the zip for {package.architecture}, with bytecode"
    reached = package.size_bytes / MEGA if package.size_bytes else None
    return Goal(words, SIZE_MAX, reached, package.why_none or WHY_LARGE)


def _head(figures: PackageFigures) -> str:
    return (
        f"Measured by `make bench-package` with Python {figures.python} on {figures.machine}; do "
        "not edit. A start is given as a multiple of what bare boto3 took in the same run: "
        '`import boto3` and `boto3.client("rds")`, '
        f"{figures.bare_seconds * 1000:.0f} ms of the processor (boto3 {figures.boto3}). Starts "
        "are compared by processor time, which other programs on the machine do not lengthen; "
        "the clock's time stands beside."
    )


def _functions(functions: Sequence[FunctionFigures]) -> str:
    heads = (
        "function", "start, times bare boto3", "by the clock", "without bytecode", "by the clock",
        "MiB at the peak", "warm invocations", "own ms, median", "most",
    )  # fmt: skip
    rows = (
        (
            f"`{function.name}`",
            f"{function.start_processor:.2f}",
            f"{function.start:.2f}",
            f"{function.plain_start_processor:.2f}",
            f"{function.plain_start:.2f}",
            f"{function.peak_bytes / MEBI:.0f}",
            str(function.warm),
            f"{function.own_seconds * 1000:.1f}",
            f"{function.own_seconds_most * 1000:.1f}",
        )
        for function in functions
    )
    return table(heads, rows)


def _measured_at(figures: PackageFigures) -> str:
    return f"""
- **Start** is from the first line of a fresh interpreter until the handler is found, the module of
  its step is loaded and the app's client of RDS is made; the median of {figures.rounds}, all
  functions in turn and bare boto3 between them. A function's interpreter sees the unpacked zip,
  whose boto3 comes before the runtime's; that of bare boto3 sees the runtime's, whole, as on
  Lambda. All have their bytecode, and none is written. "Without bytecode" is the same zip without
  its `.pyc` files, those of boto3 included.
- **Memory and own time** are of one night, {figures.restores - 1} more restores and a cancellation
  on localaws with its PostgreSQL, each function in one process of its own that stays warm. The peak
  is the kernel's (`VmHWM`). Own time is processor time of an invocation without the first, less
  that within calls of AWS and PostgreSQL, and less the making of a client, once for each service.
  "Most" is often the second invocation, which takes some paths for the first time.
""".strip()
