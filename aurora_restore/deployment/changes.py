"""What a deployment or a removal is going to do, as data: planned first, shown, then done."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PlannedAction(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


KINDS: Final = {
    "lambda_function": "function",
    "cloudwatch_event": "rule",
    "iam_role": "role",
    "log_group": "log group",
}
"""What people call the resources in Chalice's file, by its `resource_type`."""
_NAMES: Final = ("rule_name", "role_name", "log_group_name")


@dataclass(frozen=True)
class PlannedChange:
    """One resource that is created, changed or deleted, and what of it changes."""

    action: PlannedAction
    kind: str
    name: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Format it as a line of a plan."""
        line = f"  {self.action:<6}  {self.kind:<9}  {self.name}"
        return f"{line} ({', '.join(self.details)})" if self.details else line


def deletions(resources: Iterable[Mapping[str, str]]) -> Iterator[PlannedChange]:
    """Plan the deletion of resources that are described as Chalice's file does."""
    for resource in resources:
        named = [resource[key] for key in _NAMES if key in resource]
        name = named[0] if named else resource["lambda_arn"].rpartition(":")[2]
        yield PlannedChange(PlannedAction.DELETE, KINDS[resource["resource_type"]], name)
