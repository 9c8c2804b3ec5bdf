"""A stack as it stands, and all that was said of it."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from localaws.cloudformation.errors import ValidationError
from localaws.cloudformation.resource_type import PhysicalResource, Properties, ResourceType
from localaws.cloudformation.stack_definition import StackDefinition

STACK: Final = "AWS::CloudFormation::Stack"
REVIEW: Final = "REVIEW_IN_PROGRESS"
UPDATABLE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


@dataclass
class Resource:
    """One resource of a stack: what stands, and what was asked for."""

    logical_id: str
    kind: ResourceType
    made: PhysicalResource
    properties: Properties
    deletion_policy: str
    replace_policy: str
    needs: frozenset[str]
    status: str
    updated_at: datetime


@dataclass
class Event:
    """One line of a stack's history."""

    event_id: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None


@dataclass
class Stack:
    """A stack.

    `definition` is what it was made from last, None while nobody has executed its first change set.
    """

    stack_id: str
    name: str
    created_at: datetime
    status: str
    definition: StackDefinition | None = None
    reason: str | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    is_protected: bool = False
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @classmethod
    def begin(cls, name: str, status: str, *, account: str, region: str) -> "Stack":
        """Begin a stack that has nothing yet."""
        stack_id = f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"
        stack = cls(stack_id, name, _now(), status)
        stack.say(status, "User Initiated")
        return stack

    def say(self, status: str, reason: str | None = None) -> None:
        """Change the stack's own status."""
        self.status, self.reason = status, reason
        self._note(self.name, self.stack_id, STACK, status, reason)

    def say_of(
        self,
        logical_id: str,
        kind: ResourceType,
        physical_id: str,
        status: str,
        reason: str | None = None,
    ) -> None:
        """Note what became of a resource, and keep it with the resource if that stands."""
        if logical_id in self.resources:
            self.resources[logical_id].status, self.resources[logical_id].updated_at = (
                status,
                _now(),
            )
        self._note(logical_id, physical_id, kind.type, status, reason)

    def _note(
        self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None
    ) -> None:
        self.events.append(
            Event(str(uuid.uuid4()), _now(), logical_id, physical_id, kind, status, reason)
        )

    def attribute(self, resource: str, name: str | None) -> Any:
        """Give what `Ref` (no name) or `Fn::GetAtt` gives of a resource that stands."""
        if resource not in self.resources:
            raise ValidationError(f"Template error: there is no resource {resource}.")
        made = self.resources[resource].made
        return made.physical_id if name is None else made.attributes[name]

    def check_updatable(self) -> None:
        """Refuse an update of a stack that cannot be updated, as it stands."""
        if self.status not in UPDATABLE:
            text = f"Stack:{self.stack_id} is in {self.status} state and can not be updated."
            raise ValidationError(text)


def resource_of(
    wanted: Any, made: PhysicalResource, properties: Properties, status: str
) -> Resource:
    """Write down a resource that was made as it was wanted."""
    return Resource(
        wanted.logical_id,
        wanted.kind,
        made,
        properties,
        wanted.deletion_policy,
        wanted.replace_policy,
        wanted.needs,
        status,
        _now(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
