"""`python -m aurora_restore.doctor`: what is wrong with a deployed stage, and what to do.

The exit status is 0 if nothing FAILED.
"""

import argparse
import sys
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from aurora_restore.doctor.expected import of_checkout
from aurora_restore.doctor.read_only_clients import reading_clients
from aurora_restore.doctor.runner import examine
from aurora_restore.findings import Finding, as_json, failures
from aurora_restore.stages import CHECKOUT, Stage, StageError
from aurora_restore.terminal import printable
from chalicelib.flow.timestamps import iso_timestamp

WRONG_USAGE, INTERRUPTED = 2, 130  # as shells have it


def main(arguments: list[str] | None = None) -> int:
    """Look at a stage and tell; returns the exit status."""
    options = _options().parse_args(arguments)
    try:
        stage = Stage.read(options.stage, options.checkout)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE
    findings = []
    try:
        for one in examine(
            stage, options.checkout, reading_clients(), of_checkout(options.checkout)
        ):
            findings.append(one)
            if not options.json:
                _say(str(one))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Nothing was changed.\n")
        return INTERRUPTED
    _say(as_json(findings, _about(stage)) if options.json else _summary(findings))
    return 1 if failures(findings) else 0


def _about(stage: Stage) -> dict[str, str]:
    """Say what the findings are about: stage, region, moment, and the version of this checkout."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    now = iso_timestamp(datetime.now(UTC))
    return {
        "stage": stage.name,
        "region": stage.region,
        "time": now,
        "version": str(project["version"]),
    }


def _summary(findings: list[Finding]) -> str:
    counted = Counter(one.status for one in findings)
    return f"{len(findings)} checks: " + ", ".join(
        f"{count} {status}" for status, count in sorted(counted.items())
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aurora_restore.doctor",
        description="Look at a deployed stage: what is wrong, and what to do. It changes nothing.",
    )
    parser.add_argument("--stage", required=True, help="the stage, as in .chalice/config.json")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object: what it is about, and all findings",
    )
    parser.add_argument(
        "--checkout",
        type=Path,
        default=CHECKOUT,
        help="what the stage is held against (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
