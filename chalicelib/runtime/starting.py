"""Starting an operation: from a snapshot by itself, or from a person's request.

Here records come to be, once.
"""

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
from chalicelib.messages.events import RestoreRequested
from chalicelib.messages.publishing import announce, republish_after
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.operations import WriteResult
from chalicelib.runtime.older_data import why_older

ASK_LATER = "When it has ended, ask again."
# operations for one snapshot, of which all but the last were skipped because the target was busy
CATCH_UPS_MAX = 5


def start_from_snapshot(
    plan: Plan, snapshot: Snapshot, ports: Ports, *, why: str
) -> Operation | None:
    """Create the operation of a snapshot, once however often its event comes.

    None when it exists already.
    """
    return create(
        _of_snapshot(_first_id(plan, snapshot), plan, snapshot, ports, why), ports, what=why
    )


def catch_up(plan: Plan, snapshot: Snapshot, ports: Ports) -> Operation | None:
    """Create the operation of a snapshot whose event was lost, or that was skipped because the target was busy."""
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
class Asked:
    """What a person asked for: the request, the id that makes it the same when it comes again, and its event's id."""

    request: RestoreRequested
    request_id: str
    event_id: str
    operation_id: str  # of what comes of it

    @property
    def who(self) -> str:
        """Who asks, as the records tell it."""
        return f"request {quoted(self.request_id)}"

    def told(self, what: str) -> str:
        """Say what is asked for, and why."""
        reason = self.request.reason
        return f"{what}, with the reason {quoted(reason)}" if reason else what

    def on(self, operation: Operation) -> Operation:
        """Make the record one of this request."""
        return replace(
            operation,
            automatic=False,
            request_reason=self.request.reason,
            requested_by_event=self.event_id or None,
            may_be_older=self.request.older,
        )


def start_on_request(
    asked: Asked, plan: Plan, ports: Ports, facts: Facts | None = None
) -> Operation | None:
    """Create the operation that a person asked for; None when it exists already.

    Raises RefusedError.

    `facts` say which snapshot is meant, and when that was made; without them it is the newest.
    """
    operation = new_operation(asked.operation_id, plan, ports.now(), requested_by=asked.who)
    operation = replace(asked.on(operation), facts=facts or Facts())
    if older := why_older(operation, ports):
        raise older
    return create(operation, ports, what=asked.told(f"asked for by {asked.who}"))


def made_before(request_id: str, operation: Operation) -> RefusedError:
    """Say what became of a request whose id comes again: it starts nothing a second time."""
    why = f": {operation.reason}" if operation.reason else "."
    return RefusedError(
        f"The request {quoted(request_id)} was made before. Its operation {operation.operation_id} "
        f"is {operation.state}{why}",
        "Use another request_id to ask for another operation."
        if operation.state in TERMINAL
        else "Wait for its end; then use another request_id to ask for another operation.",
    )


def create(
    operation: Operation, ports: Ports, *, what: str, again: bool = True
) -> Operation | None:
    """Write the record and take the target's lock.

    Where the lock is taken, write why it is skipped instead.

    A lock whose holder ended, or whose record somebody removed, is free: it is tried `again`, once.
    """
    operation = replace(
        operation,
        due_at=operation.created_at + republish_after(ports),
        region=ports.region,
        expected_durations={
            **ports.operations.expected_durations(operation.plan.target_cluster_arn)
        },
    )
    if ports.operations.create(operation, what=what) is WriteResult.CONFLICT:
        if ports.operations.read(operation.operation_id) is not None:
            return None
        if again and ports.operations.release_stale_lock(operation.plan.target_cluster_arn):
            return create(operation, ports, what=what, again=False)
        holder = ports.operations.target(operation.plan.target_cluster_arn).locked_by
        reason = f"The operation {holder} already runs on {operation.plan.target_cluster_arn}."
        remedy = (
            None if operation.automatic else ASK_LATER
        )  # the heartbeat catches up what starts by itself
        operation = replace(
            operation,
            state=State.SKIPPING,
            reason=reason,
            remedy=remedy,
            skipped_because_locked=True,
        )
        if ports.operations.create(operation, what=reason) is WriteResult.CONFLICT:
            return None
    logger.info(
        f"{operation.operation_id} is {operation.state}: {what}",
        operation_id=operation.operation_id,
    )
    announce([operation], ports)
    return operation


def _first_id(plan: Plan, snapshot: Snapshot) -> str:
    if snapshot.created_at is None:
        raise TransientError(f"Aurora does not tell yet when the snapshot {snapshot.arn} was made.")
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
