"""Stacks, resources, events, templates and change sets as the API's answers show them."""

from typing import Any

from localaws.cloudformation.changesets import ChangeSet
from localaws.cloudformation.stack import Event, Resource, Stack
from localaws.cloudformation.template import Template, Values

Shown = dict[str, Any]
_HIDDEN = "****"  # the value of a parameter with NoEcho


def stack(one: Stack) -> Shown:
    """Show a stack as DescribeStacks does."""
    definition = one.definition
    slots = definition.template.section("Parameters") if definition else {}
    return {
        **summary(one),
        "Outputs": one.outputs,
        "EnableTerminationProtection": one.is_protected,
        "Description": definition.template.description if definition else None,
        "DisableRollback": False,
        "Parameters": _parameters(slots, definition.parameters if definition else {}),
        "Capabilities": sorted(definition.capabilities) if definition else [],
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in (definition.tags if definition else {}).items()
        ],
    }


def summary(one: Stack) -> Shown:
    """Show a stack as ListStacks does."""
    return {
        "StackId": one.stack_id,
        "StackName": one.name,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
        "CreationTime": one.created_at,
        "LastUpdatedTime": one.updated_at,
        "DeletionTime": one.deleted_at,
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


def event(of: Stack, one: Event) -> Shown:
    """Show one line of a stack's history."""
    return {
        "StackId": of.stack_id,
        "StackName": of.name,
        "EventId": one.event_id,
        "Timestamp": one.at,
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason,
    }


def resource(of: Stack, one: Resource) -> Shown:
    """Show a resource as DescribeStackResources does."""
    return {
        **_resource(one),
        "StackId": of.stack_id,
        "StackName": of.name,
        "Timestamp": one.updated_at,
    }


def resource_summary(one: Resource) -> Shown:
    """Show a resource as ListStackResources does."""
    return {**_resource(one), "LastUpdatedTimestamp": one.updated_at}


def _resource(one: Resource) -> Shown:
    return {
        "LogicalResourceId": one.logical_id,
        "PhysicalResourceId": one.made.physical_id,
        "ResourceType": one.kind.type,
        "ResourceStatus": one.status,
    }


def template(one: Template) -> Shown:
    """Show what ValidateTemplate tells of a template."""
    slots = one.section("Parameters").items()
    return {
        "Description": one.description,
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


def template_summary(one: Template) -> Shown:
    """Show what GetTemplateSummary tells of a template."""
    slots, shown = one.section("Parameters"), template(one)
    for parameter in shown["Parameters"]:
        slot = slots[parameter["ParameterKey"]]
        parameter["ParameterType"] = slot["Type"]
        parameter["ParameterConstraints"] = {
            "AllowedValues": [str(value) for value in slot.get("AllowedValues", [])]
        }
    types = [resource["Type"] for resource in one.section("Resources").values()]
    return {**shown, "ResourceTypes": sorted(set(types))}


def change_set(one: ChangeSet) -> Shown:
    """Show a change set, without its changes."""
    definition = one.definition
    return {
        "ChangeSetId": one.id,
        "ChangeSetName": one.name,
        "StackId": one.stack.stack_id,
        "StackName": one.stack.name,
        "Description": one.description,
        "CreationTime": one.created_at,
        **one.statuses(),
        "Parameters": _parameters(definition.template.section("Parameters"), definition.parameters),
        "Tags": [{"Key": key, "Value": value} for key, value in definition.tags.items()],
        "Capabilities": sorted(definition.capabilities),
    }
