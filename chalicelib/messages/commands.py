"""The commands that people paste, each with a request id: a command pasted twice acts once."""

import json
import shlex
from collections.abc import Mapping

from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    REQUESTED,
    ROLLBACK_REQUESTED,
    event_source,
)
from chalicelib.flow.identifiers import requested_id, retire_id
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports
from chalicelib.settings import DEFAULT_PLAN

YOUR_SNAPSHOT = "your-snapshot"  # in a command, for a name that people put in its place


def request_command(stage: str, region: str, detail: Mapping[str, object]) -> str:
    """Write the command that puts a RestoreRequested on the stage's bus."""
    return _command(stage, region, REQUESTED, detail)


def restore_command(operation: Operation, detail: Mapping[str, object]) -> str:
    """Write the command that asks for another restore by the plan of an operation."""
    plan = operation.plan_name if operation.plan_name != DEFAULT_PLAN else None
    return request_command(operation.stage, _region(operation), {**detail, "plan": plan})


def snapshot_command(operation: Operation) -> str:
    """Write the command that restores a snapshot instead of a rollback of an operation."""
    request_id = request_id_of({"instead of going back": operation.operation_id})
    detail = {"request_id": request_id, "snapshot_identifier": YOUR_SNAPSHOT}
    return restore_command(operation, detail)


def rollback_command(operation: Operation) -> str:
    """Write the command that brings back what an operation has replaced.

    For a rollback that has replaced nothing it is the same rollback once more.
    """
    is_again = operation.rolls_back and not operation.opened
    replaced_by = operation.rolls_back if is_again else operation.operation_id
    after = operation.operation_id if is_again else None
    request_id = request_id_of({"roll back": replaced_by, "after": after})
    detail = {"operation_id": replaced_by, "request_id": request_id}
    return _command(operation.stage, _region(operation), ROLLBACK_REQUESTED, detail)


def cancel_command(operation: Operation) -> str:
    """Write the command that cancels an operation."""
    return _cancellation(operation, operation.operation_id)


def keep_command(operation: Operation) -> str:
    """Write the command that keeps the target which an operation has replaced for good."""
    return _cancellation(operation, retire_id(operation.operation_id))


def _cancellation(operation: Operation, operation_id: str) -> str:
    detail = {"operation_id": operation_id}
    return _command(operation.stage, _region(operation), CANCEL_REQUESTED, detail)


def newest_command(ports: Ports) -> str:
    """Write the command that lists the newest operations of all plans, oldest first."""
    query = "sort_by(Items[?created_at], &created_at.S)[-20:].[operation_id.S, state.S]"
    table = ports.settings.state_table_name
    return (
        f"aws dynamodb scan --region {ports.region} --table-name {table} --output text --query "
        f"{shlex.quote(query)}"
    )


def _command(stage: str, region: str, detail_type: str, detail: Mapping[str, object]) -> str:
    """Write the command for an event; fields that are None are left out."""
    given = {field: value for field, value in detail.items() if value is not None}
    entry = {"Source": event_source(stage), "DetailType": detail_type, "Detail": json.dumps(given)}
    entries = json.dumps([entry], separators=(",", ":"))
    return f"aws events put-events --region {region} --entries {shlex.quote(entries)}"


def rerun_command(operation: Operation) -> str:
    """Write the command that continues an operation where it stopped, with its permissions.

    Its request id follows from the request.
    """
    request = {
        "rerun_of": operation.operation_id,
        "from_step": operation.rerun_from,
        "older": operation.may_be_older or None,
    }
    region = _region(operation)
    detail = {"request_id": request_id_of(request), **request}
    return request_command(operation.stage, region, detail)


def step_command(operation: Operation, step: str) -> str:
    """Write the command that repeats a step of a success."""
    request = {"rerun_of": operation.operation_id, "from_step": step}
    detail = {"request_id": request_id_of(request), **request}
    return request_command(operation.stage, _region(operation), detail)


def _region(operation: Operation) -> str:
    return operation.region or operation.plan.target.region


def request_id_of(request: Mapping[str, object]) -> str:
    """Make the id of a request: the same for the same detail, whose fields of None are ignored."""
    given = (f"{field}={value}" for field, value in request.items() if value is not None)
    return requested_id(" ".join(["again", *given]))
