"""The same deployment as one SAM template for pipelines: `chalice package`, with what it lacks.

Needs no credentials: the account is the stage's ACCOUNT_ID. The stacks under `infra/` are deployed
beside it, with the parameters that are written beside the template.
"""

import json
from pathlib import Path
from typing import Any, Final

from aurora_restore.account.reading_clients import new_session
from aurora_restore.deployment import chalice, invoke_config, project, stack_parameters
from aurora_restore.stages import FUNCTIONS, Stage

MERGED: Final = "resources.json"


def merge_template(stage: Stage, queue_arn: str, policies: Path) -> dict[str, Any]:
    """Give what `--merge-template` adds: the names of `chalice deploy`, and what it cannot set."""
    resources: dict[str, Any] = {}
    role_tags = invoke_config.role_tags(stage, stage.variables["ACCOUNT_ID"])
    for function in FUNCTIONS:
        logical, name = logical_id(function), stage.function(function)
        policy = json.loads((policies / f"policy-{function}.json").read_text(encoding="utf-8"))
        role = {"RoleName": name, "Policies": [{"PolicyName": name, "PolicyDocument": policy}]}
        resources |= {
            logical: {"Properties": _function(stage, function, logical, queue_arn)},
            f"{logical}Role": {"Properties": {**role, "Tags": role_tags}},
            f"{logical}LogGroup": {"Properties": {"Tags": invoke_config.tags(stage, "Logging")}},
        }
    return {"Resources": resources}


def logical_id(function: str) -> str:
    """Spell a function's name as Chalice does in templates."""
    return "".join(part.capitalize() for part in function.split("-"))


def _function(stage: Stage, function: str, logical: str, queue_arn: str) -> dict[str, Any]:
    target = invoke_config.target(function, "", queue_arn)
    invocation = invoke_config.invocation(function, queue_arn)
    invocation["DestinationConfig"] = {"OnFailure": {"Type": "SQS", "Destination": queue_arn}}
    settings = {
        "RetryPolicy": target["RetryPolicy"],
        "DeadLetterConfig": target["DeadLetterConfig"],
    }
    rule = {"Name" if function == "heartbeat" else "RuleName": stage.rule(function)}
    kind = {"Type": "Schedule" if function == "heartbeat" else "EventBridgeRule"}
    return {
        "FunctionName": stage.function(function),
        "EventInvokeConfig": invocation,
        "Events": {f"{logical}Event": {**kind, "Properties": {**rule, **settings}}},
    }


def _partition_of(region: str) -> str:
    """Name the part of AWS that a region is in, without signing in."""
    return str(new_session().get_partition_for_region(region))


def package(stage: Stage, built: Path) -> Path:
    """Have Chalice write `sam.json` and `deployment.zip`; returns their folder.

    Raises DeploymentError.

    Beside them `<template>.parameters` are written for each template of `infra/`, for
    `--parameter-overrides`.
    """
    account, partition = stage.variables["ACCOUNT_ID"], _partition_of(stage.region)
    project.fill(built, stage, account=account, partition=partition, parameters={})
    queue = f"arn:{partition}:sqs:{stage.region}:{account}:{stage.failure_queue}"
    (built / MERGED).write_text(
        json.dumps(merge_template(stage, queue, built / ".chalice"), indent=2), encoding="utf-8"
    )
    out = built / "sam"
    options = ("--merge-template", MERGED, str(out))
    chalice.run("package", stage.name, built, stage.region, lambda _line: None, *options)
    for template, parameters in (
        ("records", stack_parameters.records_parameters(stage)),
        ("foundation", stack_parameters.foundation_parameters(stage)),
        ("forwarding", stack_parameters.forwarding_parameters(stage, stage.source_region)),
    ):
        written = "".join(f"{name}={value}\n" for name, value in parameters.items() if value)
        (out / f"{template}.parameters").write_text(written, encoding="utf-8")
    return out
