"""How a stage leaves its account: everything but what was recorded, and the secrets."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from aurora_restore.account.identity import Account, NotSignedInError
from aurora_restore.account.reading_clients import changing_clients
from aurora_restore.account.stack import StackState
from aurora_restore.deployment import chalice, chalice_state, config_checks, preflight, stacks
from aurora_restore.deployment.chalice_state import Resource
from aurora_restore.deployment.changes import PlannedChange, deletions
from aurora_restore.deployment.confirmation import Confirm
from aurora_restore.deployment.deployment_plan import deletion_of
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.deployment.errors import (
    DeploymentError,
    NotReadyError,
    PlanOutdatedError,
    readings_that_fail,
)
from aurora_restore.findings import Finding, failed, failures
from aurora_restore.stages import Stage, variables_place
from chalicelib.aws.client import NotFoundError
from chalicelib.flow.text_limits import counted

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
    with readings_that_fail():
        state = _ready(stage, force=force)
        changes = _deletions(state)
    place = f"{state.account.number}, {stage.region}"
    if changes:
        output(f"Deleting the stage {stage.name} from the account {place}:")
    else:
        output(
            f"Nothing is left to delete: the account {place} has no functions, roles, rules or "
            f"stacks of {stage.name}."
        )
    for line in changes:
        output(str(line))
    for foreign in state.deployed.foreign:
        output(f"Left alone: {foreign.what}")
    if changes:
        if confirm("Delete"):
            state = _ready_still(state, changes, force=force)
        account = replace(state.account, clients=changing_clients())
        _delete_app(account, stage, checkout, state.deployed.resources, output)
        _delete_stacks(account, state.stacks_to_delete, output)
    if state.stack(stage.records_stack):
        output(
            f"Kept: the stack {stage.records_stack} with the operations, their trail and the "
            "secrets, for the next deployment. docs/runbook.md (Removing a stage) says how to "
            "delete that, too."
        )


def _deletions(state: DeploymentState) -> list[PlannedChange]:
    return [*deletions(state.deployed.resources), *map(deletion_of, state.stacks_to_delete)]


def _ready_still(
    shown: DeploymentState, changes: list[PlannedChange], *, force: bool
) -> DeploymentState:
    """Read and check the stage again after the answer, for which the question may have waited long.

    An operation may have begun meanwhile. Raises as `_ready` does, or PlanOutdatedError where
    something else would be deleted than was shown.
    """
    with readings_that_fail():
        state = _ready(shown.stage, force=force)
        same_account = state.account.number == shown.account.number
        if not same_account or sorted(map(str, changes)) != sorted(map(str, _deletions(state))):
            raise PlanOutdatedError
    return state


def _delete_app(
    account: Account, stage: Stage, checkout: Path, resources: list[Resource], output: Output
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copied = _copied(checkout, Path(folder))
        chalice_state.write(stage, copied, resources)
        if resources:
            chalice.run("delete", stage.name, copied, stage.region, output)
        _delete_log_groups(account, stage, resources, output)


def _delete_stacks(account: Account, stacks_to_delete: list[StackState], output: Output) -> None:
    for stack in stacks_to_delete:
        _empty_bucket(account, stack)
        stacks.delete(account, stack)
        output(f"The stack {stack.name} in {stack.region} is gone.")


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


def _ready(stage: Stage, *, force: bool) -> DeploymentState:
    if not stage.region:
        raise DeploymentError(
            f"TARGET_REGION of stage {stage.name} is not set, so it is not known where the stage "
            f"is deployed. Set it in {variables_place(stage)}."
        )
    try:
        state = DeploymentState(preflight.sign_in(stage), stage)
    except NotSignedInError as error:
        raise DeploymentError(str(error)) from error
    findings = [*config_checks.account_given(stage), *failures(preflight.check_account(state))]
    if findings:
        raise NotReadyError(findings)
    findings = [
        *state.deployed.of_stacks,
        *preflight.check_region(state),
        *preflight.attached_policies(state, chalice_state.roles(state.deployed.resources)),
        *preflight.check_deletable(state.stacks_to_delete),
    ]
    if not force:
        findings += [
            replace(each, do=f"{each.do} Set FORCE=1 to ignore this.")
            for each in _to_be_left(state)
        ]
    if findings:
        raise NotReadyError(findings)
    return state


def _to_be_left(state: DeploymentState) -> Iterator[Finding]:
    """Find what would be left behind half-way."""
    yield from preflight.unreadable_regions(state, state.unreadable_regions)
    if state.deployed.resources:  # such a function would go on, without what is around it
        yield from (each for each in state.deployed.foreign if each.name == "functions")
    if names := sorted(_open_operations(state)):
        yield failed(
            f"Under way: {', '.join(names)}. Without the functions they would never finish.",
            "Wait for their end or cancel them.",
            name="operations",
        )


def _open_operations(state: DeploymentState) -> Iterator[str]:
    try:
        pages = state.service("dynamodb").pages(
            "query",
            "Items",
            TableName=state.stage.state_table,
            IndexName="open-by-due",
            KeyConditionExpression="#open = :yes",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":yes": {"S": "yes"}},
        )
    except NotFoundError:  # there is no table, so there are no operations
        return
    yield from (item["operation_id"]["S"] for item in pages)


def _delete_log_groups(
    account: Account, stage: Stage, resources: list[dict[str, str]], output: Output
) -> None:
    """Delete the functions' logs: `chalice delete` only removes their retention."""
    logs = account.clients("logs", stage.region)
    names = [
        resource["log_group_name"]
        for resource in resources
        if resource["resource_type"] == "log_group"
    ]
    for name in names:
        logs.delete_log_group(logGroupName=name)
    if names:
        output(f"Deleted: {counted(len(names), 'log group')}.")


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:
    try:
        yield from s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:  # somebody deleted it already
        return


def _empty_bucket(account: Account, stack: StackState) -> None:
    """Empty the bucket of packages: CloudFormation deletes no bucket that holds something."""
    name = stack.physical_ids.get("Deployment")
    if not name:
        return
    s3 = account.clients("s3", stack.region)
    for page in _versions(s3, name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            left = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True}).get(
                "Errors", []
            )
            if left:
                raise DeploymentError(
                    f"{left[0]['Key']} of the bucket {name} cannot be deleted: "
                    f"{left[0]['Message']}."
                )
