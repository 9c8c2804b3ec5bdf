"""The app, deployed into the local AWS as `make deploy` would into an account.

From a copy of the checkout, because what only this world knows (keys, groups, subnets) is filled in
there.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from localaws.clients import local_environment, without_aws
from localaws.errors import WorldError
from localaws.startup import LocalAws

from aurora_restore.stages import CHECKOUT, LOCAL_ENDPOINT
from demo.aws import TARGET_REGION
from demo.up.names import STAGE

PARTS: Final = (
    "app.py",
    "chalicelib",
    ".chalice",
    "requirements.txt",
    "requirements-dev.lock",
    "infra",
)
NOT_PACKAGED: Final = shutil.ignore_patterns("__pycache__", "deployed", "deployments")
DEPLOY_SECONDS_MAX: Final = 180.0
_LAST_LINES: Final = 15


class Deployment:
    """One deployment of the stage `local`, under way in a process of its own."""

    def __init__(
        self, aws: LocalAws, settings: Mapping[str, str], network: Mapping[str, list[str]]
    ) -> None:
        """Begin, in a part of the data folder.

        `settings` (variables) and `network` (setup-db-users') are known only now.
        """
        folder = aws.server.folder
        checkout = folder / "checkout"
        copy_app(checkout)
        (checkout / LOCAL_ENDPOINT).write_text(aws.server.endpoint)
        _fill_in(checkout / ".chalice" / "config.json", settings, network)
        self._log = folder / "deploy.log"
        self._processes = aws.processes
        command = [sys.executable, "-m", "aurora_restore", "deploy", "--yes"]
        with self._log.open("wb") as log:
            self._process = aws.processes.start(
                [*command, "--stage", STAGE, "--checkout", str(checkout)],
                cwd=CHECKOUT,
                env=_environment(aws.server.endpoint),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait for its end; raises WorldError with its last words if it failed."""
        try:
            status = self._process.wait(DEPLOY_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise WorldError(
                f"The deployment did not end within {DEPLOY_SECONDS_MAX:.0f} s: see {self._log}."
            ) from None
        self._processes.forget(self._process.pid)
        said = self._log.read_text(errors="replace")
        if status:
            last = "\n  ".join(said.splitlines()[-_LAST_LINES:])
            raise WorldError(
                f"The deployment failed; all that it said is in {self._log}, which ends with:\n  "
                f"{last}"
            )


def copy_app(checkout: Path) -> None:
    """Copy what is deployed of this checkout, and nothing that an earlier deployment left."""
    checkout.mkdir(parents=True)
    for name in PARTS:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=NOT_PACKAGED)
        else:
            shutil.copy(source, checkout / name)


def _fill_in(
    config_file: Path, settings: Mapping[str, str], network: Mapping[str, list[str]]
) -> None:
    config = json.loads(config_file.read_text())
    stage = config["stages"][STAGE]
    stage["environment_variables"].update(settings)
    stage.setdefault("lambda_functions", {})["setup-db-users"] = dict(network)
    config_file.write_text(json.dumps(config, indent=2))


def _environment(endpoint: str) -> dict[str, str]:
    """Point everything at this machine: no real account may be reached from here."""
    return {
        **without_aws(os.environ),
        **local_environment(endpoint, TARGET_REGION),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
