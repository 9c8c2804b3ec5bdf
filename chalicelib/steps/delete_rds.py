"""delete-rds: runs the preflight and decides what to delete, then deletes the old target."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.aws.rds import Cluster, Health, Instance, Snapshot, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import Deletion, Facts, OldTarget
from chalicelib.flow.limits import counted
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.older_data import why_older
from chalicelib.target.preflight import Preflight


def delete_rds(operation: Operation, ports: Ports) -> Outcome:
    """Decide what to delete, or continue its deletion.

    Raises RefusedError for a target without the plan's tag.
    """
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    if operation.state is State.SNAPSHOT_READY:
        return _decide(operation, target, ports)
    return _continue_deletion(operation, target, ports)


def _refuse_unowned(
    operation: Operation, cluster: Cluster, instances: list[Instance], target: TargetCluster
) -> None:
    """Check the target's owner, when its deletion is decided and before each further deletion."""
    operation.plan.refuse_source(cluster.resource_id, operation.facts.snapshot.source_resource_id)
    target.refuse_unowned(cluster, instances)


def _decide(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    facts, plan = operation.facts, operation.plan
    cluster, leftovers = target.observe(), target.observe_instances()
    interval = plan.target.restore_check_interval
    if not operation.automatic:
        _refuse_older_data(operation, ports, is_seen=cluster is not None)
    snapshot = _usable_snapshot(operation, ports)
    if cluster:
        _refuse_unowned(operation, cluster, leftovers, target)
    preflight = Preflight(operation, ports, keys=_keys(snapshot, cluster, plan))
    preflight.refuse_unless_ready(leftovers, replaces=cluster is not None)
    if cluster is None and not leftovers:
        return Advance(State.PREFLIGHT_PASSED, facts, "there is no target yet")
    if cluster is None:
        reason = f"An older target is still being deleted: {_instances(leftovers)}."
        return Wait(reason, interval)
    if health(cluster.status) is Health.PROGRESSING:
        # Backing-up, modifying: its instances may change meanwhile.
        return Wait(f"The target {cluster.identifier} is {cluster.status}.", interval)
    old = _old_target(operation, cluster)
    decided = replace(facts, target=replace(facts.target, old=old, deletion=Deletion.DECIDED))
    instances = counted(len(cluster.members), "instance")
    what = f"{cluster.arn} ({cluster.resource_id}) with {instances} will be deleted"
    return Advance(State.PREFLIGHT_PASSED, decided, what, warnings=_warnings(cluster, plan))


def _refuse_older_data(operation: Operation, ports: Ports, *, is_seen: bool) -> None:
    """Refuse where another operation restored newer data between the request and the lock."""
    if older := why_older(operation, ports, is_seen=is_seen):
        raise older


def _old_target(operation: Operation, cluster: Cluster) -> OldTarget:
    skips_final = operation.plan.target.skip_final_snapshot
    return OldTarget(
        resource_id=cluster.resource_id,
        arn=cluster.arn,
        members=cluster.members,
        final_snapshot_id=None if skips_final else operation.name_of_final_snapshot,
        protected=cluster.protected,
    )


def _warnings(cluster: Cluster, plan: Plan) -> tuple[str, ...]:
    if not cluster.protected or plan.target.deletion_protection:
        return ()
    warning = (
        f"{cluster.identifier} was protected against deletion, which no operation of ours had set; "
        "as it carries our tag, the protection is lifted before the deletion. Remove the tag from "
        "a cluster that must not be replaced."
    )
    return (warning,)


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
    """Give the keys of the snapshot and of the old target, each with its remedy.

    Keys of another account are left out, because the functions may not describe them.
    """
    keys = {}
    if cluster and cluster.settings.kms_key_arn and not plan.target.skip_final_snapshot:
        keys[cluster.settings.kms_key_arn] = (
            "Enable it, or set SKIP_FINAL_SNAPSHOT=true if the old target's data is not needed."
        )
    if snapshot.kms_key_id:
        keys[snapshot.kms_key_id] = "Enable it, so that the snapshot can be read."
    return {key: remedy for key, remedy in keys.items() if key.split(":")[4:5] == [plan.account]}


def _continue_deletion(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    old, interval = operation.facts.target.old, operation.plan.target.restore_check_interval
    if old is None:
        raise RefusedError(
            "The record does not say what is to be deleted.",
            "Find out who edited the record; what is deleted is then decided anew.",
            from_step="delete-rds",
        )
    cluster = target.observe()
    if cluster and cluster.resource_id != old.resource_id:
        raise RefusedError(
            f"The target's name now belongs to another cluster, {cluster.resource_id}; it is left "
            "alone.",
            "Find out who made it, and delete it if it is not needed.",
            from_step="delete-rds",
        )
    if cluster and cluster.status == "deleting":  # its instances are deleted before it
        accepted = _noted(operation, Deletion.ACCEPTED)
        return Wait(f"The old target {cluster.identifier} is being deleted.", facts=accepted)
    instances = target.observe_instances()
    if cluster is None and not instances:
        what = f"{old.resource_id} and its instances are gone"
        return Advance(State.TARGET_CLEAR, operation.facts, what)
    if cluster is None:
        reason = f"The cluster is deleted, and Aurora still deletes {_instances(instances)}."
        return Wait(reason, interval, _noted(operation, Deletion.ACCEPTED))
    _refuse_unowned(operation, cluster, instances, target)
    if wait := _before_deletion(cluster, instances, old, target, interval):
        return wait
    deleting = {found.identifier for found in instances if found.status == "deleting"}
    if not deleting and {*old.members} <= {*cluster.members}:  # the first deletion comes now
        _check_once_more(operation, ports, cluster, old)
    noted = ports.operations.save_facts(operation, _noted(operation, Deletion.ASKED))
    _delete(cluster, deleting, old, target)
    reason = f"The old target {cluster.identifier} and its instances are being deleted."
    return Wait(reason, facts=_noted(noted, Deletion.ACCEPTED))


def _instances(found: Sequence[Instance]) -> str:
    names = ", ".join(instance.identifier for instance in found)
    return f"{counted(len(found), 'instance')} ({names})"


def _noted(operation: Operation, deletion: Deletion) -> Facts:
    return replace(operation.facts, target=replace(operation.facts.target, deletion=deletion))


def _check_once_more(operation: Operation, ports: Ports, cluster: Cluster, old: OldTarget) -> None:
    """Refuse the first deletion where the snapshot or a key is no longer usable.

    Hours may have passed since the decision, while the old target was started or modified.
    """
    snapshot = _usable_snapshot(operation, ports)
    keys = _keys(snapshot, cluster, operation.plan)
    final = old.final_snapshot_id is not None and bool(old.members)
    Preflight(operation, ports, keys=keys).refuse_before_deletion(final_snapshot=final)


def _refuse_without_final_snapshot(cluster: Cluster, old: OldTarget) -> None:
    """Refuse before the first instance is deleted what AWS would refuse after the last one."""
    if old.final_snapshot_id and health(cluster.status) is not Health.READY:
        raise RefusedError(
            f"The old target {cluster.identifier} is {cluster.status}, so no final snapshot can be "
            "taken of it; it is left alone.",
            "If its data is not needed, set SKIP_FINAL_SNAPSHOT=true.",
            from_step="delete-rds",
        )


def _before_deletion(
    cluster: Cluster,
    instances: list[Instance],
    old: OldTarget,
    target: TargetCluster,
    interval: int,
) -> Wait | None:
    """Prepare the cluster for its deletion; None when it can be deleted."""
    added = [found.identifier for found in instances if found.identifier not in old.members]
    if added:
        raise RefusedError(
            f"The target {cluster.identifier} has new instances, {', '.join(added)}; it is left "
            "alone.",
            "Delete them if they are not needed.",
            from_step="delete-rds",
        )
    name, state = cluster.identifier, health(cluster.status)
    if cluster.status == "stopped":
        target.start()
        return Wait(f"The old target {name} was stopped; it is started, to be deleted.", interval)
    if state in (Health.PROGRESSING, Health.MAY_RECOVER):  # which may exclude its deletion
        return Wait(f"The old target {name} is {cluster.status}.", interval)
    _refuse_without_final_snapshot(cluster, old)
    if cluster.protected and old.protected is False:
        raise RefusedError(
            f"The target {name} was protected against deletion after its deletion had been "
            "decided; it is left alone.",
            "Find out who protected it. If it may be replaced, remove the protection.",
            from_step="delete-rds",
        )
    if cluster.protected:
        target.disable_deletion_protection()
        return Wait(f"The deletion protection of {name} is lifted, to delete it.", interval)
    return None


def _delete(cluster: Cluster, deleting: set[str], old: OldTarget, target: TargetCluster) -> None:
    for member in old.members:  # readers first, the writer last
        if member in cluster.members and member not in deleting:
            target.delete_instance(member)
    # AWS accepts this as soon as all instances are being deleted (user guide, deleting a cluster).
    target.delete(old)
