"""Stacks, resources, events, templates and change sets as the API's answers show them."""

from typing import Any

from localaws.cloudformation.changesets import ChangeSet
from localaws.cloudformation.stack import Event, Resource, Stack
from localaws.cloudformation.template import Template, Values

Shown = dict[str, Any]
_HIDDEN = "****"  # the value of a parameter with NoEcho


def stack(described: Stack) -> Shown:
    """Show a stack as DescribeStacks does."""
    definition = described.definition
    slots = definition.template.section("Parameters") if definition else {}
    return {
        **summary(described),
        "Outputs": described.outputs,
        "EnableTerminationProtection": described.is_protected,
        "Description": definition.template.description if definition else None,
        "DisableRollback": False,
        "Parameters": _parameters(slots, definition.parameters if definition else {}),
        "Capabilities": sorted(definition.capabilities) if definition else [],
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in (definition.tags if definition else {}).items()
        ],
    }


def summary(described: Stack) -> Shown:
    """Show a stack as ListStacks does."""
    return {
        "StackId": described.stack_id,
        "StackName": described.name,
        "StackStatus": described.status,
        "StackStatusReason": described.reason,
        "CreationTime": described.created_at,
        "LastUpdatedTime": described.updated_at,
        "DeletionTime": described.deleted_at,
    }


def _parameters(slots: Values, values: Values) -> list[Shown]:
    hidden = {
        name for name, slot in slots.items() if str(slot.get("NoEcho", False)).lower() == "true"
    }
    return [
        {"ParameterKey": name, "ParameterValue": _HIDDEN if name in hidden else _as_given(value)}
        for name, value in values.items()
    ]


def _as_given(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def event(of: Stack, described: Event) -> Shown:
    """Show one line of a stack's history."""
    return {
        "StackId": of.stack_id,
        "StackName": of.name,
        "EventId": described.event_id,
        "Timestamp": described.at,
        "LogicalResourceId": described.logical_id,
        "PhysicalResourceId": described.physical_id,
        "ResourceType": described.type,
        "ResourceStatus": described.status,
        "ResourceStatusReason": described.reason,
    }


def resource(of: Stack, described: Resource) -> Shown:
    """Show a resource as DescribeStackResources does."""
    return {
        **_resource(described),
        "StackId": of.stack_id,
        "StackName": of.name,
        "Timestamp": described.updated_at,
    }


def resource_summary(described: Resource) -> Shown:
    """Show a resource as ListStackResources does."""
    return {**_resource(described), "LastUpdatedTimestamp": described.updated_at}


def _resource(described: Resource) -> Shown:
    return {
        "LogicalResourceId": described.logical_id,
        "PhysicalResourceId": described.made.physical_id,
        "ResourceType": described.kind.type,
        "ResourceStatus": described.status,
    }


def template(described: Template) -> Shown:
    """Show what ValidateTemplate tells of a template."""
    slots = described.section("Parameters").items()
    return {
        "Description": described.description,
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": None if slot.get("Default") is None else str(slot["Default"]),
                "NoEcho": str(slot.get("NoEcho", False)).lower() == "true",
                "Description": slot.get("Description"),
            }
            for name, slot in slots
        ],
    }


def template_summary(described: Template) -> Shown:
    """Show what GetTemplateSummary tells of a template."""
    slots, shown = described.section("Parameters"), template(described)
    for parameter in shown["Parameters"]:
        slot = slots[parameter["ParameterKey"]]
        parameter["ParameterType"] = slot["Type"]
        parameter["ParameterConstraints"] = {
            "AllowedValues": [str(value) for value in slot.get("AllowedValues", [])]
        }
    types = [resource["Type"] for resource in described.section("Resources").values()]
    return {**shown, "ResourceTypes": sorted(set(types))}


def change_set(described: ChangeSet) -> Shown:
    """Show a change set, without its changes."""
    definition = described.definition
    return {
        "ChangeSetId": described.id,
        "ChangeSetName": described.name,
        "StackId": described.stack.stack_id,
        "StackName": described.stack.name,
        "Description": described.description,
        "CreationTime": described.created_at,
        **described.statuses(),
        "Parameters": _parameters(definition.template.section("Parameters"), definition.parameters),
        "Tags": [{"Key": key, "Value": value} for key, value in definition.tags.items()],
        "Capabilities": sorted(definition.capabilities),
    }
