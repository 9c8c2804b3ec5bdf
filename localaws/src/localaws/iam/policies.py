"""Policy documents, read once: whatever is not understood in one is refused, never passed over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from localaws.iam import wildcards
from localaws.iam.conditions import Condition, Context, UnknownOperatorError, all_hold

_VERSIONS: Final = ("2012-10-17", "2008-10-17")
# Of an identity-based policy, which has no Principal.
_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


class PolicyError(ValueError):
    """A policy document cannot be understood. The text says what is wrong, in which policy."""


@dataclass(frozen=True)
class Statement:
    """One statement. `sid` is its own, or its place in the policy where it has none."""

    sid: str
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    except_actions: bool = False
    except_resources: bool = False

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Tell whether this statement applies to an action on a resource in this context."""
        return (
            any(wildcards.matches_action(pattern, action) for pattern in self.actions)
            is not self.except_actions
            and any(wildcards.matches(pattern, resource) for pattern in self.resources)
            is not self.except_resources
            and all_hold(self.conditions, context)
        )


@dataclass(frozen=True)
class Policy:
    """A policy: its statements in order."""

    name: str
    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any], name: str = "the policy") -> "Policy":
        """Read a document; raises PolicyError."""
        if document.get("Version") not in _VERSIONS:
            raise PolicyError(
                f"{name}: Version is {document.get('Version')!r}, not one of "
                f"{', '.join(_VERSIONS)}."
            )
        statements = _listed(document.get("Statement", []))
        return cls(
            name,
            tuple(
                _statement(written, f"{name}[{place}]") for place, written in enumerate(statements)
            ),
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def of_text(text: str, name: str = "the policy") -> "Policy":
        """Read a document's text, once for each text; raises PolicyError."""
        try:
            return Policy.of(json.loads(text), name)
        except ValueError as error:
            raise (
                error
                if isinstance(error, PolicyError)
                else PolicyError(f"{name} is not JSON: {error}.")
            ) from error

    def without(self, sid: str) -> "Policy":
        """Give this policy with one statement taken away."""
        return Policy(
            self.name, tuple(statement for statement in self.statements if statement.sid != sid)
        )


def _statement(given: Mapping[str, Any], place: str) -> Statement:
    unknown = sorted(given.keys() - _ELEMENTS)
    if unknown:
        raise PolicyError(f"{place}: an identity-based policy has no {', '.join(unknown)}.")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{place}: Effect is {given.get('Effect')!r}, not Allow or Deny.")
    actions, resources = _either(given, "Action", place), _either(given, "Resource", place)
    return Statement(
        sid=given.get("Sid", place),
        effect=given["Effect"],
        actions=actions,
        resources=resources,
        conditions=tuple(_conditions(given.get("Condition", {}), place)),
        except_actions="NotAction" in given,
        except_resources="NotResource" in given,
    )


def _either(given: Mapping[str, Any], element: str, place: str) -> tuple[str, ...]:
    """Read an element or its opposite, of which there has to be one."""
    found = [given[name] for name in (element, f"Not{element}") if name in given]
    if len(found) != 1:
        raise PolicyError(f"{place}: a statement has either {element} or Not{element}.")
    return tuple(_text(value, place) for value in _listed(found[0]))


def _conditions(given: Mapping[str, Any], place: str) -> list[Condition]:
    try:
        return [
            Condition(operator, key, tuple(_text(value, place) for value in _listed(values)))
            for operator, keys in given.items()
            for key, values in keys.items()
        ]
    except UnknownOperatorError as error:
        raise PolicyError(f"{place}: {error}") from error


def _text(value: Any, place: str) -> str:
    """Read one value.

    Policy variables, which would have to be filled in from the request, are refused.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "${" in text:
        raise PolicyError(
            f"{place}: localaws does not fill in policy variables such as that of {text}."
        )
    return text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
