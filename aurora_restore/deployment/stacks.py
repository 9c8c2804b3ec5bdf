"""CloudFormation stacks: created, updated through change sets, deleted; why that failed."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from aurora_restore.account.identity import Account
from aurora_restore.account.stack import (
    RECOVERY_COMMANDS,
    STAGE_PARAMETER,
    StackState,
    observe_stack,
    stack_command,
)
from aurora_restore.deployment.changes import PlannedAction, PlannedChange
from aurora_restore.deployment.errors import DeploymentError
from chalicelib.aws.client import Service

NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
# 20 minutes: keys, tables and buckets take seconds to a few minutes.
_WAIT: Final = {"Delay": 5, "MaxAttempts": 240}
_CAPABILITIES: Final = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True)
class StackSpec:
    """A stack as it should be."""

    name: str
    region: str
    template: Path
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class PreparedStack:
    """A stack that can be deployed: what will change is known, and nothing has changed yet."""

    spec: StackSpec
    existing: StackState | None
    change_set: str | None = None
    """The name of the change set of an existing stack; None where nothing changes."""
    details: tuple[str, ...] = ()
    """What changes, such as `modify Topic`."""

    @property
    def change(self) -> PlannedChange | None:
        """The line of the plan."""
        name = f"{self.spec.name} in {self.spec.region}"
        if self.existing is None:
            return PlannedChange(PlannedAction.CREATE, "stack", name)
        return (
            PlannedChange(PlannedAction.CHANGE, "stack", name, self.details)
            if self.change_set
            else None
        )


class ChangeSets:
    """The change sets of one deployment that nothing has executed yet."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._open: list[tuple[StackSpec, str]] = []

    def create(self, spec: StackSpec, existing: StackState | None) -> str | None:
        """Create a change set that can be executed; None where nothing would change."""
        name = f"deploy-{time.time_ns()}"
        cloudformation = self.account.clients("cloudformation", spec.region)
        cloudformation.create_change_set(
            StackName=spec.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if existing else "CREATE",
            TemplateBody=spec.template.read_text(encoding="utf-8"),
            Parameters=[*_parameters(spec, existing)],
            Tags=[{"Key": key, "Value": value} for key, value in spec.tags.items()],
            Capabilities=_CAPABILITIES,
        )
        self._open.append((spec, name))
        if _is_prepared(cloudformation, spec.name, name):
            return name
        self._delete(spec, name)
        return None

    def execute(self, spec: StackSpec, name: str) -> None:
        """Have CloudFormation begin what a change set says."""
        cloudformation = self.account.clients("cloudformation", spec.region)
        cloudformation.execute_change_set(StackName=spec.name, ChangeSetName=name)
        self._open.remove((spec, name))

    def delete_all(self) -> Iterator[str]:
        """Delete every one that was not executed; gives a sentence for each that stays."""
        for spec, name in [*self._open]:
            try:
                self._delete(spec, name)
            except (BotoCoreError, ClientError) as error:
                command = stack_command("delete-change-set", spec.name, spec.region)
                yield (
                    f"The change set {name} of the stack {spec.name} in {spec.region} could not be "
                    f"deleted: {error} Delete it: {command} --change-set-name {name}"
                )

    def _delete(self, spec: StackSpec, name: str) -> None:
        cloudformation = self.account.clients("cloudformation", spec.region)
        cloudformation.delete_change_set(StackName=spec.name, ChangeSetName=name)
        self._open.remove((spec, name))


@contextmanager
def change_sets(account: Account, output: Callable[[str], None]) -> Iterator[ChangeSets]:
    """Give the change sets of a deployment; however that ends, none is left behind.

    One that cannot be deleted is told.
    """
    opened = ChangeSets(account)
    try:
        yield opened
    finally:  # Ctrl-C at the question is an end, too
        for sentence in opened.delete_all():
            output(sentence)


def prepare(change_sets: ChangeSets, spec: StackSpec, existing: StackState | None) -> PreparedStack:
    """Have CloudFormation plan the update of an existing stack. Raises DeploymentError.

    A change set changes nothing before it is executed. For a stack that is not there yet none is
    made, since that would leave an empty stack in REVIEW_IN_PROGRESS (user guide, change sets).
    """
    if existing is None:
        return PreparedStack(spec, None)
    if not existing.is_of(spec.parameters[STAGE_PARAMETER], change_sets.account.number):
        raise DeploymentError(foreign_stack_message(existing))
    change_set = change_sets.create(spec, existing)
    if change_set is None:
        return PreparedStack(spec, existing)
    cloudformation = change_sets.account.clients("cloudformation", spec.region)
    pages = cloudformation.get_paginator("describe_change_set").paginate(
        StackName=spec.name, ChangeSetName=change_set
    )
    changes = [change["ResourceChange"] for page in pages for change in page.get("Changes", [])]
    return PreparedStack(spec, existing, change_set, tuple(map(_describe_change, changes)))


def execute(change_sets: ChangeSets, prepared: PreparedStack) -> StackState:
    """Create or update a stack as prepared, and wait for it. Raises DeploymentError."""
    spec, clients = prepared.spec, change_sets.account.clients
    cloudformation = clients("cloudformation", spec.region)
    change_set = prepared.change_set
    if prepared.existing is None:
        change_set = change_sets.create(spec, None)
    if change_set is not None:
        change_sets.execute(spec, change_set)
        verb = "update" if prepared.existing else "create"
        _wait(cloudformation, f"stack_{verb}_complete", spec.name, spec.region)
    made = observe_stack(Service(clients, "cloudformation", spec.region), spec.name)
    if made is None:
        raise DeploymentError(
            f"The stack {spec.name} in {spec.region} was created, but somebody has deleted it "
            "meanwhile."
        )
    return made


def deploy(change_sets: ChangeSets, spec: StackSpec, existing: StackState | None) -> StackState:
    """Create or update a stack at once. Raises DeploymentError with the reasons."""
    return execute(change_sets, prepare(change_sets, spec, existing))


def _describe_change(change: Mapping[str, Any]) -> str:
    # Conditional: only the execution tells (API reference, ResourceChange).
    verbs = {"True": "replace", "Conditional": "modify or replace"}
    verb = verbs.get(change.get("Replacement", ""), str(change["Action"]).lower())
    return f"{verb} {change['LogicalResourceId']}"


def _parameters(spec: StackSpec, existing: StackState | None) -> Iterator[dict[str, Any]]:
    """Give what is wanted.

    What somebody set by hand stays, which an update would set back to the default otherwise.
    """
    for key, value in spec.parameters.items():
        yield {"ParameterKey": key, "ParameterValue": value}
    declared = re.findall(r"^  (\w+):$", spec.template.read_text(encoding="utf-8"), re.MULTILINE)
    by_hand = existing.parameters.keys() - spec.parameters.keys() if existing else set()
    for key in sorted(by_hand & set(declared)):
        yield {"ParameterKey": key, "UsePreviousValue": True}


def _is_prepared(cloudformation: Any, name: str, change_set: str) -> bool:
    """Wait until a change set can be executed; False when there is nothing to change."""
    which = {"StackName": name, "ChangeSetName": change_set}
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            **which, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
        )
    except WaiterError as error:
        reason = str(cloudformation.describe_change_set(**which).get("StatusReason", error))
        # There is no code for a change set without changes, only this text (user guide).
        if any(words in reason for words in NO_CHANGES):
            return False
        raise DeploymentError(
            f"CloudFormation refused the change of the stack {name}: {reason} Correct what it "
            "names and deploy again."
        ) from error
    return True


def foreign_stack_message(stack: StackState) -> str:
    """Say that a stack is not the stage's."""
    return f"The stack {stack.name} in {stack.region} was not created by this stage."


def delete(account: Account, stack: StackState) -> None:
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
        raise DeploymentError(
            f"The stack {name} in {region} did not become what its template says: {reasons} "
            f"Correct that and run the same command again.{_way_out(status, name, region)}"
        ) from error


def _way_out(status: str, name: str, region: str) -> str:
    if status not in RECOVERY_COMMANDS:
        return ""
    participle, verb = RECOVERY_COMMANDS[status]
    command = stack_command(verb, name, region)
    return f" It is {status} now, and has to be {participle} before: {command}"


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
    is_start = status.endswith("_IN_PROGRESS") and "ROLLBACK" not in status
    return bool(event["LogicalResourceId"] == name and is_start)
