"""What `chalice package` makes of the app, and Python interpreters with nothing but the app."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

APP = Path(__file__).parents[2]
OUTSIDE = {
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Function:
    """One function of the packaged template."""

    name: str
    properties: dict[str, Any]
    role: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """Its environment variables."""
        found: dict[str, str] = self.properties["Environment"]["Variables"]
        return found

    @property
    def trigger(self) -> dict[str, Any]:
        """What wakes it: the one event there is."""
        (found,) = self.properties["Events"].values()
        return dict(found)

    @property
    def policy(self) -> dict[str, Any]:
        """What its role may do."""
        (found,) = self.role["Policies"]
        return dict(found["PolicyDocument"])


def package(folder: Path) -> dict[str, Function]:
    """Package a copy of the app for the local stage, without its dependencies.

    Returns the functions by name.
    """
    copied = folder / "app"
    copied.mkdir()
    shutil.copy(APP / "app.py", copied)
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(
            APP / name,
            copied / name,
            ignore=shutil.ignore_patterns("__pycache__", "deployed", "deployments"),
        )
    (copied / "requirements.txt").touch()
    program = "from chalice.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, "package", "--stage", "local", str(folder / "out")]
    subprocess.run(
        command,
        cwd=copied,
        env={**os.environ, **OUTSIDE},
        check=True,
        capture_output=True,
        timeout=60,
    )
    resources = json.loads((folder / "out" / "sam.json").read_text())["Resources"]
    configured = json.loads((APP / ".chalice" / "config.json").read_text())["lambda_functions"]
    return {
        name: Function(
            name,
            resources[logical_id(name)]["Properties"],
            resources[logical_id(name) + "Role"]["Properties"],
        )
        for name in configured
    }


def logical_id(name: str) -> str:
    """Spell a function's name as SAM templates want it."""
    return "".join(part.capitalize() for part in name.split("-"))


def fresh(code: str, **environment: str) -> list[str]:
    """Run a few lines in an interpreter of their own, in the app's folder.

    Returns what they print, word by word.
    """
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LOG_", "POWERTOOLS"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=APP,
        env={**known, **OUTSIDE, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()
