"""How the state of an operation may change.

One end, and one version and one audit row for each change.
"""

from datetime import datetime

from chalicelib.flow.choreography import TERMINAL, State, is_allowed
from chalicelib.records.store import Item
from simulation.history import Wrote
from simulation.invariants.invariant import Invariant, Sentences, state_before
from simulation.invariants.projection import OperationView

_STATES: frozenset[str] = frozenset(State)


class SingleTerminalState(Invariant):
    """An operation has at most one terminal state, and no change of state after it."""

    name = "single-terminal-state"

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Take a row after the row of an end, in order or version, for one too many."""
        del entry, before
        ends = [number for number, row in operation.rows.items() if row.get("to_state") in TERMINAL]
        if ends and operation.version > min(ends):
            end, state = min(ends), operation.rows[min(ends)]["to_state"]
            yield (
                f"{operation.operation_id} ended {state} at version {end}, and has a row of "
                f"version {max(version, end)}."
            )

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """See that a record that ended keeps its state and version."""
        was, now = state_before(before), entry.item.get("state")
        if (
            before
            and was in TERMINAL
            and (was, before.get("version")) != (now, entry.item.get("version"))
        ):
            yield f"{operation.operation_id} had ended {was}, and was then written as {now}."


class Version(Invariant):
    """Each change of state is one of the flow, raises the version by one and has one audit row."""

    name = "version"

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Each row has its own version, follows the row before it and is a change of the flow."""
        row, what = entry.item, f"The row {entry.key}"
        if before is not None:
            yield f"{what} was written twice."
        if (
            row.get("operation_id") != operation.operation_id
            or entry.key != f"{operation.operation_id}#{version:06d}"
        ):
            yield f"{what} is not named after its operation {row.get('operation_id')} and version."
        if version > 1 and version - 1 not in operation.rows:
            yield f"{what} came without the row of version {version - 1}."
        yield from _follows(what, row, operation.rows.get(version - 1))

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """See that a write of the record changes state and version together, or neither."""
        if before is None:
            return
        was, now = str(before.get("state")), str(entry.item.get("state"))
        rise = int(entry.item.get("version", 0)) - int(before.get("version", 0))
        if rise != (was != now):
            yield (
                f"{operation.operation_id} went from {was} to {now} while its version rose by "
                f"{rise}."
            )
        if (
            was != now
            and was in _STATES
            and now in _STATES
            and not is_allowed(State(was), State(now))
        ):
            yield (
                f"{operation.operation_id} went from {was} to {now}, a way that the flow does not "
                "know."
            )
        if was != now and before.get("version") not in operation.rows:
            yield (
                f"{operation.operation_id} went from {was} to {now}, and {was} itself has no row "
                "in the trail."
            )

    def rest(self, now: datetime) -> Sentences:
        """Count the rows up to the record's version; without a record the rows alone are judged."""
        del now
        for operation in self.view.operations.values():
            if not operation.item:
                self.doubt(f"the record of {operation.operation_id} is not known.")
                continue
            version = int(operation.item.get("version", 0))
            if sorted(operation.rows) != list(range(1, version + 1)):
                yield (
                    f"{operation.operation_id} is at version {version}, and its trail has the rows "
                    f"{sorted(operation.rows)}."
                )
            elif operation.rows[version].get("to_state") != operation.state:
                yield (
                    f"{operation.operation_id} is {operation.state}, and its last row says "
                    f"{operation.rows[version].get('to_state')}."
                )


def _follows(what: str, row: Item, previous: Item | None) -> Sentences:
    start, end = row.get("from_state"), str(row.get("to_state"))
    if end not in _STATES or (start is not None and start not in _STATES):
        yield f"{what} goes from {start} to {end}, of which the flow does not know both."
    elif start != (previous.get("to_state") if previous else None):
        yield f"{what} goes from {start} to {end}, but before it {_stood(previous)}."
    elif start is not None and not is_allowed(State(start), State(end)):
        yield f"{what} goes from {start} to {end}, a way that the flow does not know."


def _stood(previous: Item | None) -> str:
    return f"stood {previous.get('to_state')}" if previous else "nothing stood"
