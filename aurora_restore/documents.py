"""Policies and patterns as AWS gives them back: read, and compared by what they mean."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Described = Mapping[str, Any]


def allows(document: str | Described, service: str) -> bool:
    """Tell whether the policy of a resource, or the trust of a role, lets a service of AWS in at all."""
    allowing = [one for one in statements_of(document) if one.get("Effect") == "Allow"]
    return any({service, "*"} & {*_principals(one)} for one in allowing)


def statements_of(document: str | Described) -> list[Described]:
    """Read the statements of a policy, whether it is text or botocore has decoded it."""
    read = json.loads(document) if isinstance(document, str) else document
    return listed(read.get("Statement", []))


def _principals(statement: Described) -> Iterator[str]:
    principal = statement.get("Principal", {})
    for named in principal.values() if isinstance(principal, dict) else [principal]:
        yield from listed(named)


def listed(value: Any) -> list[Any]:
    """Make a list of what AWS writes as one value where there is only one."""
    return value if isinstance(value, list) else [value]


def is_same(one: Any, other: Any) -> bool:
    """Compare two policies or patterns: the order of a list means nothing in them, nor whether one value is a list."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        parts = sorted(map(_plain, value), key=lambda part: json.dumps(part, sort_keys=True))
        return parts[0] if len(parts) == 1 else parts
    return value


def contains(found: Any, wanted: Any) -> bool:
    """Tell whether everything that is wanted was found.

    AWS's answers often say more than was put.
    """
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            contains(found.get(key), value) for key, value in wanted.items()
        )
    return bool(found == wanted)
