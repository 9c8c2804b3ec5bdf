"""What Chalice has deployed, read off the account.

Chalice keeps that in a file of the machine it ran on, writes it only when all went well, and
without it forgets to delete functions that have left the app, and everything on `chalice delete`.
The account knows better, so the file is written anew before every run, and none has to be kept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora_restore.account.identity import Account
from aurora_restore.account.stack import stack_command
from aurora_restore.account.state import AccountState
from aurora_restore.deployment import invoke_config
from aurora_restore.deployment.home import is_for_lambda, policy_regions
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed
from aurora_restore.stages import APP, FUNCTIONS, NOT_OURS_ADVICE, Stage

CHALICE_TAG: Final = "aws-chalice"  # on every function that Chalice makes: version=…:stage=…:app=…
STACK_TAG: Final = "aws:cloudformation:stack-name"  # on every function that a stack made
UNOWNED: Final = ""
LOGS: Final = "/aws/lambda/"
Resource = dict[str, str]
"""In the words of Chalice's file."""


@dataclass(frozen=True)
class DeployedResources:
    """What has the names that Chalice gives."""

    resources: list[Resource]
    """The stage's own."""
    of_stacks: list[Finding]
    """Functions of ours that a pipeline made by a stack."""
    foreign: list[Finding]
    """What somebody else made."""


def write(stage: Stage, project: Path, resources: list[Resource]) -> None:
    """Write `.chalice/deployed/<stage>.json` of a project as Chalice would have."""
    file = project / ".chalice" / "deployed" / f"{stage.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"resources": resources, "schema_version": "2.0", "backend": "api"}
    file.write_text(json.dumps(document, indent=2))


def keep_expiring(account: Account, stage: Stage, resources: list[Resource]) -> None:
    """Let the logs of functions that left the app expire: Chalice removes their retention."""
    days = stage.config.get("log_retention_in_days")
    groups = {
        resource["name"].removesuffix("-log-group"): resource["log_group_name"]
        for resource in resources
        if resource["resource_type"] == "log_group"
    }
    for function in groups.keys() - set(FUNCTIONS) if days else ():
        account.clients("logs", stage.region).put_retention_policy(
            logGroupName=groups[function], retentionInDays=days
        )


def make_log_groups(account: Account, stage: Stage) -> None:
    """Create the log groups that are not there yet.

    Chalice would not where another log group's name begins with that of ours: it takes that for
    ours.
    """
    logs = account.clients("logs", stage.region)
    for function in FUNCTIONS:
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=f"{LOGS}{stage.function(function)}")


def roles(resources: list[Resource]) -> list[str]:
    """Name the roles among resources."""
    return [
        resource["role_name"] for resource in resources if resource["resource_type"] == "iam_role"
    ]


def discover(state: AccountState) -> DeployedResources:
    """Tell what Chalice made for this stage of this app from what somebody else did.

    Roles, log groups, functions and rules in the order in which Chalice makes them; it deletes
    backwards. Each is looked for by itself, for a deployment or a deletion may have ended half-way.
    """
    owners = {name: _owner(state, function) for name, function in state.functions.items()}
    foreign = {name: owner for name, owner in owners.items() if owner is not None}
    own = {name: state.functions[name] for name in owners if name not in foreign}
    names = {
        state.stage.function(name): name
        for name in (*FUNCTIONS, *own, *_orphaned_roles(state))
        if name not in foreign
    }
    found = [
        *_roles(state, names),
        *_log_groups(state, names),
        *(_function(name, function) for name, function in own.items()),
        *_rules(state, names),
    ]
    unowned = [name for name, owner in foreign.items() if name in FUNCTIONS and owner == UNOWNED]
    of_stacks = [(name, owner) for name, owner in foreign.items() if name in FUNCTIONS and owner]
    return DeployedResources(
        [resource for resource in found if not isinstance(resource, Finding)],
        [_of_stack(state.stage, name, owner) for name, owner in of_stacks],
        [
            *(_unowned(state.stage, state.functions[name]) for name in unowned),
            *(finding for finding in found if isinstance(finding, Finding)),
        ],
    )


def _orphaned_roles(state: AccountState) -> set[str]:
    """Name what left the app, whose function Chalice deleted and whose role it did not yet.

    Such a role will be deleted, and anybody may tag one of their own: its policy has to be ours.
    """
    prefix, found = state.stage.function(""), set()
    for role in state.roles:
        name, function = role["RoleName"], role["RoleName"].removeprefix(prefix)
        if name == function or function in FUNCTIONS or not is_for_lambda(role):
            continue
        if state.role_policies(name) == [name] and state.stage.region in policy_regions(
            state, name
        ):
            found.add(function)
    return found


def _owner(state: AccountState, function: Described) -> str | None:
    """Name the stack that made a function, or UNOWNED; None if Chalice made it for this stage.

    Users have functions of their own beside ours, and a pipeline makes ours by a stack.
    """
    tags = state.service("lambda").call("list_tags", Resource=function["FunctionArn"])["Tags"]
    if STACK_TAG in tags:
        return str(tags[STACK_TAG])
    parts = str(tags.get(CHALICE_TAG, "")).split(":")
    return None if f"app={APP}" in parts and f"stage={state.stage.name}" in parts else UNOWNED


def _unowned(stage: Stage, function: Described) -> Finding:
    return failed(
        f"The function {function['FunctionName']} was not made by Chalice for this app, or lost "
        "the tag that says so.",
        f"{NOT_OURS_ADVICE} If it is this stage's: aws lambda tag-resource --region {stage.region} "
        f"--resource {function['FunctionArn']} --tags '{CHALICE_TAG}=stage={stage.name}:app={APP}'",
        name="functions",
    )


def _of_stack(stage: Stage, function: str, stack: str) -> Finding:
    return failed(
        f"The function {stage.function(function)} belongs to the CloudFormation stack {stack}.",
        "Go on by that stack, or delete it first: "
        f"{stack_command('delete-stack', stack, stage.region)}",
        name="functions",
    )


def _function(name: str, function: Described) -> Resource:
    arn = str(function["FunctionArn"])
    return {"name": name, "resource_type": "lambda_function", "lambda_arn": arn}


def _roles(state: AccountState, names: Mapping[str, str]) -> Iterator[Resource | Finding]:
    """Take a role for ours if it trusts Lambda alone and has no policy but Chalice's."""
    for role in state.roles:
        name = role["RoleName"]
        if name in names:
            policies = state.role_policies(name)
            yield _foreign_role(state, role, policies) or {
                "name": f"{names[name]}_role",
                "resource_type": "iam_role",
                "role_arn": role["Arn"],
                "role_name": name,
            }


def _foreign_role(state: AccountState, role: Described, policies: Sequence[str]) -> Finding | None:
    name = role["RoleName"]
    if not is_for_lambda(role):
        what = f"The role {name} is not for Lambda alone, so somebody else made it."
        return failed(what, NOT_OURS_ADVICE, name="roles")
    if not policies and state.attached_policies(name):
        what = f"The role {name} has attached policies only, so somebody else made it."
        return failed(what, NOT_OURS_ADVICE, name="roles")
    surplus = [policy for policy in policies if policy != name]
    if not surplus:
        return None
    return failed(
        f"The role {name} has the policy {surplus[0]}, which somebody else put there.",
        f"If the role is ours: aws iam delete-role-policy --role-name {name} --policy-name "
        f"{surplus[0]}",
        name="roles",
    )


def _log_groups(state: AccountState, names: Mapping[str, str]) -> Iterator[Resource]:
    for group in state.log_groups:
        name = group["logGroupName"]
        if function := names.get(name.removeprefix(LOGS)):
            yield {
                "name": f"{function}-log-group",
                "resource_type": "log_group",
                "log_group_name": name,
            }


def _rules(state: AccountState, names: Mapping[str, str]) -> Iterator[Resource | Finding]:
    for rule in state.rules_by_name.values():
        function = rule["Name"].removesuffix("-event")
        if function != rule["Name"] and function in names:
            yield _foreign_rule(state, rule, function, names[function]) or {
                "name": f"{names[function]}-event",
                "resource_type": "cloudwatch_event",
                "rule_name": rule["Name"],
            }


def _foreign_rule(state: AccountState, rule: Described, function: str, name: str) -> Finding | None:
    """Take a rule for ours if its one target is its function, or it has none and the pattern."""
    targets = state.rule_targets(rule["Name"])
    own = (invoke_config.TARGET_ID, state.arn("lambda", f"function:{function}"))
    others = [_target_of(target) for target in targets if (target["Id"], target["Arn"]) != own]
    if others:
        what = f"The rule {rule['Name']} has a target of somebody's: {', '.join(sorted(others))}."
        return failed(what, NOT_OURS_ADVICE, name="rules")
    if targets or name not in FUNCTIONS:
        return None
    if invoke_config.matches_choreography(state.stage, name, rule):
        return None
    what = f"The rule {rule['Name']} has an event pattern that no function here has."
    return failed(what, NOT_OURS_ADVICE, name="rules")


def _target_of(target: Mapping[str, Any]) -> str:
    return f"{target['Id']} ({target['Arn']})"
