"""The Chalice project that is deployed: the package, the stage's environment and policies."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aurora_restore import policies
from aurora_restore.deployment.errors import DeploymentError
from aurora_restore.deployment.function_config import environment
from aurora_restore.packaging import building
from aurora_restore.packaging.building import Built
from aurora_restore.packaging.errors import PackageError
from aurora_restore.stages import CHECKOUT, FUNCTIONS, Stage
from chalicelib.flow.errors import SettingsError

# Lambda sends a function's segments with its role, and Chalice adds no right to do so. Both actions
# know no resources (service authorization reference, AWS X-Ray).
TRACING: Final = {
    "Sid": "Tracing",
    "Effect": "Allow",
    "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    "Resource": "*",
}


def build(stage: Stage, checkout: Path) -> Built:
    """Make the package of a checkout's app for a stage.

    Raises DeploymentError.
    """
    wheels = CHECKOUT / building.WHEELS
    try:
        folder = checkout / ".build" / stage.name
        return building.build(
            stage, folder, checkout=checkout, wheels=wheels if wheels.is_dir() else None
        )
    except PackageError as error:
        raise DeploymentError(str(error)) from error


def functions_of(checkout: Path) -> set[str]:
    """Name the functions of `app.py`, each as its decorator does, or else as it is called there."""
    app = ast.parse((checkout / "app.py").read_text(encoding="utf-8"))
    functions = [statement for statement in app.body if isinstance(statement, ast.FunctionDef)]
    return {
        _given_name(decorator) or function.name
        for function in functions
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
    }


def _given_name(decorator: ast.Call) -> str | None:
    for keyword in decorator.keywords:
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def fill(
    project: Path, stage: Stage, *, account: str, partition: str, parameters: Mapping[str, str]
) -> None:
    """Fill in what the functions are given and may do.

    `parameters` are the stage's in SSM, below its path.

    Raises DeploymentError for settings or a policy that cannot be made of them.
    """
    settings = project / ".chalice"
    topic = stage.topic_arn(account, partition)
    _fill_config(settings / "config.json", stage, topic, stage.home_tags(account))
    try:
        filled = policies_of(
            stage, settings, account=account, partition=partition, parameters=parameters
        )
    except (SettingsError, policies.TemplateError) as error:
        raise DeploymentError(f"{error} No function was changed.") from error
    for function, policy in filled.items():
        (settings / f"policy-{function}.json").write_text(
            json.dumps(policy, indent=2), encoding="utf-8"
        )


def policies_of(
    stage: Stage, folder: Path, *, account: str, partition: str, parameters: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Fill in the policy of each function, from the templates in a folder.

    `parameters` are the stage's in SSM.

    Raises SettingsError and TemplateError.
    """
    given = {"sns-topic-arn": stage.topic_arn(account, partition), **parameters}
    plans = policies.plans_of(stage, given, account=account, partition=partition)
    values = policies.Values.of(stage, plans, account=account, partition=partition)
    filled = {function: policies.fill_policy(function, values, folder) for function in FUNCTIONS}
    for function, policy in filled.items():
        if stage.function_setting(function, "xray"):
            policy["Statement"].append(TRACING)
    return filled


def _fill_config(file: Path, stage: Stage, topic: str, tags: Mapping[str, str]) -> None:
    """Give the functions tags and the stage's settings, without the deployment's own."""
    config = json.loads(file.read_text(encoding="utf-8"))
    config["environment_variables"] = {}
    own = config["stages"][stage.name]
    own = {
        **own,
        "environment_variables": environment(stage, topic),
        "tags": {**own.get("tags", {}), **tags},
    }
    config["stages"] = {stage.name: own}
    file.write_text(json.dumps(config, indent=2), encoding="utf-8")
