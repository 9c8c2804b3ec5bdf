"""What messages say of the previous target: until when it is kept, the way back, and its end."""

from collections.abc import Mapping

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Deletion
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.retirement import previous_kept_until
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import keep_command, rollback_command

_DELETION: Mapping[Deletion | None, str] = {
    Deletion.ASKED: (
        "AWS was asked to delete it and has not confirmed that, so some of its instances may be "
        "gone. A rollback to it is refused if one is."
    ),
    Deletion.ACCEPTED: "AWS is deleting it, and cannot be stopped any more.",
}


def kept_previous(operation: Operation) -> list[str]:
    """Say how long the previous target is kept, and how to go back to it."""
    until, old = previous_kept_until(operation), operation.facts.target.old
    if until is None or old is None:
        return _no_way_back(operation)
    is_back = operation.kind is Kind.ROLLBACK
    which = "cluster that was rolled back" if is_back else "previous target"
    kept = f"The {which}, {named(operation)}, is kept until {iso_timestamp(until)}"
    stopped = ""
    if operation.plan.target.stop_previous:
        stopped = " It is stopped meanwhile; a rollback starts it first."
    command = rollback_command(operation)
    if not _name_is_needed(operation):
        back = "To go back to it until then, or until the next restore replaces the target"
        return [f"{kept}.{stopped}", f"{back}: {command}"]
    return [
        f"{kept}, or until the next restore needs its name.{stopped}",
        f"To go back to it until then: {command}",
    ]


def keep_for_good(operation: Operation) -> list[str]:
    """Say how to keep the previous target of a success beyond its time."""
    if previous_kept_until(operation) is None:
        return []
    return [f"To keep it for good: {keep_command(operation)}"]


def _no_way_back(operation: Operation) -> list[str]:
    """Say why there is no previous target, where one was deleted for the new one."""
    old, plan = operation.facts.target.old, operation.plan.target
    if old is None or plan.keeps_old or operation.keeps_cluster:
        return []
    why = f"REPLACEMENT={plan.replacement} deleted the old target before this one was made"
    final = old.final_snapshot_id
    last = f" Its last state is the snapshot {final}." if final else ""
    return [f"There is no previous target to go back to: {why}.{last}"]


def named(operation: Operation) -> str:
    """Name the previous target, with its resource id."""
    old = operation.facts.target.old
    return f"{operation.previous_id} ({old.resource_id if old else 'unknown'})"


def _name_is_needed(operation: Operation) -> bool:
    """Tell whether a later restore needs the name of the previous target.

    It does not need that of a target that was adopted before pointers led to two others.
    """
    plan = operation.plan.target
    return not plan.points or operation.previous_id in plan.cluster_ids[1:]


def may_be_half_deleted(retirement: Operation) -> bool:
    """Tell whether AWS was asked for the deletion, and has not confirmed that it goes on."""
    return retirement.facts.target.deletion is Deletion.ASKED


def fate_of_previous(retirement: Operation) -> list[str]:
    """Say what is left of a previous target whose deletion failed or was cancelled."""
    target = "The target itself is not affected."
    if retirement.stopped_at is State.PREVIOUS_DELETING:
        deletion = retirement.facts.target.deletion
        return [_DELETION.get(deletion, "This operation deleted nothing of it."), target]
    if retirement.failed_step:
        return ["Nothing of it was deleted.", target]
    kept = "It stays, and costs money, until it is deleted."
    if _name_is_needed(retirement):
        kept += (
            " The next restore that needs its name is refused until you have renamed or deleted it."
        )
    return [kept, target]
