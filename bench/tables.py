"""The two tables with a meter.

What each read and write costs, and pages that are read only as far as somebody asks.
"""

from collections.abc import Callable, Iterator

from bench.meter import Meter
from bench.sizes import (
    TRANSACTION,
    Written,
    bytes_after,
    change_units,
    item_bytes,
    read_units,
    write_units,
)
from chalicelib.records.store import INDEXES, KEYS, Change, ConditionError, Item, TableName
from simulation.in_memory_store import InMemoryStore, as_stored

Wrote = Callable[[str, Item], None]


class PricedTables(InMemoryStore):
    """The state table, and of the audit trail what it costs.

    Nobody reads it here, and ten thousand trails are much.
    """

    def __init__(self, wrote: Wrote) -> None:
        super().__init__()
        self._wrote = wrote
        self.units = 0  # of the present change
        self._sizes: dict[str, int] = {}

    def _apply(self, change: Change) -> None:
        before = dict(self.tables[change.table].get(change.key) or {})
        super()._apply(change)
        after = self.tables[change.table][change.key]
        size = self.size(change.key) if before else 0
        written = Written(before, after, size, bytes_after(change, before, after, size))
        self.units += change_units(change.table, written)
        if change.table == "audit":
            del self.tables["audit"][change.key]
        else:
            self._sizes[change.key] = written.bytes_after
            self._wrote(change.key, after)

    def size(self, key: str) -> int:
        """Give the size of an item of the state table in bytes.

        One that was put there by hand is measured first.
        """
        if key not in self._sizes:
            self._sizes[key] = item_bytes(self.tables["state"].get(key) or {})
        return self._sizes[key]

    def pages(
        self, index: str, value: str, up_to: str | None, newest_first: bool, page: int
    ) -> Iterator[list[Item]]:
        """Read an index page by page; an empty one is a page, too."""
        table, hash_key, range_key = INDEXES[index]
        keys = sorted(
            (
                (item[range_key], key)
                for key, item in self.tables[table].items()
                if item.get(hash_key) == value
                and range_key in item
                and (up_to is None or item[range_key] <= up_to)
            ),
            reverse=newest_first,
        )
        for start in range(0, max(1, len(keys)), page):
            yield [as_stored(self.tables[table][key]) for _, key in keys[start : start + page]]


class MeteredStore:
    """The tables as one function sees them: each call takes a while and has its units."""

    def __init__(
        self, tables: PricedTables, meter: Meter, function: str, spend: Callable[[str], None]
    ) -> None:
        self._tables, self._meter, self._function, self._spend = tables, meter, function, spend

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """See `Store.get`."""
        found = self._tables.get(key, table)
        self._read([found] if found else [], consistent=True)
        return found

    def change(self, change: Change) -> Item:
        """See `Store.change`."""
        self._write(change)
        return self._tables.get(change.key, change.table) or {KEYS[change.table]: change.key}

    def change_all(self, *changes: Change) -> None:
        """See `Store.change_all`."""
        self._write(*changes)

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """See `Store.query`."""
        for items in self._tables.pages(index, value, up_to, newest_first, page):
            self._read(items, consistent=False)
            self._meter.add(self._function, "items by index", len(items))
            yield from items

    def _read(self, items: list[Item], *, consistent: bool) -> None:
        self._spend("dynamodb")
        self._meter.add(self._function, "dynamodb")
        sizes = [self._tables.size(item[KEYS["state"]]) for item in items]
        self._meter.add(self._function, "read units", read_units(sizes, consistent=consistent))

    def _write(self, *changes: Change) -> None:
        """Write.

        What a condition refuses is charged by what stood there (guide: conditional writes).
        """
        self._spend("dynamodb")
        self._meter.add(self._function, "dynamodb")
        self._tables.units = 0
        try:
            self._tables.change_all(*changes)
        except ConditionError:
            self._tables.units = sum(
                write_units(self._tables.size(change.key)) for change in changes
            )
            raise
        finally:
            times = TRANSACTION if len(changes) > 1 else 1
            self._meter.add(self._function, "write units", self._tables.units * times)


class CarriedStore:
    """No table at all: a step machine carries the record from step to step.

    Answers as if all were well.
    """

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Find nothing: there is no target's item."""

    def change(self, change: Change) -> Item:
        """Take a write that only a table would need."""
        return {KEYS[change.table]: change.key}

    def change_all(self, *changes: Change) -> None:
        """Take writes that only a table would need."""

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """Find nothing."""
        del index, value, up_to, newest_first, page
        yield from ()
