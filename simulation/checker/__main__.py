"""The command: judge what happened in a real account, from exports of its two tables and CloudTrail's records.

    python -m simulation.checker --stage dev --state state.json --audit audit.json --cloudtrail trail.json

Ends with 0 when nothing is broken, with 1 when something is, with 2 when a file cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from simulation.checker.report import Files, UnreadableError, bounds_of, history_of, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the files that are named, and say it."""
    wish, now = _parser().parse_args(arguments), datetime.now(UTC)
    try:
        entries = history_of(Files(wish.state, wish.audit, tuple(wish.cloudtrail)), wish.stage)
        lines, kept = report(bounds_of(entries, wish.stage, wish.sources, now), entries, now)
    except UnreadableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if kept else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulation.checker",
        description="Judge a stage's nights in a real account by the promises of the proof.",
    )
    parser.add_argument("--stage", required=True, help="the stage, such as dev")
    parser.add_argument(
        "--state",
        required=True,
        type=Path,
        help="`aws dynamodb scan --output json` of the state table",
    )
    parser.add_argument("--audit", required=True, type=Path, help="the same of the audit table")
    parser.add_argument(
        "--cloudtrail",
        required=True,
        nargs="+",
        type=Path,
        help="CloudTrail's records, of all regions",
    )
    parser.add_argument(
        "--sources",
        nargs="+",
        default=[],
        metavar="ARN",
        help="the source clusters (default: those of the records)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
