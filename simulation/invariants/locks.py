"""One operation at a time on a target, and nothing held when everything has come to rest."""

from collections import defaultdict
from datetime import UTC, datetime

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.records.store import Item
from simulation.history import Wrote
from simulation.invariants.invariant import Invariant, Sentences
from simulation.invariants.projection import TARGET_KEY, HistoryView, OperationView

WITHOUT_LOCK = frozenset({State.SKIPPING, State.PREVIOUS_KEPT})  # states to begin in
_NEVER = datetime.max.replace(tzinfo=UTC)


class Lock(Invariant):
    """Two operations never hold one target at once.

    By the holder in its item, and by the rows of creation and end.

    An operation that was skipped when it was created never had the target, and one that deletes a
    previous target needs no lock. Where the record that
    names the target comes after the rows, the rows are compared at rest.
    """

    name = "lock"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._holding: dict[str, str] = {}  # the operation between creation and end, by target
        self._late: set[str] = set()  # operations whose target was not known when they were created

    def target(self, arn: str, entry: Wrote, before: Item | None) -> Sentences:
        """See that a holder comes where none is, and goes before another comes."""
        was, now = (before or {}).get("holder"), entry.item.get("holder")
        if was and now and was != now:
            yield f"The target {arn} went from {was} to {now}, without being free in between."
        if was and not now and self._holding.get(arn) == was:
            del self._holding[
                arn
            ]  # freed from a holder that ended, or whose record somebody removed

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Follow who is between creation and end."""
        del version, before
        arn = operation.settings.target_cluster_arn if operation.settings else None
        start, end = entry.item.get("from_state"), entry.item.get("to_state")
        if start is None and end not in WITHOUT_LOCK:
            if arn is None:
                self._late.add(operation.operation_id)
                return
            other = self._holding.get(arn)
            if other and other != operation.operation_id:
                yield f"{operation.operation_id} was created on {arn} before {other} had ended."
            self._holding[arn] = operation.operation_id
        elif end in TERMINAL and arn and self._holding.get(arn) == operation.operation_id:
            del self._holding[arn]

    def rest(self, now: datetime) -> Sentences:
        """Compare the spans of those whose target came to be known later."""
        del now
        spans: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
        for operation in map(self.view.about, self._late):
            if operation.settings:
                entered = {
                    visit.state in TERMINAL: visit.entered for visit in operation.visits.values()
                }
                span = (
                    min(visit.entered for visit in operation.visits.values()),
                    entered.get(True, _NEVER),
                    operation.operation_id,
                )
                spans[operation.settings.target_cluster_arn].append(span)
            else:
                self.doubt(
                    f"the record of {operation.operation_id}, which names its target, is not known."
                )
        for arn, found in spans.items():
            yield from _overlaps(arn, sorted(found))


def _overlaps(arn: str, spans: list[tuple[datetime, datetime, str]]) -> Sentences:
    last_end, last = spans[0][1:]
    for start, end, operation_id in spans[1:]:
        if start < last_end:
            yield f"{operation_id} was created on {arn} before {last} had ended."
        last_end, last = max((last_end, last), (end, operation_id))


class NoLeakedLocks(Invariant):
    """At rest no record is open, and no target is held but by an operation that is."""

    name = "no-leaked-locks"

    def rest(self, now: datetime) -> Sentences:
        """Look at every record and every target's item."""
        del now
        for operation in self.view.operations.values():
            if operation.operation_id in self.bounds.under_way:
                self.doubt(
                    f"{operation.operation_id} is {operation.state}, within its deadline, and "
                    "under way."
                )
            elif operation.item and (operation.item.get("open") or not operation.ended):
                yield f"{operation.operation_id} is {operation.state}, and still open."
        for key, item in self.view.targets.items():
            holder = item.get("holder")
            if holder and not self._is_open(str(holder)):
                yield (
                    f"The target {key.removeprefix(TARGET_KEY)} is held by {holder}, which is "
                    "not open."
                )
            yield from self._left_over(key.removeprefix(TARGET_KEY), item)

    def _left_over(self, arn: str, item: Item) -> Sentences:
        """See that nobody who has ended still moves or deletes clusters."""
        for attribute in ("swapped_by", "deleted_by"):
            holder = item.get(attribute)
            if holder and not self._is_open(str(holder)):
                yield f"The target {arn} has {attribute} {holder}, which is not open."

    def _is_open(self, operation_id: str) -> bool:
        operation = self.view.operations.get(operation_id)
        return operation is not None and bool(operation.item) and not operation.ended
