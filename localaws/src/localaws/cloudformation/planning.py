"""What an update would do: looked at and told, not done. A change set is this, written down."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from localaws.cloudformation.errors import UnmodelledRequestError
from localaws.cloudformation.resource_type import Properties
from localaws.cloudformation.stack import Resource, Stack
from localaws.cloudformation.stack_definition import ResourceDefinition, StackDefinition


@dataclass(frozen=True)
class ResourceChange:
    """What would become of one resource. `replaced` is about a modification.

    `properties` are those that differ.
    """

    action: Literal["Add", "Modify", "Remove"]
    logical_id: str
    type: str
    physical_id: str | None = None
    replaced: bool = False
    properties: tuple[str, ...] = ()


def plan(definition: StackDefinition, stack: Stack) -> list[ResourceChange]:
    """Plan how to bring the stack to its definition, in order.

    Raises what the definition does, and UnmodelledRequestError for a change in place that localaws
    does not make.
    """
    changes: dict[str, ResourceChange] = {}

    def attribute(resource: str, name: str | None) -> Any:
        change = changes.get(resource)
        if resource not in stack.resources or (change and change.replaced):
            # Known only when it stands: the text differs from any value, so it counts as a change.
            return f"${{{resource}{'.' + name if name else ''}}}"
        return stack.attribute(resource, name)

    for wanted in definition.wanted.values():
        change = _change(
            wanted, stack.resources.get(wanted.logical_id), definition.properties(wanted, attribute)
        )
        if change:
            changes[wanted.logical_id] = change
    return [*changes.values(), *_removals(definition, stack)]


def _change(
    wanted: ResourceDefinition, standing: Resource | None, properties: Properties
) -> ResourceChange | None:
    if standing is None:
        return ResourceChange("Add", wanted.logical_id, wanted.kind.type)
    differing = tuple(differences(standing, wanted, named_as(standing, wanted, properties)))
    policies = (wanted.deletion_policy, wanted.replace_policy)
    if not differing and policies == (standing.deletion_policy, standing.replace_policy):
        return None
    replaced = is_replaced(standing, wanted, differing)
    if not replaced and (stuck := sorted(wanted.kind.settled & set(differing))):
        raise UnmodelledRequestError(
            f"localaws does not change {', '.join(stuck)} of {wanted.logical_id}, which stands."
        )
    return ResourceChange(
        "Modify",
        wanted.logical_id,
        wanted.kind.type,
        standing.made.physical_id,
        replaced,
        differing,
    )


def _removals(definition: StackDefinition, stack: Stack) -> list[ResourceChange]:
    gone = [resource for name, resource in stack.resources.items() if name not in definition.wanted]
    return [
        ResourceChange("Remove", left.logical_id, left.kind.type, left.made.physical_id)
        for left in reversed(gone)
    ]


def differences(
    standing: Resource, wanted: ResourceDefinition, properties: Properties
) -> Iterable[str]:
    """Name the properties that differ."""
    if standing.kind is not wanted.kind:
        return sorted(standing.properties.keys() | properties.keys())
    both = sorted(standing.properties.keys() | properties.keys())
    return [name for name in both if standing.properties.get(name) != properties.get(name)]


def is_replaced(standing: Resource, wanted: ResourceDefinition, differing: Iterable[str]) -> bool:
    """Tell whether such a change makes another resource."""
    return standing.kind is not wanted.kind or bool(wanted.kind.fixed & set(differing))


def named_as(
    standing: Resource | None, wanted: ResourceDefinition, properties: Properties
) -> Properties:
    """Keep a name that CloudFormation had made up."""
    name = wanted.kind.name
    if name is None or name in properties or standing is None or standing.kind is not wanted.kind:
        return properties
    return {**properties, name: standing.properties[name]}
