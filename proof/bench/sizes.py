"""How DynamoDB measures items and charges for them, by its developer guide.

Item sizes and formats: names and values in UTF-8, numbers a byte for each two digits and one more, 3 bytes for a list
or map and 1 for each of its elements. Read and write operations: a write unit for each KB begun, twice that in a
transaction; a read unit for each 4 KB begun, half of that where the read is eventually consistent, as an index's is.
"""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final

from chalicelib.store import INDEXES, Change, Item

WRITE_BYTES: Final = 1024
READ_BYTES: Final = 4096
NESTED_BYTES: Final = 3
TRANSACTION: Final = 2


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


def change_units(change: Change, before: Item | None, after: Item, *, transaction: bool) -> int:
    """Count the units of one change of one item: the larger of before and after, and what each index costs.

    The guide does not say whether a transaction doubles an index's writes: it is taken to, which is the dearer.
    """
    units = write_units(max(item_bytes(before or {}), item_bytes(after)))
    units += sum(_index_units(index, before or {}, after) for index, (table, *_) in INDEXES.items() if table == change.table)
    return units * (TRANSACTION if transaction else 1)


def _index_units(index: str, before: Item, after: Item) -> int:
    """Count what an index with all attributes costs: a new key is a deletion and a new entry (global indexes)."""
    _, *keys = INDEXES[index]
    was, stands = (all(key in item for key in keys) for item in (before, after))
    if not was and not stands or before == after:
        return 0
    if was and stands and all(before[key] == after[key] for key in keys):
        return write_units(max(item_bytes(before), item_bytes(after)))
    return write_units(item_bytes(before)) * was + write_units(item_bytes(after)) * stands
