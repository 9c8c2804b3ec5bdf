"""Policies and event patterns as AWS returns them: read, and compared by their meaning."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Described = Mapping[str, Any]


def allows(document: str | Described, service: str) -> bool:
    """Tell whether a resource policy or a role's trust policy allows a service of AWS anything."""
    allowing = [item for item in statements_of(document) if item.get("Effect") == "Allow"]
    return any({service, "*"} & {*_principals(statement)} for statement in allowing)


def statements_of(document: str | Described) -> list[Described]:
    """Read the statements of a policy, whether it is text or botocore has decoded it."""
    read = json.loads(document) if isinstance(document, str) else document
    return as_list(read.get("Statement", []))


def _principals(statement: Described) -> Iterator[str]:
    principal = statement.get("Principal", {})
    for named in principal.values() if isinstance(principal, dict) else [principal]:
        yield from as_list(named)


def as_list(value: Any) -> list[Any]:
    """Make a list of a value: AWS writes a list of one as the value alone."""
    return value if isinstance(value, list) else [value]


def equivalent(first: Any, second: Any) -> bool:
    """Compare two policies or patterns.

    The order of a list means nothing in them, and a list of one value means what the value does.
    """
    return bool(_normalized(first) == _normalized(second))


def _normalized(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normalized(part) for key, part in value.items()}
    if isinstance(value, list):
        parts = sorted(map(_normalized, value), key=lambda part: json.dumps(part, sort_keys=True))
        return parts[0] if len(parts) == 1 else parts
    return value


def includes(found: Any, wanted: Any) -> bool:
    """Tell whether everything wanted was found: AWS often returns more fields than were put."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            includes(found.get(key), value) for key, value in wanted.items()
        )
    return bool(found == wanted)
