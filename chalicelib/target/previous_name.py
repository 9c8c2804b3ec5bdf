"""The names that previous targets have when a restore needs them: an older one goes, or is kept."""

from dataclasses import replace

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.aws.statuses import RECOVERABLE, is_lost
from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.errors import (
    RefusedError,
)
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.ownership import is_ours, refuse_others
from chalicelib.flow.retirement import kept_until
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import cancel_command, rerun_command
from chalicelib.messages.publishing import announce
from chalicelib.ports import Ports
from chalicelib.target.cluster import observe_cluster
from chalicelib.target.current_target import refuse_opened
from chalicelib.target.previous_protection import (
    lost_endpoints,
    retirement_of_cluster,
    until_surely_kept,
    why_kept,
)


def until_name_is_free(operation: Operation, ports: Ports) -> Wait | None:
    """Wait until an older previous target is deleted, whose name the old target gets.

    Its time ends when the name is needed. Raises RefusedError where nothing will delete it.
    """
    old, plan = operation.facts.target.old, operation.plan.target
    found = _in_the_way(operation, old.resource_id, ports) if old else None
    if found is None:
        return None
    announce([retirement_in_the_way(operation, found, ports)], ports)
    reason = f"The older previous target {found.identifier} is {found.status}, to be deleted."
    return Wait(reason, plan.restore_check_interval, _making_room(operation, found))


def until_room_is_made(operation: Operation, found: Cluster, ports: Ports) -> Wait | None:
    """Wait until the previous target is deleted, which has the name of the new cluster.

    Its time ends when the next restore begins, and its own operation deletes it: it knows what
    keeps the cluster, and takes the final snapshot. None for a cluster of an operation that
    stopped, which the restore deletes by itself. Raises RefusedError where it is kept.
    """
    plan = operation.plan
    if not plan.target.keeps_old:
        return None
    retirement = retirement_of_cluster(operation, found.resource_id, ports)
    if retirement is None:
        _refuse_undecided(operation, found, ports)
        return None
    ended = retirement.state in TERMINAL and retirement.state is not State.RETIRED
    kept = f"{retirement.operation_id} did not delete it: it is {retirement.state}."
    if not ended:
        why = why_kept(retirement, found, ports)
        if why and (wait := until_surely_kept(operation, why, ports)):
            return wait
        kept = why.reason if why else lost_endpoints(retirement, found, ports)
    if kept:
        raise RefusedError(
            f"The name {found.identifier}, which the new cluster needs, is taken by the previous "
            f"target {found.arn}, and {kept}",
            "Delete or rename that cluster if it is not needed, or set REPLACEMENT=delete-first.",
        )
    announce([retirement], ports)
    reason = f"The previous target {found.identifier} is {found.status}, to be deleted."
    return Wait(reason, plan.target.restore_check_interval, _making_room(operation, found))


def _making_room(operation: Operation, found: Cluster) -> Facts:
    """Note which cluster goes because its name is needed: people could have gone back to it."""
    name = f"{found.identifier} ({found.resource_id})"
    return replace(operation.facts, target=replace(operation.facts.target, room_of=name))


def _refuse_undecided(operation: Operation, found: Cluster, ports: Ports) -> None:
    """Raise RefusedError for a cluster that was the target and whose retirement has no record.

    People may have cancelled that, so the cluster counts as kept.
    """
    target = ports.operations.target(operation.plan.target_cluster_arn)
    if noted := target.retirements.get(found.resource_id):
        raise RefusedError(
            f"The name {found.identifier}, which the new cluster needs, is taken by the previous "
            f"target {found.arn}. {noted} decides about it, and its record is gone.",
            "Delete that cluster if it is not needed, or give it another name.",
        )


def refuse_taken_name(operation: Operation, old: Cluster, ports: Ports) -> None:
    """Raise RefusedError where another cluster has the previous target's name for good."""
    if found := _in_the_way(operation, old.resource_id, ports):
        retirement_in_the_way(operation, found, ports)


def refuse_lost(old: Cluster) -> None:
    """Raise RefusedError for a target that cannot be renamed, so that no swap would succeed."""
    refusal = f"The target {old.arn} is {old.status}, and AWS gives no such cluster another name."
    if old.status == RECOVERABLE:
        raise RefusedError(
            refusal,
            f"Enable its key, {old.settings.kms_key_arn}, and start the cluster. If that is not "
            "possible, AWS gives it up after seven days; then set REPLACEMENT=delete-first, which "
            "deletes it.",
        )
    if is_lost(old.status) and old.status != "deleting":
        raise RefusedError(
            refusal,
            "Delete it if its data is not needed, or set REPLACEMENT=delete-first, which deletes "
            "it.",
        )


def _in_the_way(operation: Operation, old_id: str, ports: Ports) -> Cluster | None:
    """Find another cluster under the name that the old target gets."""
    plan = operation.plan.target
    found = observe_cluster(ports.service("rds", plan.region), plan.previous_id)
    return None if found is None or found.resource_id == old_id else found


def retirement_in_the_way(operation: Operation, found: Cluster, ports: Ports) -> Operation:
    """Find the open operation that will delete the cluster under the previous target's name.

    Raises RefusedError where there is none.
    """
    plan = operation.plan
    refuse_others(f"The cluster {found.arn}, whose name the old target needs,", [found], plan)
    opened_id = ports.operations.target(plan.target_cluster_arn).opened_id
    if found.resource_id == opened_id and not is_lost(found.status):
        refuse_opened(plan, found, ports)  # a rollback that AWS refused has left it so
    retirement = retirement_of_cluster(operation, found.resource_id, ports)
    lost = lost_endpoints(retirement, found, ports)
    is_open = retirement is not None and retirement.state not in TERMINAL
    if retirement and is_open and is_ours(found, plan) and not lost:
        return retirement
    has_failed = retirement is not None and retirement.state is State.FAILED
    rerun = f" {retirement.operation_id} failed to." if retirement and has_failed else ""
    raise RefusedError(
        f"The name {plan.target.previous_id}, under which the old target is kept, is taken by "
        f"{found.arn}, and {lost or f'no operation of ours will delete it.{rerun}'}",
        "Delete or rename that cluster if it is not needed, or set REPLACEMENT=delete-first.",
    )


def refuse_kept_instance(operation: Operation, taken: Instance, ports: Ports) -> None:
    """Raise RefusedError where an instance of a previous target has a name that a new one needs.

    It is the way back of people, so they decide whether that goes.
    """
    rds = ports.service("rds", operation.plan.target.region)
    kept = observe_cluster(rds, taken.cluster_id) if taken.cluster_id else None
    retirement = retirement_of_cluster(operation, kept.resource_id, ports) if kept else None
    if kept is None or retirement is None or retirement.state is State.RETIRED:
        return
    until = ""
    if retirement.state not in TERMINAL:
        until = f" until {iso_timestamp(kept_until(retirement))}"
    raise RefusedError(
        f"The instance name {taken.identifier} is taken by {taken.arn}, which belongs to the "
        f"previous target {kept.identifier} ({kept.resource_id}). That is kept{until}.",
        _how_to_delete_first(retirement),
    )


def _how_to_delete_first(retirement: Operation) -> str:
    """Say how to have a previous target deleted before its time, or after that was called off."""
    rerun = rerun_command(retirement)
    if retirement.state in TERMINAL:
        return (
            f"{retirement.operation_id} ended as {retirement.state}, so nothing deletes it by "
            f"itself. If nobody wants to go back to it, have it deleted: {rerun}"
        )
    return (
        "Wait until then. Or, if nobody wants to go back to it, have it deleted first. Cancel the "
        f"operation that keeps it: {cancel_command(retirement)} and then, when that has ended, "
        f"have it deleted: {rerun}"
    )
