"""CloudFormation stacks: made or changed through change sets, deleted, and what they say when they do not succeed."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError, WaiterError

from aurora_restore.deployment.account import Account, error_code
from aurora_restore.deployment.errors import DeploymentError

NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
STAGE_PARAMETER: Final = "Stage"  # of every template of ours
ACCOUNT_PARAMETER: Final = "TargetAccount"  # of the one that forwards
_WAIT: Final = {
    "Delay": 5,
    "MaxAttempts": 240,
}  # 20 minutes: keys, tables and buckets take seconds to a few minutes
_CAPABILITIES: Final = ["CAPABILITY_NAMED_IAM"]
RECOVERY_COMMANDS: Final = {
    **dict.fromkeys(
        ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"),
        ("deleted", "delete-stack"),
    ),
    "UPDATE_FAILED": ("rolled back", "rollback-stack"),
    "UPDATE_ROLLBACK_FAILED": ("rolled back further", "continue-update-rollback"),
}
"""States in which a stack takes no update, and the command that leads out (CloudFormation user guide, status codes)."""


@dataclass(frozen=True)
class Stack:
    """One stack as it stands."""

    name: str
    region: str
    status: str
    is_protected: bool
    """Whether it refuses its deletion (EnableTerminationProtection)."""
    parameters: Mapping[str, str]
    """What it was made with."""
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by logical ids."""

    def is_of(self, stage: str, account: str) -> bool:
        """Tell whether it is the own one of a stage of an account, and not somebody's whose name is the same.

        Ours say which stage they are of, and what forwards, whose account's stage that is.
        """
        mine = self.parameters.get(ACCOUNT_PARAMETER, "") in ("", account)
        return mine and self.parameters.get(STAGE_PARAMETER) == stage

    def made_secret(self, name: str) -> bool:
        """Tell whether a secret of a name is among its resources.

        Their ids are ARNs, with six characters after it.
        """
        return any(f":secret:{name}-" in physical for physical in self.resources.values())

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


def find(account: Account, name: str, region: str) -> Stack | None:
    """Look a stack up; None where there is none, or only an unused change set of one."""
    cloudformation = account.clients("cloudformation", region)
    try:
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error_code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    if described["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
        return None
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    }
    parameters = {
        one["ParameterKey"]: one.get("ParameterValue", "")
        for one in described.get("Parameters", [])
    }
    protected = bool(described.get("EnableTerminationProtection"))
    return Stack(name, region, described["StackStatus"], protected, parameters, outputs, resources)


@dataclass(frozen=True)
class StackSpec:
    """A stack as it should be."""

    name: str
    region: str
    template: Path
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def deploy(account: Account, wanted: StackSpec) -> Stack:
    """Make the stack, or change it, so that it is as it should be.

    Raises DeploymentError with the reasons.
    """
    name, region = wanted.name, wanted.region
    cloudformation = account.clients("cloudformation", region)
    existing = find(account, name, region)
    if existing and not existing.is_of(wanted.parameters[STAGE_PARAMETER], account.number):
        raise DeploymentError(foreign_stack_message(existing))
    change_set = f"deploy-{time.time_ns()}"
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if existing else "CREATE",
        TemplateBody=wanted.template.read_text(encoding="utf-8"),
        Parameters=[*_parameters(wanted, existing)],
        Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        Capabilities=_CAPABILITIES,
    )
    if _is_prepared(cloudformation, name, change_set):
        cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        _wait(cloudformation, f"stack_{'update' if existing else 'create'}_complete", name, region)
    made = find(account, name, region)
    if made is None:
        raise DeploymentError(
            f"The stack {name} in {region} was made and is gone: somebody deleted it meanwhile."
        )
    return made


def _parameters(wanted: StackSpec, existing: Stack | None) -> Iterator[dict[str, Any]]:
    """Give what is wanted.

    What somebody set by hand stays, which an update would set back to the default otherwise.
    """
    for key, value in wanted.parameters.items():
        yield {"ParameterKey": key, "ParameterValue": value}
    declared = re.findall(r"^  (\w+):$", wanted.template.read_text(encoding="utf-8"), re.MULTILINE)
    by_hand = existing.parameters.keys() - wanted.parameters.keys() if existing else set()
    for key in sorted(by_hand & set(declared)):
        yield {"ParameterKey": key, "UsePreviousValue": True}


def _is_prepared(cloudformation: Any, name: str, change_set: str) -> bool:
    """Wait until a change set can be executed.

    False (and the set deleted) when there is nothing to change.
    """
    which = {"StackName": name, "ChangeSetName": change_set}
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            **which, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
        )
    except WaiterError as error:
        reason = str(cloudformation.describe_change_set(**which).get("StatusReason", error))
        cloudformation.delete_change_set(**which)
        if any(words in reason for words in NO_CHANGES):
            return False
        raise DeploymentError(
            f"CloudFormation refused the change of the stack {name}: {reason} Correct what it "
            "names and deploy again."
        ) from error
    return True


def command(verb: str, name: str, region: str) -> str:
    """Write what is to be typed about a stack."""
    return f"aws cloudformation {verb} --region {region} --stack-name {name}"


def foreign_stack_message(stack: Stack) -> str:
    """Output that a stack is not the stage's."""
    return (
        f"The stack {stack.name} in {stack.region} is somebody else's: it is of no stage of that "
        "name here."
    )


def delete(account: Account, stack: Stack) -> None:
    """Delete a stack, whose retained resources stay. Raises DeploymentError."""
    cloudformation = account.clients("cloudformation", stack.region)
    cloudformation.delete_stack(StackName=stack.name)
    _wait(cloudformation, "stack_delete_complete", stack.name, stack.region)


def _wait(cloudformation: Any, waiter: str, name: str, region: str) -> None:
    try:
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig=_WAIT)
    except WaiterError as error:
        reasons = " ".join(_reasons(cloudformation, name)) or str(error)
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        does, verb = RECOVERY_COMMANDS.get(status, ("", ""))
        before = (
            f" It is {status} now, and has to be {does} before: {command(verb, name, region)}"
            if does
            else ""
        )
        raise DeploymentError(
            f"The stack {name} in {region} did not become what its template says: {reasons} "
            f"Correct that and run the same command again.{before}"
        ) from error


def _reasons(cloudformation: Any, name: str) -> Iterator[str]:
    """Give CloudFormation's own reasons of the last attempt, the first failure first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    newest_first = (event for page in pages for event in page["StackEvents"])
    attempt = list(takewhile(lambda event: not _begins(event, name), newest_first))
    for event in reversed(attempt):
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
            yield f"{event['LogicalResourceId']}: {reason}"


def _begins(event: Mapping[str, Any], name: str) -> bool:
    """Tell whether an event is the stack's own, at the beginning of what somebody asked for."""
    status = event["ResourceStatus"]
    return (
        event["LogicalResourceId"] == name
        and status.endswith("_IN_PROGRESS")
        and "ROLLBACK" not in status
    )
