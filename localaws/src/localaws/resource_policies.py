"""The policy of a queue, a topic, a bus or a bucket: whom it lets in.

Only what is needed for that is known here.

Whatever is not known (a condition's operator, or a key that the request does not carry) allows
nothing and hinders nothing that is denied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Requester:
    """Who asks (a service, or a principal's ARN) to do what, and the request's context."""

    action: str
    resource: str
    service: str | None = None
    account: str | None = None
    principal: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    """The values of condition keys, by their names in lower case."""


def lets_in(policy: Policy | None, caller: Requester) -> bool:
    """Tell whether a policy allows it: some statement does, and none denies it."""
    found = effects(policy, caller)
    return "Allow" in found and "Deny" not in found


def effects(policy: Policy | None, caller: Requester) -> set[str]:
    """Give the effects of the statements that apply."""
    statements = _listed((policy or {}).get("Statement", []))
    return {statement["Effect"] for statement in statements if _applies(statement, caller)}


def _applies(statement: Policy, caller: Requester) -> bool:
    return (
        _is_principal(statement.get("Principal"), caller)
        and any(
            fnmatchcase(caller.action.lower(), action.lower())
            for action in _listed(statement.get("Action", []))
        )
        and any(
            fnmatchcase(caller.resource, resource)
            for resource in _listed(statement.get("Resource", []))
        )
        and all(
            _holds(operator, keys, caller)
            for operator, keys in statement.get("Condition", {}).items()
        )
    )


def _is_principal(principal: Any, caller: Requester) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    services, accounts = (_listed(principal.get(kind, [])) for kind in ("Service", "AWS"))
    # An account is named by its number or by its root, and stands for all principals in it.
    named = {"*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.principal}
    return (
        caller.service in services
        or "*" in accounts
        or (caller.account is not None and bool(named & {*accounts}))
    )


def _holds(operator: str, keys: Mapping[str, Any], caller: Requester) -> bool:
    # An operator that is not known holds for nobody: better a refusal than a hole.
    compare = _OPERATORS.get(operator)
    return compare is not None and all(
        key.lower() in caller.context
        and any(compare(caller.context[key.lower()], str(value)) for value in _listed(values))
        for key, values in keys.items()
    )


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,  # AWS's own ArnEquals and ArnLike are the same
    "ArnLike": fnmatchcase,
    "Bool": lambda actual, wanted: actual == wanted.lower(),
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
