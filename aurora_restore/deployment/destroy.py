"""How a stage leaves its account: everything but what was recorded, and the secrets."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aurora_restore.deployment import chalice, chalice_state, config_checks, preflight, stacks
from aurora_restore.deployment.account import Account, error_code, sign_in
from aurora_restore.deployment.account_state import AccountState
from aurora_restore.deployment.changes import Action, Change, deletions
from aurora_restore.deployment.confirmation import Confirm
from aurora_restore.deployment.errors import DeploymentError, NotReadyError
from aurora_restore.deployment.stacks import Stack
from aurora_restore.findings import Finding, failed, failures
from aurora_restore.stages import Stage
from chalicelib.flow.limits import counted

Output = Callable[[str], None]


def destroy(
    stage: Stage, checkout: Path, output: Output, confirm: Confirm, *, force: bool = False
) -> None:
    """Take the stage out of its account.

    Raises NotReadyError before anything is changed, or DeploymentError.

    `force` leaves operations that are under way where they stand, functions that may be somebody's,
    and regions that nobody can look into. What is not there is passed over, so that a removal that
    ended half-way can be repeated.
    """
    state = _ready(stage, force=force)
    account, held, removable = state.account, state.deployed, state.stacks_to_delete
    place = f"{account.number}, {stage.region}"
    changes = [*deletions(held.ours), *map(_deletion_of, removable)]
    for foreign in held.others:
        output(f"Left alone: {foreign.what}")
    if changes:
        output(f"Deleting the stage {stage.name} from the account {place}:")
        for change in changes:
            output(str(change))
        confirm("Delete")
    else:
        output(
            f"Nothing is left to delete: the account {place} has no functions, roles, rules or "
            f"stacks of {stage.name}."
        )
    with tempfile.TemporaryDirectory() as folder:
        copied = _copied(checkout, Path(folder))
        chalice_state.write(stage, copied, held.ours)
        if held.ours:
            chalice.run("delete", stage.name, copied, stage.region, output)
        _delete_log_groups(account, stage, held.ours, output)
    for stack in removable:
        _empty_bucket(account, stack)
        stacks.delete(account, stack)
        output(f"The stack {stack.name} in {stack.region} is gone.")
    if state.stack(stage.records_stack, stage.region):
        output(
            f"Kept: the stack {stage.records_stack} with the operations, their trail and the "
            "secrets, for the next deployment. docs/runbook.md (Leaving) says how to delete that, "
            "too."
        )


def _deletion_of(stack: Stack) -> Change:
    return Change(Action.DELETE, "stack", f"{stack.name} in {stack.region}")


def _copied(checkout: Path, project: Path) -> Path:
    """Copy the app, which Chalice reads even to delete it.

    What Chalice remembers there is not copied.
    """
    for name in (".chalice", "chalicelib"):
        shutil.copytree(
            checkout / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "deploy*")
        )
    shutil.copyfile(checkout / "app.py", project / "app.py")
    return project


def _ready(stage: Stage, *, force: bool) -> AccountState:
    if not stage.region:
        raise DeploymentError(
            f"TARGET_REGION of stage {stage.name} is not set, so nobody knows where it lives."
        )
    state = AccountState(sign_in(stage.region), stage)
    findings = [*config_checks.account_given(stage), *failures(preflight.check_account(state))]
    if findings:
        raise NotReadyError(findings)
    findings = [
        *state.deployed.of_stacks,
        *preflight.check_region(state),
        *preflight.attached_policies(state, chalice_state.roles(state.deployed.ours)),
        *preflight.check_deletable(state.stacks_to_delete),
    ]
    if not force:
        findings += [
            replace(one, do=f"{one.do} FORCE=1 passes over this.") for one in _to_be_left(state)
        ]
    if findings:
        raise NotReadyError(findings)
    return state


def _to_be_left(state: AccountState) -> Iterator[Finding]:
    """Find what would be left behind half-way."""
    yield from preflight.unreadable_regions(state, state.unreadable_regions)
    if state.deployed.ours:  # such a function would go on, without what is around it
        yield from (one for one in state.deployed.others if one.name == "functions")
    if names := sorted(_open_operations(state.account, state.stage)):
        yield failed(
            f"Under way: {', '.join(names)}. Without the functions they would stand still "
            "half-way.",
            "Wait for their end or cancel them.",
            name="operations",
        )


def _open_operations(account: Account, stage: Stage) -> Iterator[str]:
    asked: dict[str, Any] = {
        "TableName": stage.state_table,
        "IndexName": "open-by-due",
        "KeyConditionExpression": "#open = :yes",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": {":yes": {"S": "yes"}},
    }
    try:
        for page in (
            account.clients("dynamodb", stage.region).get_paginator("query").paginate(**asked)
        ):
            yield from (item["operation_id"]["S"] for item in page["Items"])
    except ClientError as error:
        if (
            error_code(error) != "ResourceNotFoundException"
        ):  # there is no table, so there are no operations
            raise


def _delete_log_groups(
    account: Account, stage: Stage, resources: list[dict[str, str]], output: Output
) -> None:
    """Delete the functions' logs: `chalice delete` only takes their retention away, and they would stay for ever."""
    logs = account.clients("logs", stage.region)
    names = [one["log_group_name"] for one in resources if one["resource_type"] == "log_group"]
    for name in names:
        logs.delete_log_group(logGroupName=name)
    if names:
        output(f"Deleted: {counted(len(names), 'log group')}.")


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:
    try:
        yield from s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:  # somebody deleted it already
        return


def _empty_bucket(account: Account, stack: Stack) -> None:
    """Empty the bucket of packages, if a stack has it: CloudFormation deletes no bucket that holds something."""
    name = stack.resources.get("Deployment")
    if not name:
        return
    s3 = account.clients("s3", stack.region)
    for page in _versions(s3, name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            left = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True}).get(
                "Errors", []
            )
            if left:
                raise DeploymentError(
                    f"{left[0]['Key']} of the bucket {name} cannot be deleted: "
                    f"{left[0]['Message']}."
                )
