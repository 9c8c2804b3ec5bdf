"""The two tables with a meter: what each read and write costs, and pages that are read only as far as somebody asks."""

from collections.abc import Callable, Iterator

from chalicelib.store import INDEXES, KEYS, Change, ConditionError, Item, TableName
from localaws.store import InMemoryStore, as_stored
from proof.bench.meter import Meter
from proof.bench.sizes import change_units, item_bytes, read_units, write_units

Wrote = Callable[[str, Item], None]


class PricedTables(InMemoryStore):
    """The state table, and of the audit trail what it costs: nobody reads it here, and ten thousand trails are much."""

    def __init__(self, wrote: Wrote) -> None:
        super().__init__()
        self._wrote = wrote
        self.units = 0  # of the present change

    def _apply(self, change: Change) -> None:
        stood = self.tables[change.table].get(change.key)
        before = dict(stood) if stood else None
        super()._apply(change)
        after = self.tables[change.table][change.key]
        self.units += change_units(change, before, after, transaction=False)
        if change.table == "audit":
            del self.tables["audit"][change.key]
        else:
            self._wrote(change.key, after)

    def pages(self, index: str, value: str, up_to: str | None, newest_first: bool, page: int) -> Iterator[list[Item]]:
        """Read an index page by page; an empty one is a page, too."""
        table, hash_key, range_key = INDEXES[index]
        keys = sorted(
            ((item[range_key], key) for key, item in self.tables[table].items()
             if item.get(hash_key) == value and range_key in item and (up_to is None or item[range_key] <= up_to)),
            reverse=newest_first,
        )  # fmt: skip
        for start in range(0, max(1, len(keys)), page):
            yield [as_stored(self.tables[table][key]) for _, key in keys[start : start + page]]


class MeteredStore:
    """The tables as one function sees them: each call takes a while and has its units."""

    def __init__(self, tables: PricedTables, meter: Meter, function: str, spend: Callable[[str], None]) -> None:
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
        self, index: str, value: str, *, up_to: str | None = None, newest_first: bool = False, page: int = 100
    ) -> Iterator[Item]:
        """See `Store.query`."""
        for items in self._tables.pages(index, value, up_to, newest_first, page):
            self._read(items, consistent=False)
            self._meter.add(self._function, "items by index", len(items))
            yield from items

    def _read(self, items: list[Item], *, consistent: bool) -> None:
        self._spend("dynamodb")
        self._meter.add(self._function, "dynamodb")
        self._meter.add(self._function, "read units", read_units(map(item_bytes, items), consistent=consistent))

    def _write(self, *changes: Change) -> None:
        """Write; what a condition refuses is charged by what stood there (guide: conditional writes)."""
        self._spend("dynamodb")
        self._meter.add(self._function, "dynamodb")
        twice = 2 if len(changes) > 1 else 1
        self._tables.units = 0
        try:
            self._tables.change_all(*changes)
        except ConditionError:
            stood = (self._tables.get(change.key, change.table) or {} for change in changes)
            self._tables.units = sum(write_units(item_bytes(item)) for item in stood)
            raise
        finally:
            self._meter.add(self._function, "write units", self._tables.units * twice)


class CarriedStore:
    """No table at all: a step machine carries the record from step to step, at no charge. Answers as if all were well."""

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Find nothing: there is no target's item."""

    def change(self, change: Change) -> Item:
        """Take a write that only a table would need."""
        return {KEYS[change.table]: change.key}

    def change_all(self, *changes: Change) -> None:
        """Take writes that only a table would need."""

    def query(
        self, index: str, value: str, *, up_to: str | None = None, newest_first: bool = False, page: int = 100
    ) -> Iterator[Item]:
        """Find nothing."""
        del index, value, up_to, newest_first, page
        yield from ()

