"""The app, deployed into the world by the real `chalice deploy`, as it would be into an account.

It runs on a copy: Chalice writes down what it deployed inside the project, and what it wrote for an earlier world would
point to things that do not exist in this one.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from console import policies
from console.stages import Stage
from localaws import names
from localaws.clients import local_environment, without_aws
from localaws.errors import WorldError
from localaws.processes import Ledger

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PARTS: Final = ("app.py", "chalicelib", ".chalice", "requirements.txt")
NOT_PACKAGED: Final = shutil.ignore_patterns("__pycache__", "deployed", "deployments")
MISSING_WHEEL: Final = "Could not install dependencies"  # Chalice goes on without the package, with exit code 0
DEPLOY_SECONDS_MAX: Final = 180.0
_LAST_LINES: Final = 15


class Deployment:
    """One `chalice deploy --stage local`, under way in a process of its own."""

    def __init__(self, folder: Path, endpoint: str, settings: Mapping[str, str], ledger: Ledger) -> None:
        """Begin, in a part of `folder`; `settings` are environment variables that are known only now."""
        project = folder / "project"
        _copy_app(project)
        _fill_in(project / ".chalice" / "config.json", settings)
        _fill_in_policies(project)
        self._log = folder / "deploy.log"
        self._ledger = ledger
        chalice = str(Path(sysconfig.get_path("scripts"), "chalice"))
        with self._log.open("wb") as log:
            self._process = ledger.start(
                [sys.executable, chalice, "deploy", "--stage", names.STAGE],
                cwd=project,
                env=_environment(endpoint),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait for its end; WorldError with its last words if it failed, or went on without a package."""
        try:
            status = self._process.wait(DEPLOY_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise WorldError(
                f"chalice deploy did not end within {DEPLOY_SECONDS_MAX:.0f} s: see {self._log}."
            ) from None
        self._ledger.forget(self._process.pid)
        said = self._log.read_text(errors="replace")
        if status or MISSING_WHEEL in said:
            last = "\n  ".join(said.splitlines()[-_LAST_LINES:])
            raise WorldError(f"chalice deploy failed; all that it said is in {self._log}, which ends with:\n  {last}")


def _copy_app(project: Path) -> None:
    project.mkdir(parents=True)
    for name in PARTS:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=NOT_PACKAGED)
        else:
            shutil.copy(source, project / name)


def _fill_in(config_file: Path, settings: Mapping[str, str]) -> None:
    config = json.loads(config_file.read_text())
    config["stages"][names.STAGE]["environment_variables"].update(settings)
    config_file.write_text(json.dumps(config, indent=2))


def _fill_in_policies(project: Path) -> None:
    """Put this stage's policies in the place of their templates, with the settings that are known now."""
    stage = Stage.read(names.STAGE, project)
    values = policies.Values.of(stage, policies.plans_of(stage, account=names.ACCOUNT), account=names.ACCOUNT)
    policies.write(values, project / ".chalice")


def _environment(endpoint: str) -> dict[str, str]:
    """Point Chalice at this machine, and its pip at the folder of wheels so that no network is needed."""
    wheels = CHECKOUT / ".wheels"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels.is_dir() else {}
    return {
        **without_aws(os.environ),
        **local_environment(endpoint, names.TARGET_REGION),
        **offline,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
