"""Refuses a request about an operation that names none, and says which are in progress."""

from collections.abc import Mapping
from typing import Any

from chalicelib.flow.choreography import CANCEL_REQUESTED, TERMINAL
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.text_limits import listed
from chalicelib.messages.envelopes import detail_of
from chalicelib.messages.requests import CancelRequested, RollbackRequested
from chalicelib.ports import Ports
from chalicelib.runtime import plans


def refuse_unnamed(envelope: Mapping[str, Any], ports: Ports) -> None:
    """Raise RefusedError for a cancellation or a rollback whose operation_id is empty or missing.

    A detail with unknown fields is left to the reader of requests, which proposes the right ones.
    """
    detail, cancels = detail_of(envelope), envelope["detail-type"] == CANCEL_REQUESTED
    fields = (CancelRequested if cancels else RollbackRequested).model_fields
    named = detail.get("operation_id")
    is_empty = named is None or (isinstance(named, str) and not named.strip())
    if not is_empty or detail.keys() - fields.keys():
        return
    if not cancels:
        raise RefusedError(
            "The event RollbackRequested names no operation, so nothing is rolled back.",
            "Give it as operation_id the operation that replaced the target last; its notification "
            "has the whole command.",
        )
    if found := _in_progress(ports):
        raise RefusedError(
            "The event CancelRequested names no operation, so nothing is cancelled.",
            f"Give it the operation_id of what is in progress: {listed(found)}.",
        )
    raise RefusedError(
        "The event CancelRequested names no operation, and none is in progress on any target.",
        "There is nothing to cancel. To keep a previous target, name the operation that will "
        "delete it.",
    )


def _in_progress(ports: Ports) -> list[str]:
    """List the open operations that hold the targets of the plans, each with its state."""
    arns = dict.fromkeys(plan.target_cluster_arn for plan in plans.valid_plans(ports))
    holders = [holder for arn in arns if (holder := ports.operations.target(arn).locked_by)]
    found = [known for holder in holders if (known := ports.operations.read(holder))]
    return [
        f"{known.operation_id} ({known.state})" for known in found if known.state not in TERMINAL
    ]
