"""The newest data that a target ever had, which the catch-up compares snapshots with.

A rollback brings older data back because a person asked for it, so the last success does not tell.
"""

from datetime import datetime

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Item

NEWEST_OPENED = "newest_opened_at"
_KNOWN = (NEWEST_OPENED, "last_success_snapshot_at")  # items of the version before have the second


def newest_opened(operation: Operation, item: Item) -> Item:
    """Give what the target's item notes when an operation opens its target.

    A time that cannot be read counts as none.
    """
    if operation.state is not State.TARGET_OPEN:
        return {}
    created_at = operation.facts.snapshot.created_at
    known = [found for name in _KNOWN if (found := _timestamp(item.get(name)))]
    times = [*known, *([created_at] if created_at else [])]
    return {NEWEST_OPENED: iso_timestamp(max(times))} if times else {}


def _timestamp(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
