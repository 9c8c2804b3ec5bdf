"""The rows of the audit trail: one for each change of state, and one before each destructive act.

They hold no secrets.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.flow.operation import Operation
from chalicelib.flow.text_limits import (
    TRAIL_NAMES_MAX,
    TRAIL_ROWS_MAX,
    TRAIL_TEXT_MAX,
    brief,
    counted,
)
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Change


def audit_row(before: Operation | None, after: Operation, *, step: str, what: str) -> Change:
    """Make the row of a change of state: who, what, from, to, when, how long, and what is known."""
    row: dict[str, Any] = {
        "operation_id": after.operation_id,
        "plan": after.plan_name,
        "at": iso_timestamp(after.entered_at),
        "step": step,
        "who": after.requested_by,
        "what": brief(what, TRAIL_TEXT_MAX),
        "to_state": after.state.value,
        "facts": after.to_item()["facts"],
        "took_seconds": after.durations[-1].seconds if after.durations else 0,
        "expires_at": _expiry(after, after.entered_at),
    }
    if before:
        row["from_state"] = before.state.value
    if after.reason:
        row["reason"] = after.reason
    # The row has no condition: the record's version decides.
    return Change(_key(after), assign=row, table="audit")


def intent_row(operation: Operation, *, step: str, what: str, now: datetime) -> Change:
    """Make the row that announces a destructive act: one for each visit of a state."""
    row = {
        "operation_id": operation.operation_id,
        "at": iso_timestamp(now),
        "step": step,
        "what": what,
        "who": operation.requested_by,
        "from_state": operation.state.value,
        "to_state": operation.state.value,
        "expires_at": _expiry(operation, now),
    }
    return Change(f"{_key(operation)}#intent", assign=row, table="audit")


def name_rows(
    operation: Operation, names: Sequence[str], *, step: str, now: datetime
) -> Iterator[Change]:
    """Make the rows with the long list of logins that one attempt is about to close.

    Another attempt has rows of its own. Where the list is longer than all rows together, the last
    row says how many names are missing.
    """
    starts = range(0, len(names), TRAIL_NAMES_MAX)
    pages = [names[first : first + TRAIL_NAMES_MAX] for first in starts]
    left_out = sum(map(len, pages[TRAIL_ROWS_MAX:]))
    pages = pages[:TRAIL_ROWS_MAX]
    for number, page in enumerate(pages, 1):
        row = {
            "operation_id": operation.operation_id,
            "at": iso_timestamp(now),
            "step": step,
            "who": operation.requested_by,
            "what": f"{counted(len(names), 'login')} will be closed: list {number} of {len(pages)} "
            "of their names",
            "names": list(page),
            "from_state": operation.state.value,
            "to_state": operation.state.value,
            "expires_at": _expiry(operation, now),
        }
        if left_out and number == len(pages):
            row["names_left_out"] = left_out
        key = f"{_key(operation)}#{operation.attempts:04d}#names{number:02d}#intent"
        yield Change(key, assign=row, table="audit")


def _key(operation: Operation) -> str:
    return f"{operation.operation_id}#{operation.version:06d}"


def _expiry(operation: Operation, written: datetime) -> int:
    """Give the time from which DynamoDB may delete a row, in seconds since 1970 (TTL)."""
    kept_for = timedelta(days=operation.plan.reports.audit_retention_days)
    return int((written + kept_for).timestamp())
