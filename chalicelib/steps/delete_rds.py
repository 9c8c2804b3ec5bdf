"""delete-rds: runs the preflight and decides what to delete, then deletes that."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.aws.rds import Cluster, Instance, Snapshot
from chalicelib.aws.statuses import Health, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, with_remedy
from chalicelib.flow.facts import Deletion, Facts, OldTarget
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.ownership import is_ours
from chalicelib.flow.plan import Plan
from chalicelib.flow.text_limits import counted
from chalicelib.ports import Ports
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.attachments import refuse_attached
from chalicelib.target.capture import baseline_for
from chalicelib.target.cluster import TargetCluster, find_clusters
from chalicelib.target.current_target import name_beside, present_target, refuse_in_use
from chalicelib.target.deletion import (
    ClusterDeletion,
    as_old_target,
    keys_of_cluster,
    of_own_account,
    protection_lifted,
    takes_final_snapshot,
    takes_final_snapshot_first,
)
from chalicelib.target.insights_keys import with_usable_keys
from chalicelib.target.left_over import refuse_open_left_over
from chalicelib.target.notice import until_noticed
from chalicelib.target.older_data import why_older
from chalicelib.target.preflight import Preflight
from chalicelib.target.previous import keep_previous, refuse_final_snapshot
from chalicelib.target.previous_name import refuse_lost, refuse_taken_name, until_room_is_made
from chalicelib.target.previous_protection import until_surely_gone, until_surely_kept, why_kept
from chalicelib.target.readers import warnings_of_strangers, with_added
from chalicelib.target.wholeness import until_repair_is_sure


def delete_rds(operation: Operation, ports: Ports) -> Outcome:
    """Decide what to delete, or continue its deletion.

    Raises RefusedError for a cluster without the plan's tag.
    """
    match operation.state:
        case State.SNAPSHOT_READY:
            return _decide(operation, ports)
        case State.PREVIOUS_KEPT:
            return keep_previous(operation, ports)
        case State.PREVIOUS_DELETING:
            return _delete_previous(operation, ports)
    plan, made_as = operation.plan.target, operation.facts.target.made_as
    rds = ports.service("rds", plan.region)
    target = TargetCluster(rds, operation, made_as or plan.next_id_beside(None))
    return _continue_deletion(operation, target, ports)


def _refuse_unowned(
    operation: Operation, cluster: Cluster, instances: list[Instance], target: TargetCluster
) -> None:
    """Check the target's owner, when its deletion is decided and before each further deletion."""
    operation.plan.refuse_source(cluster.resource_id, operation.facts.snapshot.source_resource_id)
    target.refuse_unowned(cluster, instances)


def _refuse_deletion(
    operation: Operation,
    cluster: Cluster,
    instances: list[Instance],
    target: TargetCluster,
    ports: Ports,
) -> None:
    """Check owner and use of a cluster, before each further deletion of it.

    Whether people use a previous target is known by then.
    """
    _refuse_unowned(operation, cluster, instances, target)
    if operation.plan.target.keeps_old and operation.kind is not Kind.RETIRE:
        refuse_in_use(operation, cluster, ports)


def _decide(operation: Operation, ports: Ports) -> Outcome:
    plan, rds = operation.plan, ports.service("rds", operation.plan.target.region)
    target = ports.operations.target(plan.target_cluster_arn)
    cluster = present_target(plan, target, ports)
    name = cluster.identifier if cluster else plan.target.cluster_id
    old = TargetCluster(rds, operation, name)
    if not operation.automatic:
        _refuse_older_data(operation, ports, is_seen=cluster is not None)
    snapshot = _usable_snapshot(operation, ports)
    instances = old.observe_instances()
    had = len(target.baseline.instances) if target.baseline else 1
    if cluster and (wait := until_repair_is_sure(operation, cluster, ports, had=had)):
        return wait
    baseline = baseline_for(operation, cluster, instances, ports)
    noted = replace(operation.facts.target, baseline=baseline)
    operation = replace(operation, facts=replace(operation.facts, target=noted))
    if not plan.target.keeps_old:
        refuse_open_left_over(operation, cluster, ports)
        return _decide_deletion(operation, old, cluster, snapshot, ports)
    if cluster:
        # It is kept, with whatever is in it, but the new one needs an instance to be like.
        has_ours = any(is_ours(found, plan) for found in instances)
        _refuse_unowned(operation, cluster, [] if has_ours else instances, old)
    if cluster and plan.target.swaps:
        refuse_lost(cluster)
        refuse_taken_name(operation, cluster, ports)
    next_id = name_beside(plan, target, cluster)
    decided = replace(
        operation.facts.target,
        old=as_old_target(cluster, operation) if cluster else None,
        made_as=next_id,
        cluster_id=next_id,
    )
    operation = replace(operation, facts=replace(operation.facts, target=decided))
    waiting = TargetCluster(rds, operation, next_id)
    leftover = waiting.observe()
    refuse_open_left_over(operation, leftover, ports)
    if leftover:
        refuse_in_use(operation, leftover, ports)
    outcome = _decide_deletion(operation, waiting, leftover, snapshot, ports)
    if cluster is None or not isinstance(outcome, Advance):
        return outcome
    ours = _protects(operation, ports)
    strangers = warnings_of_strangers(cluster, instances, plan)
    known = _warnings(cluster, operation, is_ours_protected=ours)
    return replace(outcome, warnings=(*known, *strangers, *outcome.warnings))


def _decide_deletion(
    operation: Operation,
    target: TargetCluster,
    cluster: Cluster | None,
    snapshot: Snapshot,
    ports: Ports,
) -> Outcome:
    """Decide about the cluster that has the name under which the new one is made."""
    facts, plan = operation.facts, operation.plan
    leftovers, interval = target.observe_instances(), plan.target.restore_check_interval
    if cluster:
        _refuse_unowned(operation, cluster, leftovers, target)
    final = takes_final_snapshot_first(cluster, plan)
    preflight = Preflight(operation, ports, keys=_keys(snapshot, cluster if final else None, plan))
    preflight.refuse_unless_ready(leftovers, replaces=cluster is not None, final_snapshot=final)
    if cluster and (wait := until_room_is_made(operation, cluster, ports)):
        return wait
    baseline, keyless = with_usable_keys(operation, ports)
    baseline = baseline and baseline.within(preflight.zones)
    version = preflight.version.value
    decided_on = replace(facts.target, engine_version=version, baseline=baseline)
    facts, of_version = replace(facts, target=decided_on), (*preflight.warnings, *keyless)
    if cluster is None and not leftovers:
        nothing = _nothing_to_delete(operation)
        return Advance(State.PREFLIGHT_PASSED, facts, nothing, warnings=of_version)
    if cluster is None:
        older = "An older target" if target.role == "target" else "A left-over cluster"
        reason = f"{older} is still being deleted: {_instances(leftovers)}."
        return Wait(reason, interval)
    if health(cluster.status) is Health.PROGRESSING:
        # Backing-up, modifying: its instances may change meanwhile.
        return Wait(f"The {target.role} {cluster.identifier} is {cluster.status}.", interval)
    if not plan.target.keeps_old and (wait := until_noticed(operation, ports)):
        return wait
    doomed = as_old_target(cluster, operation)
    target_facts = replace(facts.target, deletion=Deletion.DECIDED)
    if plan.target.keeps_old:  # of an operation that stopped before the new cluster was opened
        doomed = replace(doomed, final_snapshot_id=None)
        target_facts = replace(target_facts, leftover=doomed)
    else:
        target_facts = replace(target_facts, old=doomed)
    instances = counted(len(cluster.members), "instance")
    what = f"{cluster.arn} ({cluster.resource_id}) with {instances} will be deleted"
    decided = replace(facts, target=target_facts)
    readers = warnings_of_strangers(cluster, leftovers, plan)
    known = _warnings(cluster, operation, is_ours_protected=_protects(operation, ports))
    warnings = (*known, *readers, *of_version)
    return Advance(State.PREFLIGHT_PASSED, decided, what, warnings=warnings)


def _protects(operation: Operation, ports: Ports) -> bool:
    """Tell whether an operation of ours may have protected the target.

    It does so by its setting, or because the target before was protected.
    """
    planned = operation.plan.target.deletion_protection
    before = ports.operations.target(operation.plan.target_cluster_arn).baseline
    return bool(before and before.deletion_protection) if planned is None else planned


def _nothing_to_delete(operation: Operation) -> str:
    old = operation.facts.target.old
    return f"{old.arn} stays until it is replaced" if old else "there is no target yet"


def _refuse_older_data(operation: Operation, ports: Ports, *, is_seen: bool) -> None:
    """Refuse where another operation restored newer data between the request and the lock."""
    if older := why_older(operation, ports, is_seen=is_seen):
        raise older


def _warnings(
    cluster: Cluster, operation: Operation, *, is_ours_protected: bool
) -> tuple[str, ...]:
    """Warn of what people may not expect of the replacement of a cluster."""
    plan, warnings = operation.plan, []
    if cluster.protected and not is_ours_protected:
        warnings.append(
            f"{cluster.identifier} was protected against deletion, which no operation of ours had "
            "set; as it carries our tag, the protection is lifted before the deletion. Remove the "
            "tag from a cluster that must not be replaced."
        )
    if takes_final_snapshot(cluster, plan) and plan.target.skip_final_snapshot:
        warnings.append(
            f"{cluster.identifier} was made by no operation of ours; when it is deleted, its last "
            f"state is kept as the snapshot {operation.name_of_final_snapshot}."
        )
    return tuple(warnings)


def _usable_snapshot(operation: Operation, ports: Ports) -> Snapshot:
    """Check once more the snapshot that will be restored: without it the old target must stay."""
    copy_arn = operation.facts.copies.arn or ""
    found = SourceCluster(ports.service("rds", operation.plan.target.region), operation.plan)
    snapshot = found.observe_snapshot(copy_arn)
    if snapshot is None or snapshot.status != "available":
        raise RefusedError(
            f"The snapshot {copy_arn} is {snapshot.status if snapshot else 'gone'}; the old target "
            "was left as it is.",
            "Find out who deleted it. The source's snapshot is copied again, while that exists.",
            from_step="snapshot-check",
        )
    return snapshot


def _keys(snapshot: Snapshot, cluster: Cluster | None, plan: Plan) -> dict[str, str]:
    """Give the keys of the snapshot and of the cluster that a final snapshot is taken of.

    Each has its remedy. Keys of another account are left out, because the functions may not
    describe them.
    """
    keys = keys_of_cluster(cluster, plan) if cluster else {}
    if snapshot.kms_key_id:
        keys[snapshot.kms_key_id] = "Enable it, so that the snapshot can be read."
    return of_own_account(keys, plan)


def _continue_deletion(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    old, interval = operation.doomed, operation.plan.target.restore_check_interval
    if old is None:
        raise RefusedError(
            "The record does not say what is to be deleted.",
            "Find out who edited the record; what is deleted is then decided anew.",
            from_step="delete-rds",
        )
    cluster, deletion = target.observe(), ClusterDeletion(operation, target, ports)
    if cluster and cluster.resource_id != old.resource_id:
        raise RefusedError(
            f"The name {target.identifier} now belongs to another cluster, {cluster.resource_id}; "
            "it is left alone.",
            "Find out who made it, and delete it if it is not needed.",
            from_step="delete-rds",
        )
    if cluster and cluster.status == "deleting":  # its instances are deleted before it
        return _being_deleted(operation, cluster)
    instances = target.observe_instances()
    if cluster is None and not instances:
        return _gone(operation, deletion, old, ports)
    if cluster is None:
        reason = f"The cluster is deleted, and Aurora still deletes {_instances(instances)}."
        return Wait(reason, interval, _noted(operation, Deletion.ACCEPTED))
    try:
        return _delete(operation, cluster, instances, target, ports, old=old)
    except RefusedError as error:
        if lifted := protection_lifted(operation, cluster, ports):
            raise with_remedy(error, lifted) from error
        raise


def _delete(
    operation: Operation,
    cluster: Cluster,
    instances: list[Instance],
    target: TargetCluster,
    ports: Ports,
    *,
    old: OldTarget,
) -> Outcome:
    """Delete a cluster that is there; every check comes before the first change of it."""
    deletion = ClusterDeletion(operation, target, ports)
    _refuse_deletion(operation, cluster, instances, target, ports)
    deleting = {found.identifier for found in instances if found.status == "deleting"}
    is_first = not deleting and {*old.members} <= {*cluster.members}
    if is_first:
        _check_once_more(operation, ports, cluster, old)
    if wait := deletion.prepare(cluster, instances, old):
        return wait
    if wait := deletion.adopt_readers(cluster, instances):
        return wait
    old = with_added(old, instances, operation.plan)
    noted = ports.operations.save_facts(operation, _noted(operation, Deletion.ASKED, old))
    deletion.delete(cluster, deleting, old)
    reason = f"The cluster {cluster.identifier} and its instances are being deleted."
    return Wait(reason, facts=_noted(noted, Deletion.ACCEPTED, old))


def _being_deleted(operation: Operation, cluster: Cluster) -> Wait:
    accepted = _noted(operation, Deletion.ACCEPTED)
    return Wait(f"The cluster {cluster.identifier} is being deleted.", facts=accepted)


def _gone(operation: Operation, deletion: ClusterDeletion, old: OldTarget, ports: Ports) -> Advance:
    """Go on from a deletion that is done."""
    what = f"{old.resource_id} and its instances are gone"
    is_previous = operation.state is State.PREVIOUS_DELETING
    to = State.RETIRED if is_previous else State.TARGET_CLEAR
    if operation.plan.target.keeps_old:  # else the target's item forgets whatever was there
        ports.operations.clear_unsecured(operation, old.resource_id)
    warnings = deletion.tag_final_snapshot(old)
    return Advance(to, operation.facts, what, warnings=warnings)


def _instances(found: Sequence[Instance]) -> str:
    names = ", ".join(instance.identifier for instance in found)
    return f"{counted(len(found), 'instance')} ({names})"


def _noted(operation: Operation, deletion: Deletion, doomed: OldTarget | None = None) -> Facts:
    target = operation.facts.target
    if doomed:
        is_old = target.old == operation.doomed
        target = replace(target, old=doomed) if is_old else replace(target, leftover=doomed)
    return replace(operation.facts, target=replace(target, deletion=deletion))


def _check_once_more(operation: Operation, ports: Ports, cluster: Cluster, old: OldTarget) -> None:
    """Refuse the first deletion where the snapshot or a key is no longer usable.

    Hours may have passed since the decision, while the old target was started or modified.
    """
    if operation.kind is Kind.RETIRE:
        refuse_final_snapshot(operation, ports, cluster, old)
        return
    snapshot = _usable_snapshot(operation, ports)
    final = old.final_snapshot_id is not None and bool(old.members)
    keys = _keys(snapshot, cluster if old.final_snapshot_id else None, operation.plan)
    Preflight(operation, ports, keys=keys).refuse_before_deletion(final_snapshot=final)


def _delete_previous(operation: Operation, ports: Ports) -> Outcome:
    """Delete the previous target, by its resource id: nobody needs its name any more.

    Whatever others make under that name once it is gone has no part in this.
    """
    rds, old = ports.service("rds", operation.plan.target.region), operation.facts.target.old
    resource_id = old.resource_id if old else ""
    cluster = find_clusters(rds, [resource_id]).get(resource_id)
    name = cluster.identifier if cluster else operation.previous_id
    is_expected = operation.facts.target.deletion is Deletion.ACCEPTED
    if cluster is None and not is_expected and (wait := until_surely_gone(operation, ports)):
        return wait
    if cluster and (kept := why_kept(operation, cluster, ports)):
        if wait := until_surely_kept(operation, kept, ports):
            return wait
        raise RefusedError(kept.reason, kept.remedy)
    target = TargetCluster(rds, operation, name)
    if cluster and cluster.status == "deleting":
        return _being_deleted(operation, cluster)
    if cluster:
        refuse_attached(rds, [cluster.arn])
    elif old and (third := target.observe()) and third.resource_id != resource_id:
        return _gone(operation, ClusterDeletion(operation, target, ports), old, ports)
    return _continue_deletion(operation, target, ports)
