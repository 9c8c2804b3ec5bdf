"""The Chalice project that is deployed: the package, with the stage's environment and policies filled in."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from console.stages import DEPLOYMENT_ONLY, Stage

PARTS: Final = ("app.py", "chalicelib", ".chalice", "requirements.txt")
NOT_COPIED: Final = shutil.ignore_patterns("__pycache__", "deployed", "deployments")


def copy(checkout: Path, folder: Path) -> Path:
    """Copy what Chalice needs of a checkout; returns the project."""
    for name in PARTS:
        source = checkout / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, folder / name)
    return folder


def build(stage: Stage, checkout: Path) -> Path:
    folder = checkout / ".build" / stage.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return copy(checkout, folder)


def fill(project: Path, stage: Stage, account: object, topic_arn: str) -> None:
    fill_environment(project, stage, topic_arn)


def fill_environment(project: Path, stage: Stage, topic_arn: str) -> None:
    """Give the functions every setting of the stage, and none that only its deployment reads."""
    file = project / ".chalice" / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    given = {"SNS_TOPIC_ARN": topic_arn} | stage.variables
    config["environment_variables"] = {}
    environment = {name: value for name, value in given.items() if name not in DEPLOYMENT_ONLY}
    config["stages"] = {stage.name: {**config["stages"][stage.name], "environment_variables": environment}}
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")


def fill_policies(project: Path, policies: Mapping[str, object]) -> None:
    """Write each function's policy, by its name."""
    for function, policy in policies.items():
        (project / ".chalice" / f"policy-{function}.json").write_text(json.dumps(policy, indent=2), encoding="utf-8")
