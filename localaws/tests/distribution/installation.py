"""Programs that find the installed localaws before the checkout's."""

import os
import subprocess
from pathlib import Path


def environment(installed: Path) -> dict[str, str]:
    """Make an environment that finds the installed package first, and no checkout."""
    return {**os.environ, "PYTHONPATH": str(installed)}


def run(installed: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program far from the checkout."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(installed),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
