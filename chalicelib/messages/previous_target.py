"""What a notification says of the previous target: until when it is kept, and the way back."""

from chalicelib.flow.operation import Operation
from chalicelib.flow.retirement import previous_kept_until
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import rollback_command


def kept_previous(operation: Operation) -> list[str]:
    """Say how long the previous target is kept, and how to go back to it.

    Its name is one of those that the next restore needs, unless it is that of a target that was
    adopted before pointers led to two others.
    """
    until, old = previous_kept_until(operation), operation.facts.target.old
    if until is None or old is None:
        return []
    plan, name = operation.plan.target, operation.previous_id
    kept = f"The previous target, {name} ({old.resource_id}), is kept until {iso_timestamp(until)}"
    command = rollback_command(operation)
    if plan.points and name not in plan.cluster_ids[1:]:
        back = "To go back to it until then, or until the next restore replaces the target"
        return [f"{kept}.", f"{back}: {command}"]
    return [
        f"{kept}, or until the next restore needs its name.",
        f"To go back to it until then: {command}",
    ]
