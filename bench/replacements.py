"""The page's section about the replacement of a target: what people feel, and what it costs."""

from collections.abc import Mapping
from typing import Final

from bench.markdown import filled, table
from bench.meter import CALLED, Meter
from bench.nights import (
    AT_ONCE,
    BY_HAND,
    FIRST_CASE,
    OURS,
    P30,
    P60,
    POINTER,
    POINTER_AT_ONCE,
    POINTER_RECORD,
    POINTER_STOPPED,
    RESTARTED,
    STOPPED,
    SWAP,
    USUAL_NIGHT,
    Rows,
    Summary,
)
from bench.pointed import CONNECT_SECONDS
from bench.prices import PRICES
from bench.rates import RDS_PER_SECOND
from chalicelib.aws.pointer_places import TTL_SECONDS
from chalicelib.target.patience import LOOK_SECONDS
from simulation.in_memory_services import PROPAGATION

Later = Mapping[tuple[str, float | None], Summary]  # by contender and lateness of its events
DELETE_FIRST: Final = "choreography, delete-first"
STORED_GB: Final = 100
INSTANCES: Final = 2
_FELT: Final = {  # the rows of the first table, and what is measured for each
    f"{SWAP}, events after 5 s": (SWAP, 5.0),
    f"{SWAP}, events never": (SWAP, None),
    f"{POINTER}, events after 5 s": (POINTER, 5.0),
    f"{POINTER}, events never": (POINTER, None),
    f"{POINTER_RECORD}, events after 5 s": (POINTER_RECORD, 5.0),
    f"{DELETE_FIRST}, events after 5 s": (OURS, 5.0),
    f"{DELETE_FIRST}, events never": (OURS, None),
    f"{P30}, delete-first": (P30, None),
    f"{P60}, delete-first": (P60, None),
    f"{P30}, {BY_HAND}": (BY_HAND, None),
    f"{RESTARTED}, clients with verify-full": (RESTARTED, 5.0),
}
_SETTINGS: Final = {  # the rows about the previous target
    "swap, KEEP_PREVIOUS_HOURS=12, the default": SWAP,
    "swap, KEEP_PREVIOUS_HOURS=12, STOP_PREVIOUS=true": STOPPED,
    "swap, KEEP_PREVIOUS_HOURS=0": AT_ONCE,
    "pointer, KEEP_PREVIOUS_HOURS=12, the default": POINTER,
    "pointer, KEEP_PREVIOUS_HOURS=12, STOP_PREVIOUS=true": POINTER_STOPPED,
    "pointer, KEEP_PREVIOUS_HOURS=0": POINTER_AT_ONCE,
}
_FELT_HEAD: Final = (
    "later night",
    "s without a target",
    "most",
    "times the 30 s poller's",
    "s beyond Aurora's renames and restart",
    "most",
    "s without, if a cluster answers to its end",
    "s from event to usable",
    "times the 30 s poller's",
    "whole night, s",
    "times delete-first's",
)
_DELETION_HEAD: Final = (
    "later night",
    "s from event to usable",
    "whole night, s",
    "the deletion begins, s after usable",
)
_COST_HEAD: Final = (
    "a day with one night, beyond delete-first's",
    "hours of a second cluster",
    "hours of an instance",
    "$ of instances",
    f"$ of storage, {STORED_GB} GB",
    "$ a day",
)


def replacements_section(rows: Rows) -> str:
    """Write how long people have no target, where the deletion is, and what a cluster costs."""
    later = {row[1:]: found.later for row, found in rows.items() if row[0] == FIRST_CASE}
    parts = [
        _WORDS,
        filled(_ASSUMED),
        "\n".join(map(filled, _CONTENDERS)),
        _felt(later),
        _DELETION,
        _deletions(later),
    ]
    parts.insert(4, filled(_turning(later)))
    parts += [filled(_CALLS), _calls(later), filled(_COST), _costs(later)]
    return "\n\n".join(part.strip() for part in parts)


_WORDS: Final = """
## How long people have no usable target

A target is usable while a cluster has the target's name and lets the plan's users log in there.
That is judged by looking at the model after each change in it, not by the app's record. Nobody has
measured on AWS whether a cluster answers while it is renamed, or while its writer is deleted. So
the first figures take it for unusable from the moment at which AWS accepts the request. In the
model a server answers until its name has changed, or its last instance is gone: that is "without,
if a cluster answers to its end".

"""
_RENAME: Final = USUAL_NIGHT.rename_lag + USUAL_NIGHT.rename
_ASSUMED: Final = f"""
Assumed of Aurora: {_RENAME:.0f} s for a rename, in the first {USUAL_NIGHT.rename_lag:.0f} s of
which the cluster still shows `available`; {USUAL_NIGHT.cluster_stop:.0f} s for a stop and
{USUAL_NIGHT.cluster_start:.0f} s for a start. The nights are those of the {FIRST_CASE}, drawn anew
each time and the same for all.
"""
_CONTENDERS: Final = (
    """
- **By hand**: the poller's steps restore a second cluster. Then somebody renames the two without
  delay, one after the other, and looks every 30 s, as the command line's own waiter does.
""",
    """
- **Clients with verify-full** stay out until a renamed cluster was restarted, if its certificate
  has the old name until then. All other clients get in as in the first row.
""",
    f"""
- **Clients of a pointer** are told by nobody that it was moved. Each is taken to connect again once
  in a night, and to read the secret or a parameter whenever it connects. That read and the login
  are counted: {CONNECT_SECONDS:.2f} s by the assumptions below. The rest is judged as above, by the
  cluster that the pointer names at each moment. A client that keeps what it has read stays with the
  old data, which is served for `KEEP_PREVIOUS_HOURS`.
""",
    f"""
- **Clients of the record** may be led to the old cluster until all of Route 53's servers have the
  new value, {PROPAGATION.seconds} s assumed, and for the record's TTL of {TTL_SECONDS} s after
  that. In this time the target is taken for usable only while both clusters are.
""",
)


def _felt(later: Later) -> str:
    return table(_FELT_HEAD, [(words, *_felt_in(later, who)) for words, who in _FELT.items()])


def _felt_in(later: Later, who: tuple[str, float | None]) -> tuple[str, ...]:
    found, poller, today = later[who], later[P30, None].outage, later[OURS, 5.0]
    outage, is_swapped = found.outage, who[0] not in (OURS, P30, P60)
    return (
        _tenths(outage.strict),
        _tenths(outage.strict_most),
        f"{outage.strict / poller.strict:.3f}",
        _tenths(outage.beyond_aurora) if is_swapped else "",
        _tenths(outage.beyond_aurora_most) if is_swapped else "",
        _tenths(outage.lenient),
        f"{outage.usable_after:.0f}",
        f"{outage.usable_after / poller.usable_after:.3f}",
        f"{found.took:.0f}",
        f"{found.took / today.took:.3f}",
    )


def _turning(later: Later) -> str:
    """Say for how long clients of pointers have different data."""
    found, record = (later[who, 5.0].outage.turning for who in (POINTER, POINTER_RECORD))
    return f"""
While pointers are moved, some clients are led to the old cluster and others to the new one: for
{found:.2f} s from the secret to the parameters, and for {record:.0f} s until nobody is given the
record's former value.
"""


def _tenths(seconds: float) -> str:
    """Write seconds; less than one with another digit."""
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}"


_DELETION: Final = """
With `swap` and `pointer` the new data is usable later than with `delete-first`: they begin to lead
people to it when all instances are available, where `delete-first` lets people in before the
readers are. Until then they have the data of the night before.

The deletion of the previous cluster is in nobody's way: an operation of its own begins it after the
new target is open. The night takes as long whether that is at once or half a day later.
"""


def _deletions(later: Later) -> str:
    found = {words: later[who, 5.0] for words, who in _SETTINGS.items()}
    found["delete-first"] = later[OURS, 5.0]
    rows = (
        (
            words,
            f"{night.outage.usable_after:.1f}",
            f"{night.took:.1f}",
            f"{night.outage.deletion_after:,.0f}",
        )
        for words, night in found.items()
    )
    return table(_DELETION_HEAD, rows)


_CALLS: Final = f"""
What a night with a second cluster calls and costs beside one that deletes first; events after 5 s.
While clusters are renamed or restarted, or Route 53 takes a record to its servers, `swap-target`
looks every {LOOK_SECONDS} s and is billed for the time between. In a swap a look is one call of
RDS while a rename is under way, and two or three before and after it, where RDS takes
{RDS_PER_SECOND} calls in a second of an account in a region.
"""


def _calls(later: Later) -> str:
    swapped, pointed, deleting = (later[who, 5.0] for who in (SWAP, POINTER, OURS))
    found = {
        DELETE_FIRST: deleting.meter,
        SWAP: swapped.meter,
        "the deletion of the previous target, half a day later": swapped.retirement,
        f"{SWAP}, with that": _both(swapped),
        f"{RESTARTED}, without that": later[RESTARTED, 5.0].meter,
        POINTER: pointed.meter,
        f"{POINTER}, with the deletion": _both(pointed),
        f"{POINTER_RECORD}, without that": later[POINTER_RECORD, 5.0].meter,
    }
    kinds = ("requests", "seconds", *CALLED, "route53", "write units", "read units", "events")
    head = ("later night", "invocations", "billed s", *kinds[2:], "$")
    return table(head, [(words, *_counted(meter, kinds)) for words, meter in found.items()])


def _both(night: Summary) -> Meter:
    """Add up a night and the deletion of the previous target."""
    both = Meter(night.meter.counts)
    for (function, kind), number in night.retirement.counts.items():
        both.add(function, kind, number)
    return both


def _counted(meter: Meter, kinds: tuple[str, ...]) -> tuple[str, ...]:
    counts = meter.by_kind()
    return (*(f"{counts.get(kind, 0):.1f}" for kind in kinds), f"{meter.dollars:.5f}")


_COST: Final = f"""
A swap needs a second cluster beside the target, as a pointer does: from its restore until then the
new one, and afterwards the previous one until `KEEP_PREVIOUS_HOURS` are over. Each has
{INSTANCES} instances of the class db.r6g.large. Instances are billed while they are available,
storage while the cluster exists. A stopped cluster (`STOP_PREVIOUS=true`) costs its storage; it is
started to be deleted, and AWS starts it by itself after seven days. I/O, backups and reserved
instances are left out.
"""


def _costs(later: Later) -> str:
    today = later[OURS, 5.0].day
    rows = []
    for words, who in _SETTINGS.items():
        day = later[who, 5.0].day
        clusters, instances = day.clusters - today.clusters, day.instances - today.instances
        paid = instances * PRICES["instance hours"].dollars
        stored = clusters * STORED_GB * PRICES["GB hours"].dollars
        rows.append(
            (
                words,
                f"{clusters:.2f}",
                f"{instances:.2f}",
                f"{paid:.2f}",
                f"{stored:.3f}",
                f"{paid + stored:.2f}",
            )
        )
    return table(_COST_HEAD, rows)
