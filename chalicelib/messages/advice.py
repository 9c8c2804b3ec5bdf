"""The advice after an operation stopped: the state of the target, and the command to continue."""

from collections.abc import Mapping

from chalicelib.flow.choreography import ROWS, State, comes_after
from chalicelib.flow.errors import NOTHING_TO_DO, Retry
from chalicelib.flow.facts import Deletion
from chalicelib.flow.operation import Kind, Operation
from chalicelib.messages.commands import (
    YOUR_SNAPSHOT,
    request_id_of,
    rerun_command,
    restore_command,
    rollback_command,
)
from chalicelib.messages.previous_target import (
    fate_of_previous,
    kept_previous,
    may_be_half_deleted,
)

SWAPPED_HALF_WAY = "docs/runbook.md#a-swap-that-did-not-finish"
POINTED_HALF_WAY = "docs/runbook.md#pointers-that-were-not-moved-everywhere"
NEW_IS_TARGET = "new cluster is the target"

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
    """Describe the target where an operation stopped before its end."""
    stopped = operation.stopped_at
    if stopped is None or operation.state is State.SKIPPING:
        return []
    if operation.kind is Kind.RETIRE:
        return fate_of_previous(operation)
    if operation.keeps_cluster:
        return _repeated_status(operation, stopped)
    if stopped is State.TARGET_OPEN:
        what = "previous cluster is the target again" if _is_back(operation) else NEW_IS_TARGET
        made = operation.facts.target.cluster_resource_id
        return [f"The {what}: {operation.new_cluster_id}, {made}.", *kept_previous(operation)]
    if operation.plan.target.keeps_old:
        return [*_status_beside(operation, stopped), *_made_room(operation)]
    return _status_in_its_place(operation, stopped)


def _is_back(operation: Operation) -> bool:
    return operation.kind is Kind.ROLLBACK


def _repeated_status(operation: Operation, stopped: State) -> list[str]:
    """Describe the target of which a step was repeated: it is the same cluster before and after."""
    kept = "No cluster was replaced."
    if operation.durations[0].state is not State.RESTORED:
        return [kept]
    if stopped is State.RESTORED:
        part = f"Some passwords and logins on {operation.new_cluster_id} may be changed already."
        return [f"{kept} {part}"]
    return [f"{kept} The users on {operation.new_cluster_id} are set up."]


def _status_beside(operation: Operation, stopped: State) -> list[str]:
    """Describe the target where the new cluster is made beside it."""
    if stopped is State.ROLLING_BACK:
        section = POINTED_HALF_WAY if operation.plan.target.points else SWAPPED_HALF_WAY
        return [f"How to see which cluster is the target, and what to do: {section}."]
    if ROWS[stopped].on_giving_up is State.ROLLING_BACK:
        return []  # the reason says what is where
    target, plan = operation.facts.target, operation.plan.target
    name = f", {target.old.name}" if plan.points and target.old else ""
    status = f"This operation did not change the target{name}."
    if target.old is None and _is_before(State.SNAPSHOT_READY, stopped):
        status = "There is no target, as before."
    if target.cluster_resource_id is None or _is_back(operation):
        return [status]
    return [f"{status} The new cluster, {operation.new_cluster_id}, is kept for a rerun."]


def _made_room(operation: Operation) -> list[str]:
    gone = operation.facts.target.room_of
    why = "because the new cluster needed its name, so nobody can go back to it any more"
    return [f"The cluster {gone}, kept from an earlier replacement, is deleted, {why}."] * bool(
        gone
    )


def _status_in_its_place(operation: Operation, stopped: State) -> list[str]:
    """Describe the target where the old one is deleted before the new one is made."""
    old = operation.facts.target.old
    if _is_before(stopped, State.TARGET_DELETING):
        return ["This operation deleted nothing, and did not change the target."]
    if stopped is State.TARGET_DELETING and old:
        deletion = _DELETION.get(operation.facts.target.deletion, _DELETION_UNKNOWN)
        return [deletion.format(target=old.arn)]
    gone = "the old one is gone, and " if old else ""
    if _is_before(stopped, State.RESTORED):
        return [f"There is no target now: {gone}the new one is not finished."]
    users = "are not" if stopped is State.RESTORED else "are"
    name = operation.new_cluster_id
    return [f"The new cluster has the name {name}. Its users {users} set up."]


def next_command(operation: Operation) -> str | None:
    """Give the command that people need after they followed the remedy; None where none is."""
    is_kept = operation.kind is Kind.RETIRE and operation.remedy == NOTHING_TO_DO
    if is_kept and not may_be_half_deleted(operation):
        return None
    if operation.kind is Kind.ROLLBACK:
        again = f"Try it once more: {rollback_command(operation)}"
        return None if operation.opened else again  # else the status has the way back
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
    return restore_command(operation, {"request_id": request_id, "snapshot_identifier": snapshot})


def _of_last_success(operation: Operation) -> str:
    request_id = request_id_of({"last instead of": operation.operation_id})
    step = operation.rerun_from
    return restore_command(
        operation, {"request_id": request_id, "rerun_of": "last", "from_step": step}
    )


def _is_before(state: State, other: State) -> bool:
    return state is not other and not comes_after(state, other)
