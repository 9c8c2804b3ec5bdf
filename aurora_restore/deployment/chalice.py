"""Chalice as a process of its own: it reads the app with the stage's environment, and prints."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from aurora_restore.deployment.errors import DeploymentError

MISSING_WHEEL: Final = (
    "Could not install dependencies"  # after which Chalice goes on, and ends with 0
)
_TRACE: Final = "Traceback (most recent call last):"
_LAST_LINES: Final = 8


def without_traces(lines: Iterable[str]) -> Iterator[str]:
    """Leave out Chalice's own traces when it fails, but for the last line of each."""
    inside = False
    for line in lines:
        if line == _TRACE:
            inside = True
        elif not inside or (line and not line.startswith(" ")):
            inside = False
            yield line


def run(
    command: str, stage: str, project: Path, region: str, output: Callable[[str], None], *rest: str
) -> None:
    """Run `chalice COMMAND --stage …` in a project.

    Raises DeploymentError, with its last words, if it failed.
    """
    chalice = str(Path(sysconfig.get_path("scripts"), "chalice"))
    process = subprocess.Popen(
        [sys.executable, chalice, command, "--stage", stage, *rest],
        cwd=project,
        env={
            **os.environ,
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    with process.stdout as printed:  # type: ignore[union-attr]  # Popen was given a pipe
        for line in without_traces(line.rstrip() for line in printed):
            lines.append(line)
            output(f"  {line}")
    if process.wait() or any(MISSING_WHEEL in line for line in lines):
        last = "\n  ".join([line for line in lines if line][-_LAST_LINES:])
        raise DeploymentError(
            f"chalice {command} failed. What it did is kept; the same command continues there. It "
            f"ended with:\n  {last}"
        )
