"""Exports of the two tables, as writes.

What `aws dynamodb scan --output json` prints, or one item a line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.facts import Facts
from chalicelib.records.store import KEYS, Item, TableName, unmarshal
from simulation.cloudtrail import Stay
from simulation.history import Wrote
from simulation.invariants.projection import INTENT, TARGET_KEY, row_key, settings_of

BY = "the export"
_LATE = timedelta(days=36_500)  # a stay that no row ends


def read_table(path: Path, table: TableName) -> list[Item]:
    """Read an export; raises OSError and ValueError."""
    items = [_plain_item(item) for found in _documents(path.read_text()) for item in _items(found)]
    if any(KEYS[table] not in item for item in items):
        raise ValueError(f"an item has no {KEYS[table]}, so it is not of the {table} table")
    return items


def _documents(text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _items(found: Any) -> list[Mapping[str, Any]]:
    if not isinstance(found, Mapping):
        raise ValueError("it holds no items of DynamoDB")  # noqa: TRY004 # what the file says is wrong, not its type
    return list(found["Items"]) if "Items" in found else [found.get("Item", found)]


def _plain_item(item: Mapping[str, Any]) -> Item:
    try:
        return unmarshal(item)
    except (TypeError, AttributeError) as error:
        raise ValueError("its attributes are not in DynamoDB's JSON") from error


def writes_of(state: Iterable[Item], audit: Iterable[Item]) -> list[Wrote]:
    """Make writes of the items.

    Each row when it says, each record as it is when it entered its state, targets last.

    A row stands before the record of the same moment, and an end before a beginning. What an export
    does not tell, the writes in between, is not made up. Raises ValueError for a row or record
    without its time.
    """
    rows = [Wrote(moment(row, "at"), BY, "audit", str(row["metric_id"]), row) for row in audit]
    rows.sort(key=lambda write: (write.at, write.item.get("to_state") not in TERMINAL, write.key))
    items = {str(item["operation_id"]): item for item in state}
    records = [
        Wrote(moment(item, "entered_at"), BY, "state", key, item)
        for key, item in items.items()
        if not key.startswith(TARGET_KEY)
    ]
    ordered = sorted([*rows, *records], key=lambda write: write.at)
    last = [ordered[-1].at] if ordered else []
    targets = [
        Wrote(at, BY, "state", key, item)
        for at in last
        for key, item in items.items()
        if key.startswith(TARGET_KEY)
    ]
    return [*ordered, *targets]


def moment(item: Item, attribute: str) -> datetime:
    """Read a time of an item; raises ValueError."""
    value = item.get(attribute)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        key = item.get("metric_id", item.get("operation_id"))
        raise ValueError(f"the item {key} has {value!r} as its {attribute}, which is no moment")
    return at


def stays_of(writes: Iterable[Wrote]) -> list[Stay]:
    """List the visits that the rows tell, with what the records tell of their operations."""
    items = {write.key: write.item for write in writes if write.table == "state"}
    rows = {
        row_key(write.key): write
        for write in writes
        if write.table == "audit" and not write.key.endswith(INTENT)
    }
    return [
        _stay(row, rows.get((operation_id, version + 1)), items.get(operation_id, {}))
        for (operation_id, version), row in rows.items()
        if row.item.get("to_state") in frozenset[str](State)
    ]


def _stay(row: Wrote, following: Wrote | None, record: Item) -> Stay:
    operation_id, _ = row_key(row.key)
    hops = Facts.of_item(record.get("facts")).copies.hops
    return Stay(
        operation_id,
        str(record.get("root_id", operation_id)),
        ROWS[State(row.item["to_state"])].step or "",
        row.at,
        following.at if following else row.at + _LATE,
        settings_of(record),
        frozenset(hop.identifier for hop in hops),
    )
