"""What the settings of a function should be, and in what a deployed one differs."""

from collections.abc import Iterator, Mapping
from typing import Any

from aurora_restore.documents import Described
from aurora_restore.packaging.platforms import RUNTIME
from aurora_restore.stages import DEPLOYMENT_ONLY, Stage


def environment(stage: Stage, topic_arn: str) -> dict[str, str]:
    """Give the variables of every function: the stage's, without the deployment's own."""
    variables = {"SNS_TOPIC_ARN": topic_arn} | stage.variables
    return {name: value for name, value in variables.items() if name not in DEPLOYMENT_ONLY}


def differences(
    stage: Stage, name: str, function: Described, expected: Mapping[str, str]
) -> Iterator[str]:
    """Name the settings and variables in which a deployed function differs; no value is given.

    `expected` is its environment.
    """
    deployed = _deployed(function)
    for setting, value in _expected(stage, name).items():
        if deployed[setting] != value:
            yield setting
    variables = function.get("Environment", {}).get("Variables", {})
    for key in sorted({*variables, *expected}):
        if variables.get(key) != expected.get(key):
            yield f"the variable {key}"


def _deployed(function: Described) -> dict[str, Any]:
    vpc = function.get("VpcConfig", {})
    return {
        "handler": function.get("Handler"),
        "runtime": function.get("Runtime"),
        "lambda_architecture": function.get("Architectures", ["x86_64"]),
        "lambda_timeout": function.get("Timeout"),
        "lambda_memory_size": function.get("MemorySize"),
        "xray": function.get("TracingConfig", {}).get("Mode") == "Active",
        "subnet_ids": sorted(vpc.get("SubnetIds", [])),
        "security_group_ids": sorted(vpc.get("SecurityGroupIds", [])),
        "layers": [layer["Arn"] for layer in function.get("Layers", [])],
    }


def _expected(stage: Stage, name: str) -> dict[str, Any]:
    """Give what Chalice would set; it never updates a handler, nor switches X-Ray off."""

    def setting(key: str, otherwise: Any) -> Any:
        value = stage.function_setting(name, key)
        return otherwise if value is None else value

    return {
        "handler": f"app.{name.replace('-', '_')}",
        "runtime": RUNTIME,
        "lambda_architecture": [setting("lambda_architecture", "x86_64")],
        "lambda_timeout": setting("lambda_timeout", 60),
        "lambda_memory_size": setting("lambda_memory_size", 128),
        "xray": setting("xray", otherwise=False),
        "subnet_ids": sorted(setting("subnet_ids", [])),
        "security_group_ids": sorted(setting("security_group_ids", [])),
        "layers": setting("layers", []),
    }
