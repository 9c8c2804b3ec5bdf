"""What Chalice believes to be deployed, read off the account itself.

Chalice keeps that in a file of the machine it ran on, writes it only when all went well, and
without it forgets to take away functions that are gone from the app, and everything on `chalice
delete`. The account knows better. So the file is written anew before every run, and none has to be
kept or passed on.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora_restore.deployment import invoke_config
from aurora_restore.deployment.account import Account
from aurora_restore.deployment.stacks import command
from aurora_restore.documents import statements_of
from aurora_restore.findings import Finding, failed
from aurora_restore.stages import APP, FUNCTIONS, Stage

CHALICE_TAG: Final = "aws-chalice"  # on every function that Chalice makes: version=…:stage=…:app=…
STACK_TAG: Final = (
    "aws:cloudformation:stack-name"  # on every one that a stack made, also from Chalice's template
)
UNOWNED: Final = ""
LAMBDA: Final = "lambda.amazonaws.com"
LOGS: Final = "/aws/lambda/"
Role = Mapping[str, Any]  # as ListRoles gives it
NOT_OURS_ADVICE: Final = "Remove or rename it if it is yours; else name the stage otherwise."


@dataclass(frozen=True)
class DeployedResources:
    """What bears the names that Chalice gives."""

    ours: list[dict[str, str]]
    """In the words of Chalice's file."""
    of_stacks: list[Finding]
    """Functions of ours that a pipeline made by a stack."""
    others: list[Finding]
    """What somebody else made."""


def write(stage: Stage, project: Path, ours: list[dict[str, str]]) -> None:
    """Write `.chalice/deployed/<stage>.json` of a project as Chalice would have."""
    file = project / ".chalice" / "deployed" / f"{stage.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"resources": ours, "schema_version": "2.0", "backend": "api"}, indent=2)
    )


def keep_expiring(account: Account, stage: Stage, ours: list[dict[str, str]]) -> None:
    """Let the logs of functions that left the app expire: Chalice takes their retention away, and they would stay."""
    days = stage.config.get("log_retention_in_days")
    groups = {
        one["name"].removesuffix("-log-group"): one
        for one in ours
        if one["resource_type"] == "log_group"
    }
    for name in groups.keys() - set(FUNCTIONS) if days else ():
        account.clients("logs", stage.region).put_retention_policy(
            logGroupName=groups[name]["log_group_name"], retentionInDays=days
        )


def make_log_groups(account: Account, stage: Stage) -> None:
    """Make the log groups that are not there yet.

    Chalice would not where somebody has one whose name begins with that of ours: it takes that for
    ours.
    """
    logs = account.clients("logs", stage.region)
    for function in FUNCTIONS:
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=f"{LOGS}{stage.function(function)}")


def roles_of(account: Account, stage: Stage) -> list[Role]:
    """List the roles of an account, all of them: they may be thousands."""
    return list(_pages(account, "iam", stage.region, "list_roles", "Roles"))


def discover(account: Account, stage: Stage, roles_there: Sequence[Role]) -> DeployedResources:
    """Tell what Chalice made for this stage of this app from what somebody else did.

    Roles, log groups, functions and rules in the order in which Chalice makes them; it deletes
    backwards. Each is looked for by itself, for a deployment or a deletion may have ended half-way.
    """
    functions = dict(_functions(account, stage))
    others = {
        name: owner
        for name, one in functions.items()
        if (owner := _other_owner(account, stage, one)) is not None
    }
    deployed = {name: one for name, one in functions.items() if name not in others}
    gone = _orphaned_roles(account, stage, roles_there)
    names = {
        stage.function(name): name for name in (*FUNCTIONS, *deployed, *gone) if name not in others
    }
    found = [
        *_roles(account, stage, names, roles_there),
        *_log_groups(account, stage, names),
        *(
            {"name": name, "resource_type": "lambda_function", "lambda_arn": one["FunctionArn"]}
            for name, one in deployed.items()
        ),
        *_rules(account, stage, names),
    ]
    functions_of_others = [
        _of_nobody(stage, functions[name])
        for name, owner in others.items()
        if name in FUNCTIONS and owner == UNOWNED
    ]
    return DeployedResources(
        [one for one in found if not isinstance(one, Finding)],
        [
            _of_stack(stage, name, owner)
            for name, owner in others.items()
            if name in FUNCTIONS and owner != UNOWNED
        ],
        [*functions_of_others, *(one for one in found if isinstance(one, Finding))],
    )


def deployed_regions(account: Account, stage: Stage, ours: list[dict[str, str]]) -> set[str]:
    """Give the regions that the policies of the stage's roles are about: roles are the whole account's."""
    iam, regions = account.clients("iam", stage.region), set()
    for name in roles(ours):
        regions |= {
            region
            for policy in _policies(iam, name)
            for region in _queue(account, stage).findall(policy)
        }
    return regions


def _queue(account: Account, stage: Stage) -> re.Pattern[str]:
    """Find the region of the stage's failure queue in a policy: every function of ours may write there."""
    return re.compile(rf'"arn:[a-z-]+:sqs:([a-z0-9-]+):{account.number}:{stage.failure_queue}"')


def _orphaned_roles(account: Account, stage: Stage, roles_there: Sequence[Role]) -> set[str]:
    """Name what left the app, and whose function was deleted before its role: Chalice deletes in this order."""
    iam, prefix, found = account.clients("iam", stage.region), stage.function(""), set()
    for role in roles_there:
        name = role["RoleName"].removeprefix(prefix)
        if name == role["RoleName"] or name in FUNCTIONS or not _is_for_lambda(role):
            continue
        if iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"] != [role["RoleName"]]:
            continue
        if any(
            stage.region in _queue(account, stage).findall(one)
            for one in _policies(iam, role["RoleName"])
        ):
            found.add(name)
    return found


def _is_for_lambda(role: Role) -> bool:
    return [one.get("Principal") for one in statements_of(role["AssumeRolePolicyDocument"])] == [
        {"Service": LAMBDA}
    ]


@dataclass(frozen=True)
class Forwarding:
    """That events of one region go to another."""

    source: str
    home: str


def forwardings(
    account: Account, stage: Stage, roles_there: Sequence[Role]
) -> Iterator[Forwarding]:
    """Read off the roles of the stage's forwarding stacks, in whatever regions these are, where they are.

    One that forwards to another account is of a stage there.
    """
    iam = account.clients("iam", stage.region)
    rule = re.compile(
        rf'"arn:[a-z-]+:events:([a-z0-9-]+):{account.number}:rule/{stage.forwarding_rule}"'
    )
    bus = re.compile(rf'"arn:[a-z-]+:events:([a-z0-9-]+):{account.number}:event-bus/default"')
    for role in roles_there:
        for source in rule.findall(json.dumps(role["AssumeRolePolicyDocument"])):
            for home in bus.findall("".join(_policies(iam, role["RoleName"]))):
                yield Forwarding(source, home)


def _policies(iam: Any, role: str) -> Iterator[str]:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield json.dumps(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])


def roles(ours: list[dict[str, str]]) -> list[str]:
    """Name the roles among the resources that are ours."""
    return [one["role_name"] for one in ours if one["resource_type"] == "iam_role"]


Resource = dict[str, str] | Finding


def _functions(account: Account, stage: Stage) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the functions under the stage's names, by what follows in them.

    Also those that somebody else made.
    """
    prefix = stage.function("")
    for one in _pages(account, "lambda", stage.region, "list_functions", "Functions"):
        if one["FunctionName"].startswith(prefix):
            yield one["FunctionName"].removeprefix(prefix), one


def _other_owner(account: Account, stage: Stage, function: dict[str, Any]) -> str | None:
    """Name the stack that made a function, or UNOWNED.

    None for Chalice, for this stage of this app.

    Users have functions of their own beside ours, and a pipeline makes ours by a stack.
    """
    tags = account.clients("lambda", stage.region).list_tags(Resource=function["FunctionArn"])[
        "Tags"
    ]
    if STACK_TAG in tags:
        return str(tags[STACK_TAG])
    parts = str(tags.get(CHALICE_TAG, "")).split(":")
    return None if f"app={APP}" in parts and f"stage={stage.name}" in parts else UNOWNED


def _of_nobody(stage: Stage, function: Mapping[str, Any]) -> Finding:
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
        f"Go on by that stack, or delete it first: {command('delete-stack', stack, stage.region)}",
        name="functions",
    )


def _roles(
    account: Account, stage: Stage, names: Mapping[str, str], roles_there: Sequence[Role]
) -> Iterator[Resource]:
    """Take a role for ours if it trusts Lambda alone and has no policy but the one that Chalice gave it."""
    iam = account.clients("iam", stage.region)
    for role in roles_there:
        name = role["RoleName"]
        if name not in names:
            continue
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        surplus = [one for one in policies if one != name]
        if not _is_for_lambda(role):
            yield failed(
                f"The role {name} is not for Lambda alone, so somebody else made it.",
                NOT_OURS_ADVICE,
                name="roles",
            )
        elif not policies and iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            yield failed(
                f"The role {name} has attached policies only, so somebody else made it.",
                NOT_OURS_ADVICE,
                name="roles",
            )
        elif surplus:
            yield failed(
                f"The role {name} has the policy {surplus[0]}, which somebody else put there.",
                f"If the role is ours: aws iam delete-role-policy --role-name {name} --policy-name "
                f"{surplus[0]}",
                name="roles",
            )
        else:
            known = {"role_arn": role["Arn"], "role_name": name}
            yield {"name": f"{names[name]}_role", "resource_type": "iam_role", **known}


def _log_groups(account: Account, stage: Stage, names: Mapping[str, str]) -> Iterator[Resource]:
    prefix = f"{LOGS}{stage.function('')}"
    for group in _pages(
        account, "logs", stage.region, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
    ):
        if name := names.get(group["logGroupName"].removeprefix(LOGS)):
            yield {
                "name": f"{name}-log-group",
                "resource_type": "log_group",
                "log_group_name": group["logGroupName"],
            }


def _rules(account: Account, stage: Stage, names: Mapping[str, str]) -> Iterator[Resource]:
    """Take a rule for ours if it wakes nothing but its function, or nothing yet and listens to what wakes that."""
    for rule in _pages(
        account, "events", stage.region, "list_rules", "Rules", NamePrefix=stage.function("")
    ):
        function = rule["Name"].removesuffix("-event")
        if function == rule["Name"] or function not in names:
            continue
        targets = account.clients("events", stage.region).list_targets_by_rule(Rule=rule["Name"])[
            "Targets"
        ]
        ours = (
            invoke_config.TARGET_ID,
            account.arn("lambda", stage.region, f"function:{function}"),
        )
        others = [
            f"{one['Id']} ({one['Arn']})" for one in targets if (one["Id"], one["Arn"]) != ours
        ]
        if (
            not targets
            and names[function] in FUNCTIONS
            and not invoke_config.matches_choreography(stage, names[function], rule)
        ):
            yield failed(
                f"The rule {rule['Name']} listens to what no function here is woken by.",
                NOT_OURS_ADVICE,
                name="rules",
            )
        elif others:
            yield failed(
                f"The rule {rule['Name']} has a target of somebody's: {', '.join(sorted(others))}.",
                NOT_OURS_ADVICE,
                name="rules",
            )
        else:
            yield {
                "name": f"{names[function]}-event",
                "resource_type": "cloudwatch_event",
                "rule_name": rule["Name"],
            }


def _pages(
    account: Account, service: str, region: str, method: str, member: str, **asked: str
) -> Iterator[dict[str, Any]]:
    client = account.clients(service, region)
    if client.can_paginate(method):
        for page in client.get_paginator(method).paginate(**asked):
            yield from page[member]
    else:
        yield from getattr(client, method)(**asked)[member]
