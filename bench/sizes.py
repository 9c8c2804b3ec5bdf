"""How DynamoDB measures items and charges for them, by its developer guide.

Item sizes and formats: names and values in UTF-8, numbers a byte for each two digits and one more,
3 bytes for a list or map and 1 for each of its elements. Read and write operations: a write unit
for each KB begun, twice that in a transaction; a read unit for each 4 KB begun, half of that where
the read is eventually consistent, as an index's is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from chalicelib.records.store import INDEXES, KEYS, Change, Item, TableName

WRITE_BYTES: Final = 1024
READ_BYTES: Final = 4096
NESTED_BYTES: Final = 3
TRANSACTION: Final = (
    2  # the guide does not say whether for an index, too; it is taken so, which is the dearer
)


def item_bytes(item: Mapping[str, Any]) -> int:
    """Measure an item."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Any) -> int:
    """Measure one value, without its name."""
    if isinstance(value, str):
        return len(value.encode())
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int | float):
        return ceil(len(str(value).strip("-0").replace(".", "")) / 2) + 1
    if isinstance(value, Mapping):
        return NESTED_BYTES + item_bytes(value) + len(value)
    return NESTED_BYTES + sum(value_bytes(part) + 1 for part in value)


def write_units(size: int) -> int:
    """Count the units of one write of so many bytes; nothing at all is one, too."""
    return max(1, ceil(size / WRITE_BYTES))


def read_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Count the units of one read: what is read together is measured together."""
    units = max(1, ceil(sum(sizes) / READ_BYTES))
    return units if consistent else units / 2


@dataclass(frozen=True)
class Written:
    """An item before and after a change, with its sizes.

    `item_bytes` of ten thousand records would take minutes.
    """

    before: Item
    after: Item
    bytes_before: int
    bytes_after: int


def bytes_after(change: Change, before: Item, after: Item, bytes_before: int) -> int:
    """Measure an item after a change by what the change touched."""
    touched = {KEYS[change.table], *change.assign, *change.add, *change.remove}
    was, stands = (
        {name: item[name] for name in touched if name in item} for item in (before, after)
    )
    return bytes_before - item_bytes(was) + item_bytes(stands)


def change_units(table: TableName, written: Written) -> int:
    """Count the units of one change of one item.

    The larger of before and after, and what each index costs.
    """
    units = write_units(max(written.bytes_before, written.bytes_after))
    return units + sum(
        _index_units(keys, written) for place, *keys in INDEXES.values() if place == table
    )


def _index_units(keys: list[str], written: Written) -> int:
    """Count what an index with all attributes costs.

    A new key is a deletion and a new entry (global indexes).
    """
    before, after = written.before, written.after
    was, stands = (all(key in item for key in keys) for item in (before, after))
    if was and stands and all(before[key] == after[key] for key in keys):
        return write_units(max(written.bytes_before, written.bytes_after))
    return write_units(written.bytes_before) * was + write_units(written.bytes_after) * stands
