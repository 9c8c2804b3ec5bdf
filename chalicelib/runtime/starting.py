"""Creates operations, each once: from a snapshot's event, or from a person's request."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.aws.rds import Snapshot
from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.identifiers import automatic_id, catch_up_id
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages.publishing import announce
from chalicelib.messages.requests import RestoreRequested
from chalicelib.messages.target_naming import target_of
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.operations import WriteResult
from chalicelib.runtime.republishing import republish_after
from chalicelib.target.older_data import why_older

ASK_LATER = "When it has ended, ask again."
RESTORED_LATER = (
    "Nothing has to be done: the snapshot is restored by itself when the target is free, if it is "
    "still the newest, unless restores are paused or REFRESH_DAYS and REFRESH_WINDOW exclude it by "
    "then."
)
# Operations for one snapshot; all but the last were skipped because the target was busy.
CATCH_UPS_MAX = 5


def start_from_snapshot(
    plan: Plan, snapshot: Snapshot, ports: Ports, *, why: str
) -> Operation | None:
    """Create the operation of a snapshot; None when it exists already."""
    operation = _of_snapshot(_first_id(plan, snapshot), plan, snapshot, ports, why)
    return create(operation, ports, what=why)


def catch_up(plan: Plan, snapshot: Snapshot, ports: Ports) -> Operation | None:
    """Create the operation of a snapshot whose event was lost, or that was skipped as locked."""
    operation_id = _first_id(plan, snapshot)
    for _ in range(CATCH_UPS_MAX):
        existing = ports.operations.read(operation_id)
        if existing is None:
            why = f"the heartbeat, because {snapshot.identifier} was not restored when it came"
            return create(_of_snapshot(operation_id, plan, snapshot, ports, why), ports, what=why)
        if not existing.skipped_because_locked:
            return None
        operation_id = catch_up_id(operation_id)
    return None


@dataclass(frozen=True)
class StartRequest:
    """A person's request with its ids; the same request id always means the same operation."""

    detail: RestoreRequested
    request_id: str
    event_id: str
    operation_id: str  # of the operation that it starts

    @property
    def requester(self) -> str:
        """The request as records name it."""
        return f"request {quoted(self.request_id)}"

    def describe(self, what: str) -> str:
        """Add the request's reason to a sentence."""
        reason = self.detail.reason
        return f"{what}, with the reason {quoted(reason)}" if reason else what

    def applied_to(self, operation: Operation) -> Operation:
        """Note the request in a new record."""
        return replace(
            operation,
            automatic=False,
            request_reason=self.detail.reason,
            requested_by_event=self.event_id or None,
            may_be_older=self.detail.older,
        )


def start_on_request(
    request: StartRequest, plan: Plan, ports: Ports, facts: Facts | None = None
) -> Operation | None:
    """Create the operation that a person requested; None when it exists already.

    `facts` name the snapshot and its time; without them it is the newest. Raises RefusedError.
    """
    requester = request.requester
    operation = new_operation(request.operation_id, plan, ports.now(), requested_by=requester)
    operation = replace(request.applied_to(operation), facts=facts or Facts())
    if older := why_older(operation, ports):
        raise older
    return create(operation, ports, what=request.describe(f"asked for by {requester}"))


def made_before(request_id: str, operation: Operation) -> RefusedError:
    """Refuse a request whose id was used before: it starts nothing a second time."""
    reason = f": {operation.reason}" if operation.reason else "."
    ended = operation.state in TERMINAL
    return RefusedError(
        f"The request {quoted(request_id)} was made before. Its operation {operation.operation_id} "
        f"{'ended as' if ended else 'is'} {operation.state}{reason}",
        "Use another request_id to ask for another operation."
        if ended
        else "Wait for its end; then use another request_id to ask for another operation.",
    )


def create(
    operation: Operation, ports: Ports, *, what: str, again: bool = True
) -> Operation | None:
    """Write the record and take the target's lock; where another holds it, skip the operation.

    A lock whose holder has ended, or whose record somebody removed, is released, and so is the note
    of such a deletion. The write is tried `again`, once. None when the operation exists already.
    """
    arn = operation.plan.target_cluster_arn
    operation = replace(
        operation,
        due_at=operation.created_at + republish_after(ports),
        region=ports.region,
        expected_durations={**ports.operations.expected_durations(arn)},
    )
    if ports.operations.create(operation, what=what) is WriteResult.CONFLICT:
        if ports.operations.read(operation.operation_id) is not None:
            return None
        ports.operations.release_stale_deletion(arn)
        if again and ports.operations.release_stale_lock(arn):
            return create(operation, ports, what=what, again=False)
        operation = _skipped(operation, ports)
        reason = operation.reason or ""
        if ports.operations.create(operation, what=reason) is WriteResult.CONFLICT:
            return None
    operation_id = operation.operation_id
    logger.info(f"{operation_id} is {operation.state}: {what}", operation_id=operation_id)
    announce([operation], ports)
    return operation


def _skipped(operation: Operation, ports: Ports) -> Operation:
    """End an operation at its beginning, and say which other one it would meet."""
    target = ports.operations.target(operation.plan.target_cluster_arn)
    name, ask = target_of(operation), ASK_LATER
    if target.locked_by:
        reason = f"The operation {target.locked_by} already runs on {name}."
    elif target.deleted_by:
        reason = f"The operation {target.deleted_by} deletes a previous cluster of {name} now."
    else:
        reason, ask = f"Another operation on {name} has ended this moment.", "Ask again."
    return replace(
        operation,
        state=State.SKIPPING,
        reason=reason,
        # The heartbeat catches up automatic operations.
        remedy=RESTORED_LATER if operation.automatic else ask,
        skipped_because_locked=True,
    )


def _first_id(plan: Plan, snapshot: Snapshot) -> str:
    if snapshot.created_at is None:
        raise TransientError(f"Aurora has not said yet when the snapshot {snapshot.arn} was made.")
    return automatic_id(plan.name, plan.stage, snapshot.arn, snapshot.created_at)


def _of_snapshot(
    operation_id: str, plan: Plan, snapshot: Snapshot, ports: Ports, why: str
) -> Operation:
    facts = Facts(snapshot=SnapshotFacts(arn=snapshot.arn, created_at=snapshot.created_at))
    return replace(new_operation(operation_id, plan, ports.now(), requested_by=why), facts=facts)


def new_operation(
    operation_id: str,
    plan: Plan,
    now: datetime,
    *,
    requested_by: str,
    state: State = State.ACCEPTED,
) -> Operation:
    """Make the record of an operation that begins now, in a state."""
    return Operation(
        operation_id=operation_id,
        root_id=operation_id,
        stage=plan.stage,
        plan_name=plan.name,
        plan=plan,
        state=state,
        open="yes",
        created_at=now,
        entered_at=now,
        requested_by=requested_by,
        deadline=now + timedelta(seconds=plan.seconds(ROWS[state].deadline)),
    )
