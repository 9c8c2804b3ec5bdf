"""The app, deployed into localaws by the real `chalice deploy`, from a copy: the checkout stays as it is."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STAGE = "local"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}  # localaws takes any
LAST_LINES = 15


class DeploymentError(Exception):
    """`chalice deploy` did not succeed; the text ends with what it said."""


class Deployment:
    """One `chalice deploy --stage local`, under way in a process of its own."""

    def __init__(self, folder: Path, endpoint: str, region: str, variables: Mapping[str, str]) -> None:
        """Begin; `variables` are added to the stage's environment, for what only this world knows."""
        self._log = folder / "deploy.log"
        project = folder / "project"
        _copy_app(project)
        _add_variables(project / ".chalice" / "config.json", variables)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("chalice")), "deploy", "--stage", STAGE], cwd=project,
                env=_environment(endpoint, region), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait for the end; raises DeploymentError. A missing wheel is only a warning to Chalice, and an error here."""
        status = self._process.wait()
        said = self._log.read_text()
        if status or "Could not install dependencies" in said:
            lines = "\n  ".join(said.splitlines()[-LAST_LINES:])
            raise DeploymentError(f"chalice deploy ended with status {status}. It said:\n  {lines}")

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _copy_app(project: Path) -> None:
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    for name in ("app.py", "requirements.txt"):
        shutil.copy(CHECKOUT / name, project)
    unwanted = shutil.ignore_patterns("__pycache__", "deployed", "deployments")
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(CHECKOUT / name, project / name, ignore=unwanted)


def _add_variables(config: Path, variables: Mapping[str, str]) -> None:
    content = json.loads(config.read_text())
    content["stages"][STAGE]["environment_variables"].update(variables)
    config.write_text(json.dumps(content, indent=2))


def _environment(endpoint: str, region: str) -> dict[str, str]:
    """Give what chalice and its pip need: the endpoint, and wheels in place of a network when they were fetched."""
    wheels = CHECKOUT / ".wheels"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels.is_dir() else {}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    pip = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**inherited, **CREDENTIALS, **pip, **offline, "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": region}
