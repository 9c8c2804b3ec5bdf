"""Refuses to replace newer data of a target by older, unless a person asked for that."""

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import request_command, request_id_of
from chalicelib.ports import Ports
from chalicelib.target.current_target import present_name


def why_older(
    operation: Operation, ports: Ports, *, from_step: str | None = None, is_seen: bool = False
) -> RefusedError | None:
    """Say why an operation may not replace its target's data, and how to ask for it; else None.

    The data of the present cluster counts, whether the operation that restored it succeeded or not.
    Where there is no cluster, nothing is replaced. `is_seen` says that there is one: Aurora may
    have created it although the record does not know.
    """
    facts, plan = operation.facts, operation.plan
    if operation.may_be_older or facts.snapshot.created_at is None:
        return None
    target = ports.operations.target(plan.target_cluster_arn)
    standing = target.standing
    if standing.is_clear and not is_seen:
        return None
    if standing.snapshot_at is None or facts.snapshot.created_at >= standing.snapshot_at:
        return None
    return RefusedError(
        f"The target {present_name(plan, target)} holds data of "
        f"{iso_timestamp(standing.snapshot_at)}, restored by {standing.operation}, and the "
        f"snapshot {facts.snapshot.arn} is of {iso_timestamp(facts.snapshot.created_at)}, which is "
        "older.",
        'To replace it by the older data, ask with "older": true: '
        + _command(operation, from_step, standing.operation, ports),
        retry=Retry.NEW_REQUEST,
    )


def _command(
    operation: Operation, from_step: str | None, replaced: str | None, ports: Ports
) -> str:
    """Write the command that allows it.

    Its request id follows from the refused operation and from the data that it would replace: the
    same snapshot may be requested again after newer data has been restored over it.
    """
    request: dict[str, object] = {"older": True}
    if operation.rerun_of:
        request |= {"rerun_of": operation.rerun_of, "from_step": from_step}
    else:
        snapshot_arn = operation.facts.snapshot.arn
        request |= {"plan": operation.plan_name, "snapshot_identifier": snapshot_arn}
    refused = {"instead of": operation.operation_id, "replaces": replaced}
    request_id = request_id_of(request | refused)
    return request_command(operation.stage, ports.region, {"request_id": request_id, **request})
