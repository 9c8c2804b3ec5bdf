"""Cancellations on request: an operation is flagged, and its own step ends it."""

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.errors import NOTHING_TO_DO, RefusedError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.messages.commands import cancel_command, rerun_command
from chalicelib.messages.publishing import announce
from chalicelib.messages.requests import CancelRequested
from chalicelib.ports import Ports
from chalicelib.target.previous_protection import younger_retirement


def cancel(request: CancelRequested, before: Operation, event_id: str, ports: Ports) -> str | None:
    """Flag an operation; returns why a duplicate of an event is ignored. Raises RefusedError."""
    if event_id and before.cancelled_by_event == event_id:
        return f"the event has cancelled {before.operation_id} already"
    _refuse_outdated(before, ports)
    flagged = ports.operations.request_cancel(
        before.operation_id, reason=request.reason, event_id=event_id, now=ports.now()
    )
    if flagged is None:
        raise _too_late(ports.operations.read(before.operation_id) or before, ports)
    announce([flagged], ports)  # the step that holds it, or is woken by this, sees the flag
    return None


def _refuse_outdated(operation: Operation, ports: Ports) -> None:
    """Raise RefusedError for a retirement that deletes nothing: its end would keep nothing.

    Records alone decide that.
    """
    old = operation.facts.target.old
    if operation.kind is not Kind.RETIRE or operation.state is not State.PREVIOUS_KEPT or not old:
        return
    nothing = f"The operation {operation.operation_id} no longer deletes anything:"
    target = ports.operations.target(operation.plan.target_cluster_arn)
    if old.resource_id == target.opened_id:
        raise RefusedError(
            f"{nothing} its cluster, {old.resource_id}, is the target again.", NOTHING_TO_DO
        )
    if younger := younger_retirement(operation, old.resource_id, ports):
        raise RefusedError(
            f"{nothing} {younger} decides about its cluster, {old.resource_id}, now.",
            _other_decision(ports.operations.read(younger)),
        )


def _other_decision(younger: Operation | None) -> str:
    """Say how to have a cluster kept, or deleted, that a younger retirement decides about."""
    if younger is None:
        return (
            "The record of that one is gone, so no operation deletes the cluster: delete it "
            "yourself if it is not needed and not the target."
        )
    if younger.state in TERMINAL:
        return (
            f"That one ended as {younger.state}, so the cluster stays, and costs money, until it "
            f"is deleted. To have it deleted: {rerun_command(younger)}"
        )
    return f"To keep that cluster for good: {cancel_command(younger)}"


def _too_late(operation: Operation, ports: Ports) -> RefusedError:
    if operation.state in TERMINAL:
        return RefusedError(
            f"The operation {operation.operation_id} ended as {operation.state}, so there is "
            "nothing to cancel.",
            "To cancel another one, look up which are open, in the index open-by-due of the table "
            f"{ports.settings.state_table_name}.",
        )
    return RefusedError(
        f"The operation {operation.operation_id} is {operation.state}, which is too late to "
        "cancel.",
        "Wait for its end; nothing of it is undone.",
    )
