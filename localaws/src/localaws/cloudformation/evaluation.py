"""CloudFormation's functions: the value of what a template says."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from localaws.cloudformation.errors import ValidationError

NO_VALUE: Final = object()
"""What `AWS::NoValue` stands for: whatever holds it has no such property, or item."""

_VARIABLE: Final = re.compile(r"\$\{(!?)([^}]*)\}")
Attribute = Callable[[str, str | None], Any]
"""Gives an attribute of a resource, or, without a name, what `Ref` gives.

Raises ValidationError for an unknown one.
"""


@dataclass(frozen=True)
class Scope:
    """What names mean: parameters, mappings, conditions as they are written, and resources."""

    names: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    attribute: Attribute
    _judged: dict[str, bool] = field(default_factory=dict)

    def holds(self, condition: str) -> bool:
        """Tell whether a condition holds.

        Raises ValidationError when there is none of that name.
        """
        if condition not in self.conditions:
            raise ValidationError(f"Template format error: Unresolved condition {condition}")
        if condition not in self._judged:
            self._judged[condition] = self._judge(self.conditions[condition])
        return self._judged[condition]

    def _judge(self, written: Any) -> bool:
        called: tuple[str, Any] = _function_of(written) or ("", None)
        name, operand = called
        if name == "Condition":
            return self.holds(str(operand))
        if name == "Fn::Equals":
            left, right = map(self.value, operand)
            return bool(str(left) == str(right))
        if name in ("Fn::And", "Fn::Or"):
            return (all if name == "Fn::And" else any)(map(self._judge, operand))
        if name == "Fn::Not":
            return not self._judge(operand[0])
        raise ValidationError(
            f"Template format error: {written} is no condition that localaws knows."
        )

    def value(self, written: Any) -> Any:
        """Evaluate a value.

        Raises ValidationError for what is not there, and functions that localaws has not.
        """
        called = _function_of(written)
        if called:
            return self._call(*called)
        if isinstance(written, dict):
            found = {str(name): self.value(member) for name, member in written.items()}
            return {name: value for name, value in found.items() if value is not NO_VALUE}
        if isinstance(written, list):
            return [value for value in map(self.value, written) if value is not NO_VALUE]
        return written

    def _call(self, function: str, operand: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": self._if,
            "Fn::Join": lambda parts: str(parts[0]).join(map(text, self.value(parts[1]))),
            "Fn::Select": self._select,
            "Fn::Split": lambda parts: self.value(parts[1]).split(parts[0]),
            "Fn::FindInMap": self._find,
        }
        if function not in functions:
            raise ValidationError(f"Template format error: localaws does not model {function}.")
        return functions[function](operand)

    def _ref(self, name: str) -> Any:
        return self.names[name] if name in self.names else self.attribute(name, None)

    def _get_att(self, operand: Any) -> Any:
        resource, attribute = operand.split(".", 1) if isinstance(operand, str) else operand
        return self.attribute(resource, self.value(attribute))

    def _if(self, operand: Any) -> Any:
        condition, then, otherwise = operand
        return self.value(then if self.holds(condition) else otherwise)

    def _select(self, operand: Any) -> Any:
        index, values = int(self.value(operand[0])), self.value(operand[1])
        if not 0 <= index < len(values):
            raise ValidationError(
                f"Template error: Fn::Select cannot select nonexistent value at index {index}"
            )
        return values[index]

    def _find(self, operand: Any) -> Any:
        found: Any = self.mappings
        for key in map(self.value, operand):
            if key not in found:
                raise ValidationError(f"Template error: Unable to get mapping for {operand}")
            found = found[key]
        return found

    def _sub(self, operand: Any) -> str:
        written, more = operand if isinstance(operand, list) else (operand, {})
        own = {name: self.value(variable) for name, variable in more.items()}

        def replaced(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return text(own[name])
            return text(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(replaced, written)


def text(value: Any) -> str:
    """Write a value as CloudFormation puts it into text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _function_of(written: Any) -> tuple[str, Any] | None:
    """Take a function and its operand out of `{"Fn::…": …}`, or None where it is none."""
    if isinstance(written, dict) and len(written) == 1:
        ((name, operand),) = written.items()
        if (
            name == "Ref"
            or str(name).startswith("Fn::")
            or (name == "Condition" and isinstance(operand, str))
        ):
            return str(name), operand
    return None
