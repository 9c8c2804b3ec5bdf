"""Event patterns, matched as EventBridge matches them.

moto's own matcher lets an unknown operator match everything, never matches inside arrays of objects
and takes `true` for `1` (moto 5.2). A rule that fires locally and not on AWS is worse than none, so
this one is whole: what it does not know is refused when the rule is put.
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from localaws.documents import strict_json

PATTERN_CHARACTERS_MAX: Final = 2048
_NUMERIC: Final = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_OPENERS: Final = frozenset({">", ">="})
_CLOSERS: Final = frozenset({"<", "<="})
_BRANCHES_MIN: Final = 2
_STARS_MAX: Final = 5


class InvalidPatternError(Exception):
    """The pattern would be refused by PutRule. The text says why, in one sentence."""


class _Absent:
    """Stands for a field that the event does not have."""


_ABSENT: Final = _Absent()


@lru_cache(maxsize=256)
def parse(pattern: str) -> dict[str, Any]:
    """Read and check a pattern.

    Raise InvalidPatternError for whatever AWS, or this matcher, does not accept.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise InvalidPatternError(
            f"It has {len(pattern)} characters; EventBridge allows {PATTERN_CHARACTERS_MAX}."
        )
    try:
        parsed = strict_json(pattern)
    except ValueError as error:
        raise InvalidPatternError(f"It is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise InvalidPatternError("It must be a JSON object.")
    _check_object(parsed, "the pattern")
    return _nested_pattern(parsed)


def matches(event: Any, pattern: dict[str, Any]) -> bool:
    """Tell whether an event (the whole envelope) satisfies a pattern that `parse` accepted."""
    return _matches(_nested(event), pattern)


def _nested_pattern(pattern: dict[str, Any]) -> dict[str, Any]:
    """Write `{"a.b": …}` as `{"a": {"b": …}}`: to EventBridge they are the same path."""
    nested: dict[str, Any] = {}
    for name, wanted in pattern.items():
        if name == "$or":
            nested[name] = [_nested_pattern(branch) for branch in wanted]
        else:
            inner = _nested_pattern(wanted) if isinstance(wanted, dict) else wanted
            _add_field(nested, _under(name, inner), name)
    return nested


def _under(name: str, value: Any) -> dict[str, Any]:
    """Wrap a value in one object for each part of its dotted name."""
    head, dot, rest = name.partition(".")
    return {head: _under(rest, value)} if dot else {head: value}


def _add_field(pattern: dict[str, Any], addition: dict[str, Any], path: str) -> None:
    ((name, wanted),) = addition.items()
    present = pattern.setdefault(name, wanted)
    if present is wanted:
        return
    if not (isinstance(present, dict) and isinstance(wanted, dict)):
        raise InvalidPatternError(f"The field {path!r} is named twice.")
    for inner, value in wanted.items():
        _add_field(present, {inner: value}, path)


def _nested(value: Any) -> Any:
    """Write the dotted names of an event as nested objects, at every depth."""
    if isinstance(value, list):
        return [_nested(element) for element in value]
    if not isinstance(value, dict):
        return value
    inside = {name: _nested(inner) for name, inner in value.items()}
    if not any("." in name for name in inside):  # as in nearly every event
        return inside
    nested: dict[str, Any] = {}
    for name, inner in inside.items():
        nested = _merged(nested, _under(name, inner))
    return nested


def _merged(nested: Any, dotted: Any) -> Any:
    """Join what an event has at one path, nested and dotted: any of the values may match."""
    if not (isinstance(nested, dict) and isinstance(dotted, dict)):
        return [*_as_list(nested), *_as_list(dotted)]
    shared = {name: _merged(nested[name], dotted[name]) for name in nested.keys() & dotted.keys()}
    return {**nested, **dotted, **shared}


def _matches(event: Any, pattern: dict[str, Any]) -> bool:
    if isinstance(event, list):
        # All fields of one object in a pattern must match within the same element.
        return any(_matches(element, pattern) for element in event)
    fields = event if isinstance(event, dict) else {}
    return all(_matches_field(event, fields, name, wanted) for name, wanted in pattern.items())


def _matches_field(event: Any, fields: dict[str, Any], name: str, wanted: Any) -> bool:
    if name == "$or":
        return any(_matches(event, branch) for branch in wanted)
    value = fields.get(name, _ABSENT)
    if isinstance(wanted, dict):
        return _matches(value, wanted)
    return any(_matches_rule(value, rule) for rule in wanted)


def _matches_rule(value: Any, rule: Any) -> bool:
    leaves = list(_leaves(value))
    # `exists` looks at leaves only: an object is none (EventBridge user guide, exists matching).
    if isinstance(rule, dict) and "exists" in rule:
        return bool(leaves) is bool(rule["exists"])
    return any(_matches_leaf(leaf, rule) for leaf in leaves)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the plain values of a field: an array matches when any of its elements does."""
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
    """Compare as EventBridge does: 300 is 300.0, and neither is "300" or true."""
    if _is_number(leaf) and _is_number(wanted):
        return bool(leaf == wanted)
    # By type, too: in Python true equals 1.
    return type(leaf) is type(wanted) and bool(leaf == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(leaf: Any, argument: Any) -> bool:
    if isinstance(argument, dict):
        return isinstance(leaf, str) and leaf.lower().startswith(
            argument["equals-ignore-case"].lower()
        )
    return isinstance(leaf, str) and leaf.startswith(argument)


def _suffix(leaf: Any, argument: Any) -> bool:
    if isinstance(argument, dict):
        return isinstance(leaf, str) and leaf.lower().endswith(
            argument["equals-ignore-case"].lower()
        )
    return isinstance(leaf, str) and leaf.endswith(argument)


def _equals_ignore_case(leaf: Any, argument: Any) -> bool:
    return isinstance(leaf, str) and leaf.lower() == argument.lower()


def _wildcard(leaf: Any, argument: Any) -> bool:
    expression = "".join(
        ".*" if token == "*" else re.escape(token[-1])
        for token in re.findall(r"\\[\\*]|.", argument, re.DOTALL)
    )
    return isinstance(leaf, str) and re.fullmatch(expression, leaf, re.DOTALL) is not None


def _numeric(leaf: Any, argument: Any) -> bool:
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return _is_number(leaf) and all(
        _NUMERIC[comparison](leaf, bound) for comparison, bound in pairs
    )


def _cidr(leaf: Any, argument: Any) -> bool:
    try:
        return isinstance(leaf, str) and ipaddress.ip_address(leaf) in ipaddress.ip_network(
            argument, strict=False
        )
    except ValueError:
        return False


def _anything_but(leaf: Any, argument: Any) -> bool:
    if not isinstance(argument, dict):
        return not any(_same(leaf, unwanted) for unwanted in _as_list(argument))
    ((name, unwanted),) = argument.items()
    return not any(_OPERATORS[name](leaf, value) for value in _as_list(unwanted))


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
            raise InvalidPatternError(
                f"{name!r} must be an object or an array with at least one value."
            )
        else:
            _check_rules(wanted, name)


def _check_branches(branches: Any, where: str) -> None:
    if not isinstance(branches, list) or len(branches) < _BRANCHES_MIN:
        raise InvalidPatternError(
            f"'$or' in {where} must be an array of at least {_BRANCHES_MIN} patterns."
        )
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
        raise InvalidPatternError(
            f"A match expression of {field!r} must have exactly one operator."
        )
    ((name, argument),) = rule.items()
    check = _CHECKS.get(name)
    if check is None:
        raise InvalidPatternError(f"Unrecognized match type {name} of {field!r}.")
    if not check(argument):
        raise InvalidPatternError(
            f"The argument of {name} of {field!r} is not one that EventBridge accepts."
        )


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str)


def _is_affix(argument: Any) -> bool:
    if _is_one_operator(argument, {"equals-ignore-case"}):
        return _is_text(argument["equals-ignore-case"])
    return _is_text(argument)


def _is_wildcard(argument: Any) -> bool:
    """Accept at most _STARS_MAX stars.

    AWS calls `*:*:*:*:*:event-bus/*` too complex, and documents no number.
    """
    if not _is_text(argument):
        return False
    stars = re.findall(r"\\.|\*", argument, re.DOTALL).count("*")
    return "**" not in argument and stars <= _STARS_MAX


def _is_one_operator(argument: Any, allowed: set[str]) -> bool:
    return isinstance(argument, dict) and len(argument) == 1 and argument.keys() <= allowed


def _is_range(argument: Any) -> bool:
    """Accept one comparison, or a lower bound followed by an upper one that is larger."""
    match argument:
        case [str(comparison), bound]:
            return comparison in _NUMERIC and _is_number(bound)
        case [str(opener), bottom, str(closer), top]:
            numbers = _is_number(bottom) and _is_number(top) and bottom < top
            return numbers and opener in _OPENERS and closer in _CLOSERS
    return False


def _is_network(argument: Any) -> bool:
    """Accept an address and the number of its leading bits; EventBridge knows no other notation."""
    if not _is_text(argument) or not argument.rpartition("/")[2].isdecimal() or "/" not in argument:
        return False
    try:
        return ipaddress.ip_network(argument, strict=False) is not None
    except ValueError:
        return False


def _is_exclusion(argument: Any) -> bool:
    if _is_one_operator(argument, set(_EXCLUDING)):
        ((name, unwanted),) = argument.items()
        return bool(_as_list(unwanted)) and all(map(_EXCLUDING[name], _as_list(unwanted)))
    values = _as_list(argument)
    return bool(values) and (
        all(isinstance(value, str) for value in values) or all(map(_is_number, values))
    )


_EXCLUDING: Final[dict[str, Callable[[Any], bool]]] = {
    "prefix": lambda unwanted: _is_text(unwanted) and bool(unwanted),
    "suffix": lambda unwanted: _is_text(unwanted) and bool(unwanted),
    "equals-ignore-case": _is_text,
    "wildcard": _is_wildcard,
}
"""What anything-but may exclude; unlike alone, a prefix or a suffix must not be empty there."""


_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "exists": lambda argument: isinstance(argument, bool),
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": _is_text,
    "wildcard": _is_wildcard,
    "numeric": _is_range,
    "cidr": _is_network,
    "anything-but": _is_exclusion,
}
