"""`aurora-restore doctor`: the exit status is 0 if nothing FAILED."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from aurora_restore import __version__
from aurora_restore.account.reading_clients import reading_clients
from aurora_restore.cli.attempt import INTERRUPTED, WRONG_USAGE, output, print_error, read_stage
from aurora_restore.cli.parameters import HERE, Checkout, StageName
from aurora_restore.doctor.expected import of_checkout
from aurora_restore.doctor.runner import examine
from aurora_restore.findings import Finding, as_json, failures
from aurora_restore.stages import Stage, StageError
from chalicelib.flow.timestamps import iso_timestamp

Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object: what it is about, and all findings."),
]


def doctor(stage: StageName = "", checkout: Checkout = HERE, *, json: Json = False) -> int:
    """Check a deployed stage; nothing is changed."""
    try:
        read = read_stage(stage, checkout, "doctor")
    except StageError as error:
        return print_error(str(error), WRONG_USAGE)
    findings = []
    try:
        for finding in examine(read, checkout, reading_clients(), of_checkout(checkout)):
            findings.append(finding)
            if not json:
                output(str(finding))
    except KeyboardInterrupt:
        return print_error("Interrupted. Nothing was changed.", INTERRUPTED)
    output(as_json(findings, _about(read)) if json else _summary(findings))
    return 1 if failures(findings) else 0


def _about(stage: Stage) -> dict[str, str]:
    """Say what the findings are about: the stage, its region, the time, and our version."""
    now = iso_timestamp(datetime.now(UTC))
    return {"stage": stage.name, "region": stage.region, "time": now, "version": __version__}


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.status for finding in findings)
    parts = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{len(findings)} checks: {parts}"
