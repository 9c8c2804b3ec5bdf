"""What was to be reached, and whether it is.

Judged on a later night, when the target's last one is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.load import Crowd
from bench.meter import CALLED, HEARTBEAT
from bench.nights import (
    AT_ONCE,
    OURS,
    P30,
    P60,
    POINTER,
    POINTER_RECORD,
    RESTARTED,
    SWAP,
    Row,
    Rows,
    Summary,
)
from chalicelib.runtime.heartbeat import ANNOUNCED_PER_TICK

SHORT, LONG = "20-minute copy", "4-hour copy"
PAGE: Final = 100
BEYOND_RENAMES: Final = 30  # seconds, beyond the two renames, and a restart where one is needed
POINTED: Final = 30  # seconds, where pointers lead to the target
BATCH_FULL: Final = 9.0  # events in a call, on average, that pass for batches of ten
_TICKS = (
    "No event tells that a copy is done, and nothing but a tick of the heartbeat looks again: that "
    "is seen half a minute late on average."
)
_LOOKS = (
    "More than half are calls that any run makes once, the preflight's and the rehearsal's above "
    "all; the others are a look for each event, and one for each halving of what is left."
)
_MANY = (
    f"A tick announces up to {ANNOUNCED_PER_TICK} operations, whose steps make about as many calls "
    "themselves."
)


@dataclass(frozen=True)
class Target:
    """A number that should be at most `limit`.

    `first` is that of a first night, `why` is said where it is missed.
    """

    words: str
    limit: float
    reached: float
    why: str
    first: float | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether it is reached."""
        return self.reached <= self.limit


def of_nights(rows: Rows) -> list[Target]:
    """Judge one operation a night."""
    return [*_replaced(rows), *_added(rows), *_never(rows), *_calls(rows)]


def _replaced(rows: Rows) -> list[Target]:
    """Judge what people feel of a replacement, by the worst night where it is a swap."""
    found = {who[1:]: row for who, row in rows.items() if who[0] == SHORT}
    swapped = {"events after 5 s": (SWAP, 5.0), "no event ever": (SWAP, None)}
    swapped["a restart besides"] = (RESTARTED, 5.0)
    beyond = [
        Target(
            f"seconds without a usable target beyond Aurora's own, swap, {words}, the worst night",
            BEYOND_RENAMES,
            found[who].later.outage.beyond_aurora_most,
            "A look comes late after a rename.",
            found[who].first.outage.beyond_aurora_most,
        )
        for words, who in swapped.items()
    ]
    deleting, other = found[OURS, 5.0], found[P30, None]
    at_once, kept = found[AT_ONCE, 5.0], found[SWAP, 5.0]
    return [
        *beyond,
        *_pointed(found),
        Target(
            "seconds without a usable target, delete-first, times the 30 s poller's",
            1.0,
            deleting.later.outage.strict / other.later.outage.strict,
            "Functions start cold between the deletion and the users.",
            deleting.first.outage.strict / other.first.outage.strict,
        ),
        Target(
            "the whole night with swap, times the one with delete-first",
            1.0,
            kept.later.took / deleting.later.took,
            "Two renames take longer than the deletion.",
            kept.first.took / deleting.first.took,
        ),
        Target(
            "the whole night when the previous target is deleted at once, times when it is kept",
            1.0,
            at_once.later.took / kept.later.took,
            "The deletion is in the way of the night's end.",
            at_once.first.took / kept.first.took,
        ),
        Target(
            "the whole night with pointer, times the one with delete-first",
            1.0,
            found[POINTER, 5.0].later.took / deleting.later.took,
            "The proof of the logins and the move of the pointers take longer than the deletion.",
            found[POINTER, 5.0].first.took / deleting.first.took,
        ),
    ]


def _pointed(found: Mapping[tuple[str, float | None], Row]) -> list[Target]:
    """Judge what clients of pointers feel, by the worst night."""
    pointed = {
        "events after 5 s": (POINTER, 5.0),
        "no event ever": (POINTER, None),
        "clients of the record": (POINTER_RECORD, 5.0),
    }
    return [
        Target(
            f"seconds without a usable target, pointer, {words}, the worst night",
            POINTED,
            found[who].later.outage.strict_most,
            "A pointer leads to a cluster that does not serve.",
            found[who].first.outage.strict_most,
        )
        for words, who in pointed.items()
    ]


def _added(rows: Rows) -> list[Target]:
    ours, other = rows[SHORT, OURS, 5.0], rows[SHORT, P30, None]
    return [
        Target(
            "seconds added to a 20-minute copy, events after 5 s",
            60,
            ours.later.added,
            f"{_TICKS} The rest are starts of functions, calls, and the lateness of four events.",
            ours.first.added,
        ),
        Target(
            "the same, times what the 30 s poller adds",
            0.8,
            ours.later.added / other.later.added,
            f"{_TICKS} The poller is told of everything fifteen seconds late on average.",
            ours.first.added / other.first.added,
        ),
    ]


def _never(rows: Rows) -> list[Target]:
    why = (
        "Both see each of five waits half a minute late on average, and ours has more to do "
        "between them: the router, the bus between steps, and functions that start cold."
    )
    return [
        Target(
            f"seconds added to a {case} when no event ever comes, times what the 60 s poller adds",
            1.0,
            rows[case, OURS, None].later.added / rows[case, P60, None].later.added,
            why,
            rows[case, OURS, None].first.added / rows[case, P60, None].first.added,
        )
        for case in (SHORT, LONG)
    ]


def _calls(rows: Rows) -> list[Target]:
    found = []
    for kind, words, limits, why in (
        ("rds", "calls of RDS", (0.4, 0.1), _LOOKS),
        (
            "requests",
            "invocations, heartbeats counted",
            (0.8, 0.6),
            "The heartbeat's ticks are most of them; every wait is announced, looked at, and held.",
        ),
    ):
        for case, limit in zip((SHORT, LONG), limits, strict=True):
            ours, other = rows[case, OURS, 5.0], rows[case, P30, None]
            later, first = (
                _times(kind, ours.later, other.later),
                _times(kind, ours.first, other.first),
            )
            found.append(
                Target(f"{words}, {case}, times the 30 s poller's", limit, later, why, first)
            )
    return found


def _times(kind: str, ours: Summary, other: Summary) -> float:
    return ours.counts[kind] / other.counts[kind]


def of_crowds(crowds: Sequence[Crowd]) -> list[Target]:
    """Judge many operations at once."""
    single, many = crowds[0], crowds[-1]
    calls = calls_each(many) / calls_each(single)
    beat = many.meter.by_kind([HEARTBEAT])
    batch = beat["events"] / max(1.0, beat["events calls"])
    return [
        Target(
            f"AWS calls of each of {many.size:,} operations, times those of one alone",
            1.05,
            calls,
            "Work of the heartbeat's that grows faster than what is due.",
        ),
        Target(
            "items that a tick reads at most",
            ANNOUNCED_PER_TICK + PAGE,
            max(crowd.tick_items for crowd in crowds),
            "A tick reads more than what it announces and the page that it stops in.",
        ),
        Target(
            "calls of PutEvents for ten events of the heartbeat",
            10 / BATCH_FULL if many.size >= PAGE else 10,
            10 / batch,
            "Batches are not full.",
        ),
        Target(
            "calls of RDS beyond its rate by the steps that a tick announces",
            0,
            max(crowd.asked_beyond for crowd in crowds),
            _MANY,
        ),
        Target(
            "calls of RDS beyond its rate that a tick causes, with all that follows from it",
            0,
            max(crowd.tick_beyond for crowd in crowds),
            f"{_MANY} Where a look finds the copy done, preflight, rehearsal and deletion follow "
            "at once, about thirty calls; and operations that were begun together come to that "
            "together. RDS answers with throttling, from which each step backs off: it costs time, "
            "not the restore.",
        ),
    ]


def calls_each(crowd: Crowd) -> float:
    """Count the AWS calls of one operation among so many."""
    counts: Mapping[str, float] = crowd.meter.by_kind()
    return sum(counts.get(kind, 0) for kind in CALLED) / crowd.size
