"""The in-memory twin of `chalicelib.records.store`.

The same conditional changes and rules, without a table.
"""

import threading
from collections.abc import Iterator
from typing import Any

from chalicelib.records.store import INDEXES, KEYS, Change, ConditionError, Item, TableName, When

_PLAIN = frozenset({str, int, bool})  # what most values are: they need no copy and no call


class InMemoryStore:
    """Both tables as dictionaries.

    Every change is atomic: one lock, and all conditions before any effect.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Item]] = {"state": {}, "audit": {}}
        self._lock = threading.Lock()

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, consistently; raises ValueError where DynamoDB takes no such key."""
        if not key:
            raise ValueError(f"{KEYS[table]} is an empty string.")
        with self._lock:
            found: Item | None = as_stored(self.tables[table].get(key))
            return found

    def change(self, change: Change) -> Item:
        """Write one item and return it as it is now; raises ConditionError."""
        self.change_all(change)
        return self.get(change.key, change.table) or {}

    def change_all(self, *changes: Change) -> None:
        """Write all or nothing; raises ConditionError."""
        with self._lock:
            stood = [self.tables[change.table].get(change.key) for change in changes]
            failed = tuple(
                not all(_holds(when, item or {}) for when in change.when)
                for change, item in zip(changes, stood, strict=True)
            )
            if any(failed):
                found = tuple(
                    as_stored(item) if bad else None
                    for bad, item in zip(failed, stood, strict=True)
                )
                raise ConditionError(failed, found)
            for change in changes:
                self._apply(change)

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """Read an index by its hash key in order of its range key.

        Items without either key are not in it.
        """
        del page  # nothing is paged in memory
        table, hash_key, range_key = INDEXES[index]
        with self._lock:
            found = [
                as_stored(item)
                for item in self.tables[table].values()
                if item.get(hash_key) == value
                and range_key in item
                and (up_to is None or item[range_key] <= up_to)
            ]
        yield from sorted(found, key=lambda item: str(item[range_key]), reverse=newest_first)

    def _apply(self, change: Change) -> None:
        item = self.tables[change.table].setdefault(change.key, {KEYS[change.table]: change.key})
        item.update(as_stored(change.assign))
        for attribute, number in change.add.items():
            item[attribute] = item.get(attribute, 0) + number
        for attribute in change.remove:
            item.pop(attribute, None)


def _holds(when: When, item: Item) -> bool:
    present = when.attribute in item
    if when.test == "absent":
        return not present
    if when.test == "free_by":
        return not present or item[when.attribute] <= when.value
    return present and (
        item[when.attribute] in when.value
        if when.test == "in"
        else item[when.attribute] == when.value
    )


def as_stored(value: Any) -> Any:
    """Give what DynamoDB would give back: a copy, with lists for tuples."""
    if isinstance(value, dict):
        return {
            key: part if type(part) in _PLAIN else as_stored(part) for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [part if type(part) in _PLAIN else as_stored(part) for part in value]
    return value
