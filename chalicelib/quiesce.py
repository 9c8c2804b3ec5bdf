"""What a restored cluster must not go on doing: the kinds of it, as QUIESCE and the record name them."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

PREPARED_TRANSACTIONS = "prepared-transactions"
CUT_OFF = ("subscriptions", "user-mappings", "foreign-servers", "dblink")
"""Kinds that reach production: where one of them cannot be stopped, nobody is let in to the copy."""
REPORTED = ("dblink-callers", "aws-callers")
"""Kinds that are counted only: code of production's that nobody but its owner may change."""
KINDS = (  # in the order in which they are stopped
    PREPARED_TRANSACTIONS,  # they hold locks that the others need
    "event-triggers",  # they would run at what stops the others
    "replication-slots",
    "subscriptions",
    "cron-jobs",
    "partman",
    "user-mappings",
    "foreign-servers",
    "foreign-data-wrappers",
    "dblink",
    *REPORTED,
)
ALL, NONE, LEFT = "all", "none", "-"


class Remaining(NamedTuple):
    """What could not be stopped or not be looked at; `kind` is "" for a database that nothing is known of."""

    kind: str
    what: str

    @property
    def reaches_production(self) -> bool:
        """It may be a way from the copy to production."""
        return self.kind in CUT_OFF

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.kind else self.what


def chosen(value: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds that a value of QUIESCE stops; ValueError for one that it may not have.

    Everything is stopped unless it is named off, so that no list of people's forgets a kind.
    """
    if tuple(value) == (NONE,):
        return ()
    for word in value:
        if word != ALL and word.removeprefix(LEFT) not in KINDS:
            raise ValueError(f"should be {_meant()}; {_nearest(word)}")
        if word in KINDS:
            raise ValueError(f"should be {_meant()}: {LEFT}{word} leaves that kind as it is")
    return tuple(kind for kind in KINDS if f"{LEFT}{kind}" not in value)


def told(counts: Mapping[str, int], kinds: Iterable[str]) -> str:
    """Say what of these kinds was found: `cron-jobs 3, user-mappings 2`."""
    return ", ".join(f"{kind} {counts[kind]:,}" for kind in kinds if counts.get(kind))


def sentence(counts: Mapping[str, int], left: Sequence[str]) -> str:
    """Say what was stopped, what was only counted, and what was left because QUIESCE names it off."""
    stopped = told(counts, [kind for kind in KINDS if kind not in REPORTED])
    reported = told(counts, REPORTED)
    parts = [
        f"stopped or cut off: {stopped or 'nothing was found'}",
        *([f"reported only: {reported}"] if reported else []),
        *([f"left as in production (QUIESCE): {', '.join(left)}"] if left else []),
    ]
    return "; ".join(parts)


def _meant() -> str:
    return f"{ALL}, {NONE}, or the kinds to leave as they are, each after a minus, such as -event-triggers"


def _nearest(word: str) -> str:
    near = get_close_matches(word.removeprefix(LEFT), KINDS, n=1)
    known = f"the kinds are {', '.join(KINDS)}"
    return f"did you mean {LEFT}{near[0]}?" if near else known
