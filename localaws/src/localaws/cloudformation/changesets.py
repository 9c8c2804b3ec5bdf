"""A change set: what an execution would do, written down beforehand."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from localaws.cloudformation.planning import ResourceChange
from localaws.cloudformation.stack import Stack
from localaws.cloudformation.stack_definition import StackDefinition

NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


@dataclass(frozen=True)
class ChangeSet:
    """A change set of a stack."""

    id: str
    name: str
    stack: Stack
    definition: StackDefinition
    description: str | None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    changes: list[ResourceChange] = field(default_factory=list)
    is_empty: bool = False

    @classmethod
    def of(
        cls, name: str, stack: Stack, definition: StackDefinition, description: str | None
    ) -> "ChangeSet":
        """Give a change set its id."""
        _, _, _, region, account, _ = stack.stack_id.split(":", 5)
        return cls(
            f"arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{uuid.uuid4()}",
            name,
            stack,
            definition,
            description,
        )

    def statuses(self) -> dict[str, str]:
        """Tell whether it can be executed, and why not."""
        if self.is_empty:
            return {
                "Status": "FAILED",
                "StatusReason": NO_CHANGES,
                "ExecutionStatus": "UNAVAILABLE",
            }
        return {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}


def change_shown(change: ResourceChange) -> dict[str, Any]:
    """Show a change as DescribeChangeSet does."""
    shown: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        "Scope": [],
        "Details": [],
    }
    if change.physical_id:
        shown["PhysicalResourceId"] = change.physical_id
    if change.action == "Modify":
        shown["Replacement"] = str(change.replaced)
        shown["Scope"] = sorted(
            {"Tags" if name == "Tags" else "Properties" for name in change.properties}
        )
        shown["Details"] = [{"Target": _target(name)} for name in change.properties]
    return {"Type": "Resource", "ResourceChange": shown}


def _target(name: str) -> dict[str, str]:
    return {"Attribute": "Tags"} if name == "Tags" else {"Attribute": "Properties", "Name": name}
