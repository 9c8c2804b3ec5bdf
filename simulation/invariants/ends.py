"""How operations end: in time, with a reason, and with people and machines told."""

from datetime import UTC, datetime, timedelta

from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.plan import Plan
from chalicelib.records.store import Item
from simulation.history import Announced, Wrote
from simulation.invariants.invariant import Invariant, Sentences, state_before
from simulation.invariants.projection import HistoryView, OperationView

SPARE_BEATS = (
    3  # the tick that announces, one that was lost, and the one that ends what nobody answers
)
_REASONED = frozenset(
    {State.FAILING, State.FAILED, State.CANCELLING, State.CANCELLED, State.SKIPPING, State.SKIPPED}
)  # fmt: skip
_STATES: frozenset[str] = frozenset(State)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def budget(state: State, plan: Plan) -> timedelta:
    """Give how long a state may wait.

    Its deadline, and in COPYING the time in Aurora's queue before it.
    """
    queue = plan.copies.copy_queue_deadline if state is State.COPYING else 0
    return timedelta(seconds=queue + plan.seconds(ROWS[state].deadline))


def slack(heartbeat_seconds: int, lease_seconds: float) -> timedelta:
    """Give how long after its deadline, and after the last fault, a state may still be left.

    Three heartbeats.

    A function that died holds its operation until its lease has run out, and the next tick but a
    half comes then. That is longer where functions may run for minutes; with the minute that is
    deployed it is not.
    """
    return timedelta(
        seconds=max(SPARE_BEATS * heartbeat_seconds, lease_seconds + 1.5 * heartbeat_seconds)
    )


def left_by(
    state: State, entered: datetime, plan: Plan, spare: timedelta, faults_stopped: datetime
) -> datetime:
    """Give the moment by which a state must have been left.

    One that passed among faults counts from their end.
    """
    return max(entered + budget(state, plan), faults_stopped) + spare


class Deadline(Invariant):
    """Every state is left within its budget and slack, counted from when the last fault stopped.

    left <= max(entered + budget, faults stopped) + slack; without a word on faults, everything
    counts.
    """

    name = "deadline"

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Measure the visit that a row ends, at once: no later fault excuses it."""
        del before
        if version - 1 in operation.visits and operation.settings is not None:
            yield from self._visit(operation, version - 1, operation.settings, entry.at)

    def rest(self, now: datetime) -> Sentences:
        """Measure every visit of every operation, by its rows."""
        for operation in self.view.operations.values():
            if operation.settings is None:
                self.doubt(f"the settings of {operation.operation_id} are not known.")
                continue
            for version in sorted(operation.visits):
                yield from self._visit(operation, version, operation.settings, now)

    def _visit(
        self, operation: OperationView, version: int, plan: Plan, now: datetime
    ) -> Sentences:
        visit, following = operation.visits[version], operation.visits.get(version + 1)
        if visit.state in TERMINAL or visit.state not in _STATES:
            return
        left = following.entered if following else now
        faults = self.view.faults_stopped or _ALWAYS
        spare = slack(self.bounds.heartbeat_seconds, self.bounds.lease_seconds)
        latest = left_by(State(visit.state), visit.entered, plan, spare, faults)
        if left > latest:
            how = "was left at" if following else "is not left at"
            yield (
                f"{operation.operation_id} entered {visit.state} at {visit.entered}, which {how} "
                f"{left}, after {latest}."
            )


class ExplainsFailure(Invariant):
    """What failed, was cancelled or skipped says why.

    What failed or was cancelled also says what to do.
    """

    name = "explains-failure"

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """See that the rows of such an end carry the reason."""
        del before
        if entry.item.get("to_state") in _REASONED and not entry.item.get("reason"):
            yield (
                f"The row of {operation.operation_id} at version {version}, "
                f"{entry.item['to_state']}, gives no reason."
            )

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """See that the record of such an end carries reason and remedy."""
        if operation.state not in _REASONED & TERMINAL or state_before(before) == operation.state:
            return
        if not entry.item.get("reason"):
            yield f"{operation.operation_id} is {operation.state} without a reason."
        if operation.state != State.SKIPPED and not entry.item.get("remedy"):
            yield f"{operation.operation_id} is {operation.state} without a remedy."


class Notified(Invariant):
    """People were told of every end, or the record warns that they were not.

    And machines heard it on the bus.
    """

    name = "notified"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._heard: set[tuple[str, str]] = set()

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """Check that an ended record says whether people were told, and closes after the event."""
        if (
            operation.ended
            and "open" in (before or {})
            and "open" not in entry.item
            and not self._is_heard(operation)
        ):
            yield (
                f"{operation.operation_id} was closed, and EventBridge had not accepted that it is "
                f"{operation.state}."
            )
        if not operation.ended or state_before(before) == operation.state:
            return
        if operation.state == State.RETIRED:  # which is told on the bus only
            return
        notified, warnings = entry.item.get("notified"), entry.item.get("warnings", ())
        if notified is None:
            yield (
                f"{operation.operation_id} is {operation.state}, and nobody knows whether people "
                "were told."
            )
        elif not notified and not any(
            str(warning).startswith("sns-notification:") for warning in warnings
        ):
            yield (
                f"{operation.operation_id} is {operation.state}, people were not told, and no "
                "warning says so."
            )

    def announced(self, event: Announced) -> Sentences:
        """Remember what was heard."""
        self._heard.add((str(event.detail.get("operation_id")), event.detail_type))
        return ()

    def rest(self, now: datetime) -> Sentences:
        """See that EventBridge accepted every end."""
        del now
        if self.blind_to("Announced"):
            self.doubt(
                "the history does not hold what EventBridge accepted; a record closes only after "
                "that."
            )
            return
        for operation in self.view.operations.values():
            if operation.ended and not self._is_heard(operation):
                yield (
                    f"{operation.operation_id} is {operation.state}, and EventBridge never "
                    "accepted that event."
                )

    def _is_heard(self, operation: OperationView) -> bool:
        heard = (operation.operation_id, ROWS[State(operation.state)].event) in self._heard
        return heard or self.blind_to("Announced")
