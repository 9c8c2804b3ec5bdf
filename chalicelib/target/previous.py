"""The previous target, which keeps its name until an operation of its own has deleted it."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.aws.client import Service
from chalicelib.aws.rds import RECOVERABLE, Cluster, Health, health, is_lost
from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.errors import (
    NOTHING_TO_DO,
    BeyondSettingsError,
    RefusedError,
    StateFaultError,
)
from chalicelib.flow.facts import Facts, OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.ownership import is_ours, refuse_others
from chalicelib.flow.retirement import kept_until
from chalicelib.flow.text_limits import counted
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.publishing import announce
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.target.attachments import what_holds
from chalicelib.target.cluster import ABSENT_FOR, TargetCluster, find_clusters, observe_cluster
from chalicelib.target.current_target import is_pointed_to, present_name
from chalicelib.target.deletion import keys_of_cluster
from chalicelib.target.endpoints import left_endpoints
from chalicelib.target.notice import is_noticed
from chalicelib.target.preflight import Preflight

ENDPOINTS_REMEDY = "Delete these endpoints, and create those that are needed on the target again."
KEPT_REMEDY = "Delete the cluster {} yourself if it is not needed and not the target."


@dataclass(frozen=True)
class Kept:
    """Why a previous target is not deleted after all, and what people may do about it.

    `is_certain` where records say so, and not an answer of AWS.
    """

    reason: str
    remedy: str
    is_certain: bool = False

    @classmethod
    def until_deleted_by_hand(cls, cluster: Cluster, reason: str) -> "Kept":
        """Leave the cluster to people, who may not need it."""
        return cls(reason, KEPT_REMEDY.format(cluster.identifier))


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
        kept = why.reason if why else _lost_endpoints(retirement, found, ports)
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


def why_kept(operation: Operation, previous: Cluster, ports: Ports) -> Kept | None:
    """Say why a previous target is not to be deleted after all; None where it may be.

    It is deleted only while the cluster that was proven there has the target's name.
    """
    plan, target = operation.plan, ports.operations.target(operation.plan.target_cluster_arn)
    it = previous.resource_id
    if younger := _younger(operation, previous, ports):
        reason = f"{it} is kept: {younger} decides about it."
        if ports.operations.read(younger):
            return Kept(reason, NOTHING_TO_DO, is_certain=True)
        gone = f"{reason} The record of that is gone."
        return replace(Kept.until_deleted_by_hand(previous, gone), is_certain=True)
    has_name = plan.target.swaps and previous.identifier == plan.target.cluster_id
    if has_name or it == target.opened_id:
        return Kept(f"{it} is the target again, so it is not deleted.", NOTHING_TO_DO)
    name = present_name(plan, target)
    holder = observe_cluster(ports.service("rds", plan.target.region), name)
    if holder is None or holder.resource_id != target.opened_id:
        who = holder.resource_id if holder else "no cluster"
        reason = (
            f"{it} is kept: {who} has the name {name}, and the cluster that was proven there is "
            f"{target.opened_id}."
        )
        return Kept.until_deleted_by_hand(previous, reason)
    if is_pointed_to(plan, target, previous, ports):
        return Kept.until_deleted_by_hand(previous, f"{it} is kept: pointers still name it.")
    return None


def _younger(operation: Operation, previous: Cluster, ports: Ports) -> str | None:
    """Name the operation that decides about a previous target instead of this one.

    It was the target once more in between, and another retirement began when it was replaced again.
    What people made of that one holds for the cluster, so it decides even after its end, and
    without a record.
    """
    target = ports.operations.target(operation.plan.target_cluster_arn)
    noted = target.retirements.get(previous.resource_id)
    decider = ports.operations.read(noted) if noted else None
    is_this = decider is not None and decider.root_id == operation.root_id
    return None if is_this else noted


def retirement_of_cluster(operation: Operation, resource_id: str, ports: Ports) -> Operation | None:
    """Find the operation that decides whether a replaced cluster of the target is deleted."""
    target = ports.operations.target(operation.plan.target_cluster_arn)
    noted = target.retirements.get(resource_id)
    return ports.operations.read(noted) if noted else None


def _lost_endpoints(retirement: Operation | None, previous: Cluster, ports: Ports) -> str:
    """Say which custom endpoints a cluster still has, which it would take with it; "" for none."""
    rds = ports.service("rds", previous.arn.split(":")[3])
    known = retirement.facts.swap.endpoints if retirement else ()
    names = ", ".join(left_endpoints(rds, previous.identifier, known or ()))
    return f"its custom endpoints would be lost with it: {names}." if names else ""


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


def retirement_in_the_way(operation: Operation, found: Cluster, ports: Ports) -> Operation:
    """Find the open operation that will delete the cluster under the previous target's name.

    Raises RefusedError where there is none.
    """
    plan = operation.plan
    refuse_others(f"The cluster {found.arn}, whose name the old target needs,", [found], plan)
    retirement = retirement_of_cluster(operation, found.resource_id, ports)
    lost = _lost_endpoints(retirement, found, ports)
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


def until_surely_gone(operation: Operation, ports: Ports) -> Wait | None:
    """Wait until a previous target was not found for minutes: one answer may be a stale one.

    An absence that was noted long ago was another one, after which the cluster was found again.
    """
    facts, now = operation.facts, ports.now()
    since = _seen_since(facts.target.absent_since, now)
    if now - since >= ABSENT_FOR:
        return None
    noted = replace(facts, target=replace(facts.target, absent_since=since))
    reason = "The previous target is not found; whether it is gone is asked again."
    return Wait(reason, _interval_of_doubt(operation), noted)


def until_surely_kept(operation: Operation, kept: Kept, ports: Ports) -> Wait | None:
    """Wait until AWS has shown for minutes what keeps a previous target, which ends something."""
    facts, now = operation.facts, ports.now()
    since = _seen_since(facts.target.kept_since, now)
    if kept.is_certain or now - since >= ABSENT_FOR:
        return None
    noted = replace(facts, target=replace(facts.target, kept_since=since))
    return Wait(f"{kept.reason} That is asked again.", _interval_of_doubt(operation), noted)


def _seen_since(noted: datetime | None, now: datetime) -> datetime:
    return now if noted is None or now - noted > 3 * ABSENT_FOR else noted


def _interval_of_doubt(operation: Operation) -> float:
    """Give the seconds until something is asked again, so soon that it counts as the same."""
    return min(operation.plan.target.restore_check_interval, ABSENT_FOR.total_seconds())


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
    if lost := _lost_endpoints(operation, cluster, ports):
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
