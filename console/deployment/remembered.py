"""What Chalice believes to be deployed, read off the account itself.

Chalice keeps that in a file of the machine it ran on, writes it only when all went well, and without it forgets to take
away functions that are gone from the app, and everything on `chalice delete`. The account knows better. So the file is
written anew before every run, and none has to be kept or passed on.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console.deployment.account import Account
from console.stages import APP, FUNCTIONS, Stage

CHALICE_TAG = "aws-chalice"  # on every function that Chalice makes: version=…:stage=…:app=…


def write(account: Account, stage: Stage, project: Path) -> list[dict[str, str]]:
    """Write `.chalice/deployed/<stage>.json` of a project as Chalice would have; returns the resources in it."""
    resources = list(_resources(account, stage))
    file = project / ".chalice" / "deployed" / f"{stage.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"resources": resources, "schema_version": "2.0", "backend": "api"}, indent=2))
    return resources


def keep_expiring(account: Account, stage: Stage, before: list[dict[str, str]]) -> None:
    """Let the logs of functions that left the app expire: Chalice takes their retention away, and they would stay."""
    days = stage.config.get("log_retention_in_days")
    groups = {one["name"].removesuffix("-log-group"): one for one in before if one["resource_type"] == "log_group"}
    for name in groups.keys() - set(FUNCTIONS) if days else ():
        account.clients("logs", stage.region).put_retention_policy(
            logGroupName=groups[name]["log_group_name"], retentionInDays=days
        )


def functions(account: Account, stage: Stage) -> dict[str, dict[str, Any]]:
    """List the functions under the stage's names, by what follows in them; also those that somebody else made."""
    pages = account.clients("lambda", stage.region).get_paginator("list_functions").paginate()
    prefix = stage.function("")
    found = (one for page in pages for one in page["Functions"] if one["FunctionName"].startswith(prefix))
    return {one["FunctionName"].removeprefix(prefix): one for one in found}


def is_ours(account: Account, stage: Stage, arn: str) -> bool:
    """Tell whether Chalice made a function for this stage of this app: users have functions of their own beside."""
    tags = account.clients("lambda", stage.region).list_tags(Resource=arn)["Tags"]
    parts = str(tags.get(CHALICE_TAG, "")).split(":")
    return f"app={APP}" in parts and f"stage={stage.name}" in parts


def _resources(account: Account, stage: Stage) -> Iterator[dict[str, str]]:
    """List roles, log groups, functions and rules in the order in which Chalice makes them; it deletes backwards.

    Each is looked for by itself, for a deployment or a deletion may have ended half-way.
    """
    deployed = {
        name: one for name, one in functions(account, stage).items() if is_ours(account, stage, one["FunctionArn"])
    }
    ours = {stage.function(name): name for name in (*FUNCTIONS, *deployed)}
    for role in _pages(account, "iam", stage.region, "list_roles", "Roles"):
        if name := ours.get(role["RoleName"]):
            known = {"role_arn": role["Arn"], "role_name": role["RoleName"]}
            yield {"name": f"{name}_role", "resource_type": "iam_role", **known}
    prefix = f"/aws/lambda/{stage.function('')}"
    for group in _pages(account, "logs", stage.region, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
        if name := ours.get(group["logGroupName"].removeprefix("/aws/lambda/")):
            yield {"name": f"{name}-log-group", "resource_type": "log_group", "log_group_name": group["logGroupName"]}
    for name, one in deployed.items():
        yield {"name": name, "resource_type": "lambda_function", "lambda_arn": one["FunctionArn"]}
    for rule in _pages(account, "events", stage.region, "list_rules", "Rules", NamePrefix=stage.function("")):
        if name := ours.get(rule["Name"].removesuffix("-event")):
            yield {"name": f"{name}-event", "resource_type": "cloudwatch_event", "rule_name": rule["Name"]}


def _pages(
    account: Account, service: str, region: str, method: str, member: str, **asked: str
) -> Iterator[dict[str, Any]]:
    client = account.clients(service, region)
    if client.can_paginate(method):
        for page in client.get_paginator(method).paginate(**asked):
            yield from page[member]
    else:
        yield from getattr(client, method)(**asked)[member]
