"""The operation that deletes a previous target, when the time for which it is kept is over.

It begins when the new target opens, holds no lock, and is due when the time is over. Cancelling it
keeps the cluster.
"""

from datetime import datetime, timedelta

from chalicelib.flow.baseline import EndpointBaseline
from chalicelib.flow.choreography import ROWS, State
from chalicelib.flow.facts import Facts, OldTarget, SwapFacts, TargetFacts
from chalicelib.flow.identifiers import retire_id
from chalicelib.flow.operation import Kind, Operation

_OPEN = State.TARGET_OPEN


def retirement_of(operation: Operation) -> Operation | None:
    """Make the operation that deletes the cluster that another one has replaced; None without one.

    `operation` is about to open its target.
    """
    old, now = operation.facts.target.old, operation.entered_at
    if old is None or not operation.keeps_previous:
        return None
    operation_id = retire_id(operation.operation_id)
    state = State.PREVIOUS_KEPT
    return Operation(
        operation_id=operation_id,
        root_id=operation_id,
        kind=Kind.RETIRE,
        stage=operation.stage,
        region=operation.region,
        plan_name=operation.plan_name,
        plan=operation.plan,
        state=state,
        open="yes",
        created_at=now,
        entered_at=now,
        due_at=operation.due_at,
        requested_by=f"{operation.operation_id}, which replaced {old.resource_id}",
        deadline=max(
            now + timedelta(seconds=operation.plan.seconds(ROWS[state].deadline)),
            now + _kept_for(operation) + timedelta(seconds=operation.plan.target.delete_deadline),
        ),
        facts=Facts(
            target=TargetFacts(old=old, made_as=operation.facts.target.made_as),
            swap=SwapFacts(
                endpoints=_endpoints_of(operation, old),
                record_ttl=operation.facts.swap.record_ttl,
            ),
        ),
    )


def _endpoints_of(operation: Operation, old: OldTarget) -> tuple[EndpointBaseline, ...] | None:
    """Give the custom endpoints of the cluster that an operation has replaced, as far as known."""
    baseline = operation.facts.target.baseline
    if operation.kind is Kind.ROLLBACK:
        return operation.facts.swap.endpoints
    return baseline.endpoints if baseline and baseline.resource_id == old.resource_id else None


def kept_until(operation: Operation) -> datetime:
    """Say until when the previous target is kept, by its operation; a rerun deletes it at once."""
    if operation.rerun_of:
        return operation.created_at
    return operation.created_at + _kept_for(operation)


def _kept_for(operation: Operation) -> timedelta:
    """Give KEEP_PREVIOUS_HOURS, or longer while name servers may still lead clients there."""
    hours, ttl = operation.plan.target.keep_previous_hours, operation.facts.swap.record_ttl
    return max(timedelta(hours=hours), timedelta(seconds=ttl or 0))


def previous_kept_until(operation: Operation) -> datetime | None:
    """Say until when the target that an operation has replaced is kept; None where it is not.

    None, too, for a rerun that began after the opening: the operation before it has told.
    """
    if operation.durations and operation.rerun_of and operation.durations[0].state is _OPEN:
        return None
    opened = next((left.started_at for left in operation.durations if left.state is _OPEN), None)
    hours = operation.plan.target.keep_previous_hours
    if opened is None or not operation.keeps_previous or not hours:
        return None
    return opened + _kept_for(operation)
