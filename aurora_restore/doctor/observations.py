"""What a check saw: any number of things, which together make one finding."""

from collections.abc import Iterable
from dataclasses import dataclass

from aurora_restore.findings import Finding, Status

_WORST_FIRST = (Status.FAILED, Status.WARNING, Status.OK)


@dataclass(frozen=True)
class Sight:
    """One thing that was seen: how it stands, `what` it is, and what to `do` about it.

    Both are sentences.
    """

    status: Status
    what: str
    do: str = ""


def fine(what: str) -> Sight:
    """See that something is as it should be."""
    return Sight(Status.OK, what)


def doubtful(what: str, do: str) -> Sight:
    """See something that will want attention."""
    return Sight(Status.WARNING, what, do)


def wrong(what: str, do: str) -> Sight:
    """See something that costs nights."""
    return Sight(Status.FAILED, what, do)


def finding(name: str, sights: Iterable[Sight]) -> Finding:
    """Make one finding of all that a check saw: as bad as the worst of it, with the worst first and each advice once.

    What is fine is told only where nothing is not.
    """
    ordered = sorted(sights, key=lambda sight: _WORST_FIRST.index(sight.status))
    status = ordered[0].status if ordered else Status.OK
    told = [sight for sight in ordered if status is Status.OK or sight.status is not Status.OK]
    between = " " if status is Status.OK else "\n"  # one problem a line
    whats, dos = ([sight.what for sight in told], [sight.do for sight in told])
    return Finding(name, status, _joined(between, whats), _joined(between, dos))


def _joined(between: str, sentences: Iterable[str]) -> str:
    return between.join(dict.fromkeys(filter(None, sentences)))
