"""How fresh a target is: newer data is replaced by older only where a person asked for just that."""

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import request_command, request_id_of
from chalicelib.ports import Ports


def why_older(
    operation: Operation, ports: Ports, *, from_step: str | None = None, is_seen: bool = False
) -> RefusedError | None:
    """Say why an operation may not replace what its target holds, and how to ask for it.

    None where it may.

    What stands counts, whether the operation that restored it succeeded or not. A snapshot of the
    same moment replaces nothing newer, and where nothing stands nothing is replaced; `is_seen` says
    that a cluster stands there, which Aurora may have begun without our knowing.
    """
    facts, plan = operation.facts, operation.plan
    if operation.may_be_older or facts.snapshot.created_at is None:
        return None
    standing = ports.operations.target(plan.target_cluster_arn).standing
    if standing.is_clear and not is_seen:
        return None
    if standing.snapshot_at is None or facts.snapshot.created_at >= standing.snapshot_at:
        return None
    return RefusedError(
        f"The target {plan.target.cluster_id} holds data of {iso_timestamp(standing.snapshot_at)}, "
        f"restored by {standing.operation}, and the snapshot {facts.snapshot.arn} is of "
        f"{iso_timestamp(facts.snapshot.created_at)}, which is older.",
        'To replace it by the older data, ask with "older": true: '
        + _command(operation, from_step, standing.operation, ports),
        retry=Retry.NEW_REQUEST,
    )


def _command(
    operation: Operation, from_step: str | None, replaced: str | None, ports: Ports
) -> str:
    """Write the command that allows it: one request for what was refused and what it would replace.

    The same older snapshot may be asked for again when newer data has been restored over it.
    """
    asked: dict[str, object] = {"older": True}
    if operation.rerun_of:
        asked |= {"rerun_of": operation.rerun_of, "from_step": from_step}
    else:
        asked |= {"plan": operation.plan_name, "snapshot_identifier": operation.facts.snapshot.arn}
    refused = {"instead of": operation.operation_id, "replaces": replaced}
    request_id = request_id_of(asked | refused)
    return request_command(operation.stage, ports.region, {"request_id": request_id, **asked})
