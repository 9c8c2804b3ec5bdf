r"""The command.

Judge what happened in a real account, from exports of its two tables and CloudTrail's records.

    python -m simulation.checker --stage dev --state state.json --audit audit.json \
        --cloudtrail trail.json

Ends with 0 when nothing is broken, with 1 when something is, with 2 when a file cannot be read.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from aurora_restore.process.options import program
from simulation.checker.report import Files, UnreadableError, bounds_of, history_of, report

StageName = Annotated[str, typer.Option("--stage", metavar="NAME", help="Such as dev.")]
State = Annotated[
    Path,
    typer.Option(
        "--state", metavar="FILE", help="`aws dynamodb scan --output json` of the state table."
    ),
]
Audit = Annotated[
    Path, typer.Option("--audit", metavar="FILE", help="The same of the audit table.")
]
Trails = Annotated[
    list[Path],
    typer.Option(
        "--cloudtrail",
        metavar="FILE",
        help="CloudTrail's records of all regions; the option may be repeated.",
    ),
]
Sources = Annotated[
    list[str],
    typer.Option(
        "--source",
        metavar="ARN",
        help="A source cluster, by default those of the records; the option may be repeated.",
        default_factory=list,
        show_default=False,
    ),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the files that are named, and say it."""
    return program(check, arguments, name="python -m simulation.checker")


def check(stage: StageName, state: State, audit: Audit, cloudtrail: Trails, source: Sources) -> int:
    """Check a stage's restores in a real account against the invariants."""
    now = datetime.now(UTC)
    try:
        entries = history_of(Files(state, audit, tuple(cloudtrail)), stage)
        lines, kept = report(bounds_of(entries, stage, source, now), entries, now)
    except UnreadableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
