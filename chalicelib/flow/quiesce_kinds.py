"""The kinds of activity that are stopped on the copy, as QUIESCE and the records name them."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

PREPARED_TRANSACTIONS = "prepared-transactions"
CUT_OFF = ("subscriptions", "user-mappings", "foreign-servers", "dblink")
"""Kinds that reach production: where one of them cannot be stopped, no users are created."""
REPORTED = ("dblink-callers", "aws-callers")
"""Kinds that are counted only: code of production's that only its owner may change."""
KINDS = (  # in the order in which they are stopped
    PREPARED_TRANSACTIONS,  # they hold locks that the others need
    "event-triggers",  # the statements that stop the others would fire them
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
_EXPECTED = (
    f"{ALL}, {NONE}, or the kinds to leave as they are, each after a minus, such as -event-triggers"
)


class _Words(NamedTuple):
    """The nouns of a kind in sentences, and what is done to it on the copy."""

    singular: str
    plural: str
    done: str


_WORDS = {
    PREPARED_TRANSACTIONS: _Words("prepared transaction", "prepared transactions", "rolled back"),
    "event-triggers": _Words("event trigger", "event triggers", "disabled"),
    "replication-slots": _Words("replication slot", "replication slots", "dropped"),
    "subscriptions": _Words("subscription", "subscriptions", "dropped"),
    "cron-jobs": _Words("pg_cron job", "pg_cron jobs", "disabled"),
    "partman": _Words("table of pg_partman", "tables of pg_partman", "taken off its worker"),
    "user-mappings": _Words("user mapping", "user mappings", "dropped"),
    "foreign-servers": _Words("foreign server", "foreign servers", "cut off"),
    "foreign-data-wrappers": _Words("foreign-data wrapper", "foreign-data wrappers", "closed"),
    "dblink": _Words(
        "extension or routine of dblink", "extensions or routines of dblink", "dropped or closed"
    ),
    "dblink-callers": _Words("function that calls dblink", "functions that call dblink", ""),
    "aws-callers": _Words("function that calls AWS", "functions that call AWS", ""),
}


class Remaining(NamedTuple):
    """Activity that could not be stopped, or a database that could not be inspected.

    `kind` is "" for such a database.
    """

    kind: str
    what: str

    @property
    def reaches_production(self) -> bool:
        """Whether it may lead from the copy to production."""
        return self.kind in CUT_OFF

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.kind else self.what


def chosen(value: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds that a value of QUIESCE stops; raises ValueError for an unknown word.

    Every kind is stopped unless it is excluded, so that no list of a plan can forget one.
    """
    if tuple(value) == (NONE,):
        return ()
    for word in value:
        if word != ALL and word.removeprefix(LEFT) not in KINDS:
            raise ValueError(f"should be {_EXPECTED}; {_nearest(word)}")
        if word in KINDS:
            raise ValueError(f"should be {_EXPECTED}: {LEFT}{word} leaves that kind as it is")
    return tuple(kind for kind in KINDS if f"{LEFT}{kind}" not in value)


def summary(counts: Mapping[str, int], kinds: Iterable[str]) -> str:
    """Summarize kinds, such as `3 pg_cron jobs disabled, 2 user mappings dropped`."""
    return ", ".join(_described(kind, counts[kind]) for kind in kinds if counts.get(kind))


def _described(kind: str, count: int) -> str:
    words = _WORDS[kind]
    noun = words.singular if count == 1 else words.plural
    return f"{count:,} {noun} {words.done}".rstrip()


def sentence(counts: Mapping[str, int], left: Sequence[str]) -> str:
    """Say what was stopped, what was only counted, and what QUIESCE excluded."""
    stopped = summary(counts, [kind for kind in KINDS if kind not in REPORTED])
    reported = summary(counts, REPORTED)
    parts = [
        f"stopped or cut off: {stopped}" if stopped else "nothing was found to stop",
        *([f"reported only: {reported}"] if reported else []),
        *([f"left as in production (QUIESCE): {', '.join(left)}"] if left else []),
    ]
    return "; ".join(parts)


def _nearest(word: str) -> str:
    near = get_close_matches(word.removeprefix(LEFT), KINDS, n=1)
    known = f"the kinds are {', '.join(KINDS)}"
    return f"did you mean {LEFT}{near[0]}?" if near else known
