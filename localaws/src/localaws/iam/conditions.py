"""The Condition element of a statement (IAM user guide, "Condition operators").

An operator that is not known is refused when a policy is read: one that were passed over would make
an Allow wider than it is, or a Deny narrower.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from localaws.iam import wildcards

Context = Mapping[str, tuple[str, ...]]
"""Keys in lower case (AWS ignores their case), each with its one or several values."""

Test = Callable[[str, str], bool]
"""From the policy's value and the request's to whether they agree."""

_FOR_ALL: Final = "ForAllValues:"
_FOR_ANY: Final = "ForAnyValue:"
_IF_EXISTS: Final = "IfExists"


class UnknownOperatorError(ValueError):
    """A condition uses an operator that is not modelled. The text names it."""


def _equal(wanted: str, given: str) -> bool:
    return wanted == given


def _equal_ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Test:
    def test(wanted: str, given: str) -> bool:
        try:
            return compare(Decimal(given), Decimal(wanted))
        except InvalidOperation:
            return False

    return test


_TESTS: Final[Mapping[str, Test]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": wildcards.matches,
    "ArnEquals": wildcards.matches_arn,  # the same as ArnLike, with wildcards (IAM user guide)
    "ArnLike": wildcards.matches_arn,
    "Bool": _equal_ignoring_case,
    "NumericEquals": _numeric(lambda given, wanted: given == wanted),
    "NumericLessThan": _numeric(lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _numeric(lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _numeric(lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _numeric(lambda given, wanted: given >= wanted),
}
_NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


@dataclass(frozen=True)
class Condition:
    """One key of one operator, with the values that the policy gives it."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if self._name != "Null" and self._name not in _TESTS.keys() | _NEGATED.keys():
            raise UnknownOperatorError(
                f"localaws does not know the condition operator {self.operator}."
            )

    @property
    def _name(self) -> str:
        name = self.operator.removeprefix(_FOR_ALL).removeprefix(_FOR_ANY)
        return name if name == "Null" else name.removesuffix(_IF_EXISTS)

    def holds(self, context: Context) -> bool:
        """Tell whether a request's context meets this condition."""
        given = tuple(value for value in context.get(self.key.lower(), ()) if value != "")
        if self._name == "Null":
            return any((value.lower() == "true") is not bool(given) for value in self.values)
        if not given:
            return self._holds_without_key()
        agrees = map(self._agrees, given)
        if self.operator.startswith(_FOR_ALL):
            return all(agrees)
        if self.operator.startswith(_FOR_ANY) or self._name in _TESTS:
            return any(agrees)
        # A negated operator without a set operator: no value may be one of the policy's.
        return all(agrees)

    def _holds_without_key(self) -> bool:
        """Judge a missing or empty key: negated operators hold then, and ForAllValues does."""
        if self.operator.startswith(_FOR_ANY):
            return False
        return (
            self.operator.startswith(_FOR_ALL)
            or self.operator.endswith(_IF_EXISTS)
            or self._name in _NEGATED
        )

    def _agrees(self, given: str) -> bool:
        """Compare one value of the request with all of the policy: any may agree, or none may."""
        test = _TESTS[_NEGATED.get(self._name, self._name)]
        return any(test(wanted, given) for wanted in self.values) is (self._name in _TESTS)


def all_hold(conditions: Iterable[Condition], context: Context) -> bool:
    """Tell whether every condition of a statement is met."""
    return all(condition.holds(context) for condition in conditions)
