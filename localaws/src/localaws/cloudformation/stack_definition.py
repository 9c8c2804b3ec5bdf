"""The definition of a stack: a template with its parameters, checked before anything is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from localaws.cloudformation.errors import (
    InsufficientCapabilitiesError,
    UnmodelledRequestError,
    ValidationError,
)
from localaws.cloudformation.evaluation import NO_VALUE, Attribute, Scope, text
from localaws.cloudformation.resource_type import Properties, ResourceType
from localaws.cloudformation.resource_types import RESOURCE_TYPES
from localaws.cloudformation.template import Template, Values

_RESOURCE: Final = frozenset(
    {
        "Type",
        "Properties",
        "Condition",
        "DependsOn",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Metadata",
    }
)
_POLICIES: Final = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain"),
}


@dataclass(frozen=True)
class ResourceDefinition:
    """A resource that the template wants, its condition being met."""

    logical_id: str
    kind: ResourceType
    written: Properties
    deletion_policy: str
    replace_policy: str
    needs: frozenset[str]
    """The resources that have to stand before it."""


@dataclass(frozen=True)
class StackDefinition:
    """A template, its parameters and the stack's tags, for a stack of one account and region."""

    template: Template
    parameters: Values
    tags: Mapping[str, str]
    pseudo: Mapping[str, str]
    """`AWS::StackName`, `AWS::StackId`, `AWS::AccountId`, `AWS::Region`."""

    capabilities: frozenset[str] = field(default=frozenset())

    def scope(self, attribute: Attribute) -> Scope:
        """Say what names mean; `attribute` gives those of resources."""
        fixed = {
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        names = {**fixed, **self.pseudo, **self.parameters}
        return Scope(
            names, self.template.section("Mappings"), self.template.section("Conditions"), attribute
        )

    @cached_property
    def wanted(self) -> dict[str, ResourceDefinition]:
        """The resources whose condition holds, each after those that it needs.

        Raises ValidationError for what is wrong with the template, UnmodelledRequestError for what
        localaws cannot make.
        """
        described = {name: self._describe(name, resource) for name, resource in self._met()}
        return {
            name: described[name]
            for name in _in_order({name: resource.needs for name, resource in described.items()})
        }

    def _met(self) -> Iterator[tuple[str, Values]]:
        scope = self.scope(_nothing)
        for name, resource in self.template.section("Resources").items():
            if "Condition" not in resource or scope.holds(resource["Condition"]):
                yield name, resource

    def _describe(self, name: str, resource: Values) -> ResourceDefinition:
        _check(name, resource)
        needs: set[str] = set()
        written = resource.get("Properties") or {}
        self.scope(self._noting(needs)).value(written)
        standing, written_down = dict(self._met()), self.template.section("Resources")
        depends = resource.get("DependsOn", [])
        # One whose condition does not hold is not waited for; one that there is not is a mistake.
        needs |= {name for name in _listed(depends) if name in standing or name not in written_down}
        if unmet := sorted(needs - standing.keys()):
            where = "in the Resources block of the template"
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{', '.join(unmet)}] "
                f"{where}"
            )
        return ResourceDefinition(
            name,
            RESOURCE_TYPES[resource["Type"]],
            written,
            resource.get("DeletionPolicy", "Delete"),
            resource.get("UpdateReplacePolicy", "Delete"),
            frozenset(needs),
        )

    def _noting(self, needs: set[str]) -> Attribute:
        """Note which resources are referred to, and refuse attributes that they do not have."""

        def note(resource: str, attribute: str | None) -> str:
            needs.add(resource)
            described = self.template.section("Resources").get(resource)
            kind = RESOURCE_TYPES.get(described["Type"]) if described else None
            if kind and attribute is not None and attribute not in kind.attributes:
                what = (
                    f"resource {resource} does not support attribute type {attribute} in Fn::GetAtt"
                )
                raise ValidationError(f"Template error: {what}")
            return f"${{{resource}{'.' + attribute if attribute else ''}}}"

        return note

    def properties(self, wanted: ResourceDefinition, attribute: Attribute) -> Properties:
        """Give the properties of a resource, evaluated, with the stack's tags among its own."""
        found: Properties = self.scope(attribute).value(wanted.written)
        tags = {**self._system_tags(wanted), **self.tags}
        if not tags or wanted.kind.tags is None:
            return found
        if wanted.kind.tags == "map":
            return {**found, "Tags": {**tags, **found.get("Tags", {})}}
        # A tag of the resource's own wins over the stack's.
        own = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        return {
            **found,
            "Tags": [{"Key": key, "Value": value} for key, value in {**tags, **own}.items()],
        }

    def _system_tags(self, wanted: ResourceDefinition) -> dict[str, str]:
        """Return CloudFormation's own tags (CloudFormation user guide, resource tags)."""
        if not wanted.kind.system_tags:
            return {}
        # Nobody else may set tags that begin with `aws:`.
        return {
            "aws:cloudformation:stack-name": self.pseudo["AWS::StackName"],
            "aws:cloudformation:stack-id": self.pseudo["AWS::StackId"],
            "aws:cloudformation:logical-id": wanted.logical_id,
        }

    def outputs(self, attribute: Attribute) -> list[dict[str, str]]:
        """Give the outputs whose condition holds, as DescribeStacks does."""
        scope, found = self.scope(attribute), []
        for key, output in self.template.section("Outputs").items():
            if "Condition" in output and not scope.holds(output["Condition"]):
                continue
            if "Export" in output:
                raise UnmodelledRequestError(
                    f"localaws does not model Export, of the output {key}. Leave it out."
                )
            description = {"Description": output["Description"]} if "Description" in output else {}
            found.append(
                {"OutputKey": key, "OutputValue": text(scope.value(output["Value"])), **description}
            )
        return found

    def check(self) -> None:
        """Judge it all.

        Raises ValidationError, UnmodelledRequestError and InsufficientCapabilitiesError.
        """
        needs: set[str] = set()
        self.outputs(self._noting(needs))
        if unmet := sorted(needs - self.wanted.keys()):
            where = "in the Outputs block of the template"
            raise ValidationError(f"Unresolved resource dependencies [{', '.join(unmet)}] {where}")
        for resource in self.wanted.values():
            named = resource.kind.name in resource.written
            enough = (
                {"CAPABILITY_NAMED_IAM"} if named else {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}
            )
            # Roles with names need the stronger capability (CloudFormation user guide, IAM).
            if resource.kind.capability and not enough & self.capabilities:
                raise InsufficientCapabilitiesError(f"Requires capabilities : [{min(enough)}]")


def _listed(value: Any) -> list[Any]:
    """Give what may be one or several as a list."""
    return value if isinstance(value, list) else [value]


def _check(name: str, resource: Values) -> None:
    known = RESOURCE_TYPES.get(resource.get("Type", ""))
    if known is None:
        raise UnmodelledRequestError(
            f"localaws cannot make {name}: it does not model {resource.get('Type')}. Leave it out, "
            "or put it under a Condition."
        )
    if unknown := sorted(resource.keys() - _RESOURCE):
        raise UnmodelledRequestError(
            f"localaws does not model {', '.join(unknown)} of {name}. Leave it out."
        )
    if unknown := sorted((resource.get("Properties") or {}).keys() - known.properties):
        raise UnmodelledRequestError(
            f"localaws does not model {', '.join(unknown)} of {name}, {known.type}. Leave it out."
        )
    for policy, allowed in _POLICIES.items():
        if resource.get(policy, "Delete") not in allowed:
            raise ValidationError(
                f"Template error: {policy} of {name} is none of {', '.join(allowed)}"
            )


def _nothing(resource: str, _: str | None) -> Any:
    raise ValidationError(
        f"Template format error: a condition may not refer to {resource}, which is a resource."
    )


def _in_order(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Put names in an order in which each comes after those it needs.

    Raises ValidationError for a circle.
    """
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = ", ".join(above[above.index(name) :])
            raise ValidationError(f"Circular dependency between resources: [{circle}]")
        if name not in done:
            for other in sorted(needs[name]):
                visit(other, (*above, name))
            done[name] = None

    for name in needs:
        visit(name, ())
    return list(done)
