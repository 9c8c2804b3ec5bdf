"""The previous target, which keeps its name until an operation of its own has deleted it."""

from chalicelib.aws.client import Service
from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import Health, health, is_lost
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import (
    BeyondSettingsError,
    RefusedError,
    StateFaultError,
)
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.retirement import kept_until
from chalicelib.flow.text_limits import counted
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.target.attachments import what_holds
from chalicelib.target.cluster import TargetCluster, find_clusters
from chalicelib.target.current_target import present_name
from chalicelib.target.deletion import keys_of_cluster
from chalicelib.target.notice import is_noticed
from chalicelib.target.preflight import Preflight
from chalicelib.target.previous_protection import (
    Kept,
    lost_endpoints,
    until_surely_gone,
    until_surely_kept,
    why_kept,
)

ENDPOINTS_REMEDY = "Delete these endpoints, and create those that are needed on the target again."


def _until_target_lives(operation: Operation, ports: Ports) -> Wait | None:
    """Wait as long as the cluster at the target's name is lost, or has lost its instances.

    The previous target is then all that people have. Nothing but a person mends that, within the
    deadline or by a rerun.
    """
    plan = operation.plan.target
    name = present_name(operation.plan, ports.operations.target(operation.plan.target_cluster_arn))
    target = TargetCluster(ports.service("rds", plan.region), operation, name)
    cluster = target.observe()
    alive = [found for found in target.observe_instances() if not is_lost(found.status)]
    if cluster and alive and not is_lost(cluster.status):
        return None
    state = f"{cluster.status}, with {counted(len(alive), 'instance')}" if cluster else "gone"
    reason = f"The previous target is kept, because the target {name} is {state}."
    remedy = "Ask for it back (RollbackRequested), or for another restore of the target."
    return Wait(reason, plan.restore_check_interval, remedy=remedy)


def _is_needed(operation: Operation, name: str, ports: Ports) -> bool:
    """Tell whether the name of a previous target is needed now, by a restore that waits for it.

    The new cluster is made under it, or the old one gets it when people know of the replacement.
    """
    holder = ports.operations.target(operation.plan.target_cluster_arn).locked_by
    waiting = ports.operations.read(holder) if holder else None
    if waiting is None or not waiting.plan.target.keeps_old:
        return False
    if waiting.state is State.SNAPSHOT_READY:
        return waiting.facts.target.made_as == name
    is_parking = waiting.plan.target.swaps and waiting.plan.target.previous_id == name
    is_swapped = waiting.state is State.USERS_READY and is_noticed(waiting, ports.now())
    return is_parking and is_swapped


def refuse_final_snapshot(
    operation: Operation, ports: Ports, cluster: Cluster, old: OldTarget
) -> None:
    """Refuse what AWS would refuse of a previous target's last snapshot, before it is touched."""
    if old.final_snapshot_id:
        keys = keys_of_cluster(cluster, operation.plan)
        preflight = Preflight(operation, ports, keys=keys)
        preflight.refuse_final_snapshot(old.final_snapshot_id)


def _until_final_snapshot_fits(
    operation: Operation, ports: Ports, cluster: Cluster, old: OldTarget
) -> Wait | None:
    """Wait for a person to make room for the last snapshot; nothing else mends that."""
    try:
        refuse_final_snapshot(operation, ports, cluster, old)
    except BeyondSettingsError as error:
        interval = operation.plan.target.restore_check_interval
        return Wait(error.reason, interval, remedy=error.remedy)
    return None


def keep_previous(operation: Operation, ports: Ports) -> Outcome:
    """Keep the previous target until its time is over, or until its name is needed."""
    now, until = ports.now(), kept_until(operation)
    old, facts = operation.facts.target.old, operation.facts
    if old is None:
        raise RefusedError(
            "The record does not say which cluster was replaced.",
            "Find out who edited the record, and delete that cluster if it is not needed.",
        )
    rds = ports.service("rds", operation.plan.target.region)
    cluster = find_clusters(rds, [old.resource_id]).get(old.resource_id)
    if cluster is None:
        wait = until_surely_gone(operation, ports)
        return wait or Advance(State.RETIRED, facts, f"{old.resource_id} is gone")
    if kept := why_kept(operation, cluster, ports):
        return _keep_for_now(operation, kept, ports)
    if now >= until or _is_needed(operation, cluster.identifier, ports):
        return _decide_on_previous(operation, ports, cluster, old)
    reason = f"The previous target {cluster.identifier} is kept until {iso_timestamp(until)}."
    left = max(1, (until - now).total_seconds())
    if operation.plan.target.stop_previous:
        if health(cluster.status) is Health.PROGRESSING:  # backing-up: it is stopped afterwards
            return Wait(reason, min(left, operation.plan.target.restore_check_interval))
        _stop(operation, cluster, rds)
    return Wait(reason, left)


def _stop(operation: Operation, cluster: Cluster, rds: Service) -> None:
    """Stop a previous target; what AWS refuses only costs money, so it ends nothing."""
    if cluster.status != "available":
        return
    try:
        TargetCluster(rds, operation, cluster.identifier).stop()
    except (RefusedError, StateFaultError) as error:
        logger.warning("The previous target is not stopped: %s", error)


def _decide_on_previous(
    operation: Operation, ports: Ports, cluster: Cluster, old: OldTarget
) -> Outcome:
    """Delete a previous target whose time is over, unless something speaks against that."""
    if wait := _until_target_lives(operation, ports):
        return wait
    rds = ports.service("rds", operation.plan.target.region)
    if held := what_holds(rds, [cluster.arn]):
        return _keep_for_now(operation, Kept.until_deleted_by_hand(cluster, held), ports)
    if lost := lost_endpoints(operation, cluster, ports):
        interval = operation.plan.target.restore_check_interval
        return Wait(f"{cluster.identifier} is kept: {lost}", interval, remedy=ENDPOINTS_REMEDY)
    if wait := _until_final_snapshot_fits(operation, ports, cluster, old):
        return wait
    what = f"{cluster.arn} will be deleted"
    return Advance(State.PREVIOUS_DELETING, operation.facts, what)


def _keep_for_now(operation: Operation, kept: Kept, ports: Ports) -> Outcome:
    """Keep the previous target for good, unless an operation is about to change the names."""
    plan, reason = operation.plan, kept.reason
    if ports.operations.target(plan.target_cluster_arn).locked_by:
        return Wait(reason, plan.target.restore_check_interval)
    if wait := until_surely_kept(operation, kept, ports):
        return wait
    facts = operation.facts
    return Advance(State.CANCELLING, facts, reason, reason=reason, remedy=kept.remedy)
