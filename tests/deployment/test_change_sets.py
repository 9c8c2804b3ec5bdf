"""A deployment leaves no change set behind, however it ends, and tells what each would do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from aurora_restore.account.identity import Account
from aurora_restore.account.stack import StackState
from aurora_restore.deployment import stacks
from aurora_restore.deployment.errors import DeploymentError
from aurora_restore.deployment.stacks import ChangeSets, PreparedStack, StackSpec
from tests.deployment.place import ACCOUNT, REGION


class InMemoryCloudFormation:
    """The change sets of stacks, one for each stack."""

    def __init__(self, *, refused: str = "", kept: str = "") -> None:
        self.refused, self.kept = refused, kept
        """The stack whose change set is refused, and the one whose change set cannot be deleted."""
        self.of_stacks: list[str] = []
        self.changes: list[dict[str, Any]] = []

    def create_change_set(self, **given: Any) -> None:
        """Take a change set."""
        self.of_stacks.append(given["StackName"])

    def get_waiter(self, _name: str) -> "InMemoryCloudFormation":
        """Give what waits for a change set."""
        return self

    def wait(self, **given: Any) -> None:
        """Find a change set refused, or ready."""
        if given["StackName"] == self.refused:
            raise WaiterError("change_set_create_complete", "FAILED", {})

    def describe_change_set(self, **_given: object) -> dict[str, str]:
        """Say why one was refused."""
        return {"StatusReason": "The template is wrong."}

    def get_paginator(self, _name: str) -> "InMemoryCloudFormation":
        """Give what lists the changes."""
        return self

    def paginate(self, **_given: object) -> list[dict[str, Any]]:
        """List the changes."""
        return [{"Changes": [{"ResourceChange": change} for change in self.changes]}]

    def execute_change_set(self, **_given: object) -> None:
        """Refuse to execute one."""
        raise _denied("ExecuteChangeSet")

    def delete_change_set(self, **given: Any) -> None:
        """Delete one, or refuse that."""
        if given["StackName"] == self.kept:
            raise _denied("DeleteChangeSet")
        self.of_stacks.remove(given["StackName"])


def _denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, operation)


class Deployment:
    """Two stacks of the stage dev that are there already."""

    def __init__(self, folder: Path) -> None:
        self.cloudformation = InMemoryCloudFormation()
        self.template = folder / "stack.yaml"
        self.template.write_text("Parameters:\n  Stage:\n    Type: String\n")
        caller = f"arn:aws:iam::{ACCOUNT}:root"
        self.account = Account(ACCOUNT, caller, lambda _service, _region: self.cloudformation)
        self.lines: list[str] = []

    def run(self, work: Callable[[PreparedStack, ChangeSets], None]) -> PreparedStack:
        """Prepare both stacks, then do some work; gives the first."""
        with stacks.change_sets(self.account, self.lines.append) as change_sets:
            first = self._prepare(change_sets, "first")
            self._prepare(change_sets, "second")
            work(first, change_sets)
        return first

    def _prepare(self, change_sets: ChangeSets, name: str) -> PreparedStack:
        """Prepare the update of a stack."""
        parameters = {"Stage": "dev"}
        spec = StackSpec(name, REGION, self.template, parameters, {})
        existing = StackState(name, REGION, "UPDATE_COMPLETE", parameters=parameters)
        return stacks.prepare(change_sets, spec, existing)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """Give a deployment that has not begun."""
    return Deployment(tmp_path)


def do_nothing(_first: PreparedStack, _change_sets: ChangeSets) -> None:
    """Execute no change set."""


def execute(first: PreparedStack, change_sets: ChangeSets) -> None:
    """Execute the first change set."""
    stacks.execute(change_sets, first)


def interrupt(_first: PreparedStack, _change_sets: ChangeSets) -> None:
    """Press Ctrl-C at the question."""
    raise KeyboardInterrupt


def test_a_second_stack_that_is_refused_leaves_no_change_set_of_the_first(
    deployment: Deployment,
) -> None:
    """When CloudFormation refuses the second stack, the first one's change set goes too."""
    deployment.cloudformation.refused = "second"
    with pytest.raises(DeploymentError, match=r"The template is wrong\."):
        deployment.run(do_nothing)

    assert [] == deployment.cloudformation.of_stacks
    assert [] == deployment.lines


def test_an_execution_that_fails_leaves_no_change_set(deployment: Deployment) -> None:
    """When the first stack cannot be changed, neither change set is left."""
    with pytest.raises(ClientError, match="ExecuteChangeSet"):
        deployment.run(execute)

    assert [] == deployment.cloudformation.of_stacks


def test_a_change_set_that_cannot_be_deleted_keeps_no_other(deployment: Deployment) -> None:
    """One that cannot be deleted is told with the command, the others go, and what ended the
    deployment is raised.
    """
    deployment.cloudformation.kept = "first"
    with pytest.raises(KeyboardInterrupt):
        deployment.run(interrupt)
    (line,) = deployment.lines
    command = f"aws cloudformation delete-change-set --region {REGION} --stack-name first"

    assert ["first"] == deployment.cloudformation.of_stacks
    assert f"{command} --change-set-name deploy-" in line


@pytest.mark.parametrize(
    ("replacement", "output"),
    [
        ("True", "replace Topic"),
        ("Conditional", "modify or replace Topic"),
        ("False", "modify Topic"),
    ],
)
def test_a_resource_that_may_be_replaced_is_said_to_be(
    deployment: Deployment, replacement: str, output: str
) -> None:
    """A plan says of each resource whether it is replaced, may be, or is not."""
    change = {"Action": "Modify", "LogicalResourceId": "Topic", "Replacement": replacement}
    deployment.cloudformation.changes = [change]
    prepared = deployment.run(do_nothing)

    assert (output,) == prepared.details
    assert [] == deployment.cloudformation.of_stacks
