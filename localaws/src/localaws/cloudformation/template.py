"""A template: read, its parameters held against what it says of them, its functions evaluated.

Nothing is made here.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from localaws.cloudformation.errors import ValidationError
from localaws.cloudformation.serverless import transformed

# Of TemplateBody; a longer template has to be in S3 (CloudFormation's quotas).
BODY_BYTES_MAX: Final = 51_200
FILE_BYTES_MAX: Final = 1_048_576  # of a template in S3
SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Mappings",
        "Conditions",
        "Resources",
        "Outputs",
        "Transform",
    }
)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")

Values = dict[str, Any]
# Written in C, it is ten times as fast; not every build of PyYAML has it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # yaml publishes no types
    """YAML as CloudFormation reads it: with short forms (`!Ref`), and dates are text."""

    yaml_implicit_resolvers: Final = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Values:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Template:
    """A template as it was written, and as CloudFormation takes it."""

    body: str
    processed: str
    """The text of what it says once it is transformed."""

    content: Values

    @classmethod
    def read(cls, body: str, region: str, bytes_max: int = BODY_BYTES_MAX) -> "Template":
        """Read JSON or YAML; raises ValidationError when it is no template, or too long."""
        if len(body.encode()) > bytes_max:
            raise ValidationError(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {bytes_max}"
            )
        try:
            content = yaml.load(body, Loader=_Loader)  # noqa: S506  (it is a SafeLoader)
        except yaml.YAMLError as error:
            raise ValidationError(
                f"Template format error: YAML not well-formed. {error}"
            ) from error
        if not isinstance(content, dict) or not content.get("Resources"):
            raise ValidationError(
                "Template format error: At least one Resources member must be defined."
            )
        if unknown := sorted(content.keys() - SECTIONS):
            text = (
                f"localaws does not model {', '.join(unknown)} of a template. Give it one without."
            )
            raise ValidationError(text)
        if "Transform" not in content:
            return cls(body, body, content)
        plain = transformed(content, region)
        return cls(body, json.dumps(plain), plain)

    def section(self, name: str) -> Values:
        """Give a section, empty where the template has none."""
        found: Values = self.content.get(name) or {}
        return found

    @property
    def description(self) -> str | None:
        """What the template says of itself."""
        return self.content.get("Description")

    def parameters(self, given: Mapping[str, str]) -> Values:
        """Complete the parameters by their defaults and judge them all.

        Raises ValidationError for the first wrong.
        """
        slots = self.section("Parameters")
        if strangers := sorted(given.keys() - slots.keys()):
            raise ValidationError(
                f"Parameters: [{', '.join(strangers)}] do not exist in the template"
            )
        values = {name: given.get(name, slot.get("Default")) for name, slot in slots.items()}
        if missing := sorted(name for name, value in values.items() if value is None):
            raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
        return {name: _judged(name, str(value), slots[name]) for name, value in values.items()}


def _judged(name: str, value: str, slot: Values) -> Any:
    rules: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        (
            "AllowedValues",
            lambda allowed: value in map(str, allowed),
            "must be one of AllowedValues",
        ),
        (
            "AllowedPattern",
            lambda pattern: bool(re.fullmatch(pattern, value)),
            "must match pattern {0}",
        ),
        (
            "MinLength",
            lambda least: len(value) >= int(least),
            "must contain at least {0} characters",
        ),
        ("MaxLength", lambda most: len(value) <= int(most), "must contain at most {0} characters"),
        (
            "MinValue",
            lambda least: float(value) >= float(least),
            "must be a number not less than {0}",
        ),
        (
            "MaxValue",
            lambda most: float(value) <= float(most),
            "must be a number not greater than {0}",
        ),
    )
    if slot["Type"] == "Number" and not _NUMBER.fullmatch(value):
        raise ValidationError(f"Parameter '{name}' must be a number.")
    for rule, holds, text in rules:
        if rule in slot and not holds(slot[rule]):
            why = text.format(slot[rule])
            if "ConstraintDescription" in slot:
                why = f"failed to satisfy constraint: {slot['ConstraintDescription']}"
            raise ValidationError(f"Parameter '{name}' {why}")
    return value.split(",") if slot["Type"] in ("CommaDelimitedList", "List<String>") else value
