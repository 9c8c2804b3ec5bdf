"""Event patterns, matched as EventBridge matches them.

moto's own matcher lets an unknown operator match everything, never matches inside arrays of objects and takes `true`
for `1` (moto 5.2). A rule that fires locally and not on AWS is worse than none, so this one is
whole: what it does not know is refused when the rule is put.
"""

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

PATTERN_CHARACTERS_MAX: Final = 2048
_NUMERIC: Final = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt}
_RANGE_LENGTHS: Final = (2, 4)
_BRANCHES_MIN: Final = 2


class InvalidPatternError(Exception):
    """The pattern would be refused by PutRule. The text says why, in one sentence."""


class _Absent:
    """Stands for a field that the event does not have."""


_ABSENT: Final = _Absent()


@lru_cache(maxsize=256)
def parse(pattern: str) -> dict[str, Any]:
    """Read and check a pattern; raise InvalidPatternError for whatever AWS, or this matcher, does not accept."""
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise InvalidPatternError(f"It has {len(pattern)} characters; EventBridge allows {PATTERN_CHARACTERS_MAX}.")
    try:
        parsed = json.loads(pattern)
    except json.JSONDecodeError as error:
        raise InvalidPatternError(f"It is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise InvalidPatternError("It must be a JSON object.")
    _check_object(parsed, "the pattern")
    return parsed


def matches(event: Any, pattern: dict[str, Any]) -> bool:
    """Tell whether an event (the whole envelope) satisfies a pattern that `parse` accepted."""
    if isinstance(event, list):  # all fields of one object in a pattern must match within one and the same element
        return any(matches(element, pattern) for element in event)
    fields = event if isinstance(event, dict) else {}
    return all(_matches_field(event, fields, name, wanted) for name, wanted in pattern.items())


def _matches_field(event: Any, fields: dict[str, Any], name: str, wanted: Any) -> bool:
    if name == "$or":
        return any(matches(event, branch) for branch in wanted)
    value = fields.get(name, _ABSENT)
    if isinstance(wanted, dict):
        return matches(value, wanted)
    return any(_matches_rule(value, rule) for rule in wanted)


def _matches_rule(value: Any, rule: Any) -> bool:
    leaves = list(_leaves(value))
    if isinstance(rule, dict) and "exists" in rule:
        return bool(leaves) is bool(rule["exists"])
    return any(_matches_leaf(leaf, rule) for leaf in leaves)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the plain values of a field: an array matches when any of its elements does, and objects are no leaves."""
    if isinstance(value, list):
        for element in value:
            yield from _leaves(element)
    elif not isinstance(value, dict | _Absent):
        yield value


def _matches_leaf(leaf: Any, rule: Any) -> bool:
    if not isinstance(rule, dict):
        return _same(leaf, rule)
    ((name, argument),) = rule.items()
    return bool(_OPERATORS[name](leaf, argument))


def _same(leaf: Any, wanted: Any) -> bool:
    return type(leaf) is type(wanted) and bool(
        leaf == wanted
    )  # 5, 5.0 and true are three different values to EventBridge


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(leaf: Any, argument: Any) -> bool:
    if isinstance(argument, dict):
        return isinstance(leaf, str) and leaf.lower().startswith(argument["equals-ignore-case"].lower())
    return isinstance(leaf, str) and leaf.startswith(argument)


def _suffix(leaf: Any, argument: Any) -> bool:
    if isinstance(argument, dict):
        return isinstance(leaf, str) and leaf.lower().endswith(argument["equals-ignore-case"].lower())
    return isinstance(leaf, str) and leaf.endswith(argument)


def _equals_ignore_case(leaf: Any, argument: Any) -> bool:
    return isinstance(leaf, str) and leaf.lower() == argument.lower()


def _wildcard(leaf: Any, argument: Any) -> bool:
    expression = "".join(
        ".*" if token == "*" else re.escape(token[-1]) for token in re.findall(r"\\[\\*]|.", argument, re.DOTALL)
    )
    return isinstance(leaf, str) and re.fullmatch(expression, leaf, re.DOTALL) is not None


def _numeric(leaf: Any, argument: Any) -> bool:
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return _is_number(leaf) and all(_NUMERIC[comparison](leaf, bound) for comparison, bound in pairs)


def _cidr(leaf: Any, argument: Any) -> bool:
    try:
        return ipaddress.ip_address(leaf) in ipaddress.ip_network(argument, strict=False)
    except ValueError:
        return False


def _anything_but(leaf: Any, argument: Any) -> bool:
    if not isinstance(argument, dict):
        return not any(_same(leaf, unwanted) for unwanted in _as_list(argument))
    ((name, unwanted),) = argument.items()
    return not any(_OPERATORS[name](leaf, one) for one in _as_list(unwanted))


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_object(pattern: Any, where: str) -> None:
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidPatternError(f"In {where} an object with at least one field is needed.")
    for name, wanted in pattern.items():
        if name == "$or":
            _check_branches(wanted, where)
        elif isinstance(wanted, dict):
            _check_object(wanted, f"{name!r}")
        elif not isinstance(wanted, list) or not wanted:
            raise InvalidPatternError(f"{name!r} must be an object or an array with at least one value.")
        else:
            _check_rules(wanted, name)


def _check_branches(branches: Any, where: str) -> None:
    if not isinstance(branches, list) or len(branches) < _BRANCHES_MIN:
        raise InvalidPatternError(f"'$or' in {where} must be an array of at least {_BRANCHES_MIN} patterns.")
    for branch in branches:
        _check_object(branch, "a branch of '$or'")


def _check_rules(rules: list[Any], field: str) -> None:
    for rule in rules:
        if isinstance(rule, dict):
            _check_operator(rule, field)
        elif isinstance(rule, list):
            raise InvalidPatternError(f"{field!r} holds an array inside an array.")


def _check_operator(rule: dict[str, Any], field: str) -> None:
    if len(rule) != 1:
        raise InvalidPatternError(f"A match expression of {field!r} must have exactly one operator.")
    ((name, argument),) = rule.items()
    check = _CHECKS.get(name)
    if check is None:
        raise InvalidPatternError(f"Unrecognized match type {name} of {field!r}.")
    if not check(argument):
        raise InvalidPatternError(f"The argument of {name} of {field!r} is not one that EventBridge accepts.")


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str) and bool(argument)


def _is_affix(argument: Any) -> bool:
    return _is_text(argument) or (_is_one_operator(argument, {"equals-ignore-case"}))


def _is_one_operator(argument: Any, allowed: set[str]) -> bool:
    return isinstance(argument, dict) and len(argument) == 1 and argument.keys() <= allowed


def _is_range(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) in _RANGE_LENGTHS
        and all(isinstance(comparison, str) and comparison in _NUMERIC for comparison in argument[::2])
        and all(_is_number(bound) for bound in argument[1::2])
    )


def _is_network(argument: Any) -> bool:
    try:
        return _is_text(argument) and ipaddress.ip_network(argument, strict=False) is not None
    except ValueError:
        return False


def _is_exclusion(argument: Any) -> bool:
    if _is_one_operator(argument, {"prefix", "suffix", "equals-ignore-case", "wildcard"}):
        (unwanted,) = argument.values()
        return bool(_as_list(unwanted)) and all(map(_is_text, _as_list(unwanted)))
    values = _as_list(argument)
    return bool(values) and (all(isinstance(value, str) for value in values) or all(map(_is_number, values)))


_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "exists": lambda argument: isinstance(argument, bool),
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": _is_text,
    "wildcard": lambda argument: _is_text(argument) and "**" not in argument,
    "numeric": _is_range,
    "cidr": _is_network,
    "anything-but": _is_exclusion,
}
