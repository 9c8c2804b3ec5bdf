"""The advice after an operation stopped: the state of the target, and the command to continue."""

from collections.abc import Mapping

from chalicelib.flow.choreography import MOVING, State, comes_after
from chalicelib.flow.errors import NOTHING_TO_DO, Retry
from chalicelib.flow.facts import Deletion
from chalicelib.flow.operation import Kind, Operation
from chalicelib.messages.commands import (
    request_command,
    request_id_of,
    rerun_command,
    rollback_command,
)
from chalicelib.settings import DEFAULT_PLAN

YOUR_SNAPSHOT = "your-snapshot"  # in a command, for the name of a snapshot that does not exist yet

_DELETION_UNKNOWN = (
    "The deletion of the old target {target} was decided. Aurora completes any part of it that has "
    "started, so there may be no target until a restore has finished."
)
_DELETION: Mapping[Deletion | None, str] = {
    Deletion.DECIDED: "Nothing of the old target {target} was deleted.",
    Deletion.ASKED: (
        "AWS was asked to delete the instances of the old target {target}, and has not confirmed "
        "the deletion of its cluster. If the cluster still exists, see which of its instances do: "
        "create one in it if none is left and it is needed before a restore has finished."
    ),
    Deletion.ACCEPTED: (
        "The old target {target} is being deleted, so there is no target until a restore has "
        "finished."
    ),
}


def target_status(operation: Operation) -> list[str]:
    """Describe the target where an operation stopped before the new cluster was usable."""
    stopped, old = operation.stopped_at, operation.facts.target.old
    if stopped is None or operation.state is State.SKIPPING:
        return []
    if operation.plan.target.keeps_old or stopped is State.TARGET_OPEN:
        return _swapped_status(operation, stopped)
    if _is_before(stopped, State.TARGET_DELETING):
        return ["This operation deleted nothing: the target is as it was."]
    if stopped is State.TARGET_DELETING and old:
        deletion = _DELETION.get(operation.facts.target.deletion, _DELETION_UNKNOWN)
        return [deletion.format(target=old.arn)]
    if _is_before(stopped, State.RESTORED):
        return ["There is no target now: the old one is gone, and the new one is not finished."]
    return []


def _swapped_status(operation: Operation, stopped: State) -> list[str]:
    """Describe the target where the new cluster is made beside it."""
    target, plan = operation.facts.target, operation.plan.target
    if stopped is State.TARGET_OPEN:
        name = operation.new_cluster_id if plan.points else plan.cluster_id
        status = f"The new cluster is the target, {name}."
        is_back = operation.kind is Kind.ROLLBACK
        if is_back or not operation.keeps_previous or not plan.keep_previous_hours:
            return [status]
        kept = f"{status} The previous one is {operation.previous_id}."
        return [kept, f"To go back to it: {rollback_command(operation)}"]
    if stopped in MOVING:
        return []  # the reason says what is where
    name = operation.new_cluster_id
    made = target.cluster_resource_id and f" The new cluster, {name}, is kept for a rerun."
    return [f"The target is as it was.{made or ''}"]


def next_command(operation: Operation) -> str | None:
    """Give the command that people need after they followed the remedy; None where none is."""
    if operation.kind is Kind.RETIRE and operation.remedy == NOTHING_TO_DO:
        return None
    if operation.kind is Kind.ROLLBACK:
        what = "To take it back" if operation.opened else "Try it once more"
        return f"{what}: {rollback_command(operation)}"
    if operation.retry is Retry.LAST_SUCCESS:
        return f"Do it on the last success's cluster: {_of_last_success(operation)}"
    if operation.retry is Retry.NEW_REQUEST:
        command = _new_request(operation)
        return f"A rerun would be refused again. Restore the newest snapshot instead: {command}"
    if operation.retry is Retry.LATER_SNAPSHOT:
        command = _new_request(operation, YOUR_SNAPSHOT)
        later = "Later snapshots have the change: the next automated one is restored by itself."
        return (
            f"{later} For one that you take now, put its name in place of {YOUR_SNAPSHOT}: "
            f"{command}"
        )
    return f"Run it again: {rerun_command(operation)}"


def _new_request(operation: Operation, snapshot: str | None = None) -> str:
    request_id = request_id_of({"instead of": operation.operation_id})
    return _command(operation, {"request_id": request_id, "snapshot_identifier": snapshot})


def _of_last_success(operation: Operation) -> str:
    request_id = request_id_of({"last instead of": operation.operation_id})
    step = operation.rerun_from
    return _command(operation, {"request_id": request_id, "rerun_of": "last", "from_step": step})


def _command(operation: Operation, detail: Mapping[str, object]) -> str:
    plan = operation.plan_name if operation.plan_name != DEFAULT_PLAN else None
    region = operation.region or operation.plan.target.region
    return request_command(operation.stage, region, {**detail, "plan": plan})


def _is_before(state: State, other: State) -> bool:
    return state is not other and not comes_after(state, other)
