"""delete-rds: checks everything that comes after, then takes the old target away.

Nothing else is ever deleted.
"""

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
    """Decide what is deleted, or bring its deletion on.

    Raises RefusedError for a target that is not ours.
    """
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    if operation.state is State.SNAPSHOT_READY:
        return _decide(operation, target, ports)
    return _continue_deletion(operation, target, ports)


def _refuse_what_is_not_ours(
    operation: Operation, cluster: Cluster, instances: list[Instance], target: TargetCluster
) -> None:
    """Judge whose the target is, when its deletion is decided and again at every look that deletes."""
    operation.plan.refuse_source(cluster.resource_id, operation.facts.snapshot.source_resource_id)
    target.refuse_unowned(cluster, instances)


def _decide(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    facts, plan = operation.facts, operation.plan
    cluster, leftovers = target.observe(), target.observe_instances()
    if not operation.automatic and (
        older := why_older(operation, ports, is_seen=cluster is not None)
    ):
        raise older  # another operation restored newer data between the request and the lock
    snapshot = _usable_snapshot(operation, ports)
    if cluster:
        _refuse_what_is_not_ours(operation, cluster, leftovers, target)
    preflight = Preflight(operation, ports, keys=_keys(snapshot, cluster, plan))
    preflight.refuse_unless_ready(leftovers, replaces=cluster is not None)
    if cluster is None and not leftovers:
        return Advance(State.PREFLIGHT_PASSED, facts, "there is no target yet")
    if cluster is None:
        return Wait(
            f"An older target is still being deleted: {_instances(leftovers)}.",
            plan.target.restore_check_interval,
        )
    if (
        health(cluster.status) is Health.PROGRESSING
    ):  # backing-up, modifying: its members may change meanwhile
        return Wait(
            f"The target {cluster.identifier} is {cluster.status}.",
            plan.target.restore_check_interval,
        )
    final = None if plan.target.skip_final_snapshot else operation.name_of_final_snapshot
    victim = OldTarget(
        resource_id=cluster.resource_id,
        arn=cluster.arn,
        members=cluster.members,
        final_snapshot_id=final,
        protected=cluster.protected,
    )
    decided = replace(facts, target=replace(facts.target, old=victim, deletion=Deletion.DECIDED))
    what = (
        f"{cluster.arn} ({cluster.resource_id}) with {counted(len(cluster.members), 'instance')} "
        "will be deleted"
    )
    return Advance(State.PREFLIGHT_PASSED, decided, what, warnings=_warnings(cluster, plan))


def _warnings(cluster: Cluster, plan: Plan) -> tuple[str, ...]:
    if not cluster.protected or plan.target.deletion_protection:
        return ()
    warning = (
        f"{cluster.identifier} was protected against deletion, which no operation of ours had set; "
        "as it carries our tag, the protection is lifted before the deletion. Take the tag away "
        "from what must not be replaced."
    )
    return (warning,)


def _usable_snapshot(operation: Operation, ports: Ports) -> Snapshot:
    """Look once more at what will be restored: without it the old target must stay."""
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
    """Name the keys that what is restored and deleted is really under, with what to do where one cannot be used.

    A key of another account is nothing that our functions may look at.
    """
    keys = {}
    if cluster and cluster.settings.kms_key_arn and not plan.target.skip_final_snapshot:
        remedy = (
            "Enable it, or set SKIP_FINAL_SNAPSHOT=true if the old target's data is not needed."
        )
        keys[cluster.settings.kms_key_arn] = remedy
    if snapshot.kms_key_id:
        keys[snapshot.kms_key_id] = "Enable it, so that the snapshot can be read."
    return {key: remedy for key, remedy in keys.items() if key.split(":")[4:5] == [plan.account]}


def _continue_deletion(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    victim, interval = operation.facts.target.old, operation.plan.target.restore_check_interval
    if victim is None:
        raise RefusedError(
            "The record does not say what is to be deleted.",
            "Find out who edited the record; what is deleted is then decided anew.",
            from_step="delete-rds",
        )
    cluster = target.observe()
    if cluster and cluster.resource_id != victim.resource_id:
        raise RefusedError(
            f"The target's name now belongs to another cluster, {cluster.resource_id}; it is left "
            "alone.",
            "Find out who made it, and delete it if it is not needed.",
            from_step="delete-rds",
        )
    if (
        cluster and cluster.status == "deleting"
    ):  # its instances go first, so there is nothing to see of them
        accepted = _noted(operation, Deletion.ACCEPTED)
        return Wait(f"The old target {cluster.identifier} is being deleted.", facts=accepted)
    instances = target.observe_instances()
    if cluster is None and not instances:
        return Advance(
            State.TARGET_CLEAR, operation.facts, f"{victim.resource_id} and its instances are gone"
        )
    if cluster is None:
        why = f"The cluster is deleted, and Aurora still deletes {_instances(instances)}."
        return Wait(why, interval, _noted(operation, Deletion.ACCEPTED))
    _refuse_what_is_not_ours(operation, cluster, instances, target)
    waiting = _before_deletion(cluster, instances, victim, target, interval)
    if waiting:
        return waiting
    deleting = {one.identifier for one in instances if one.status == "deleting"}
    if not deleting and {*victim.members} <= {*cluster.members}:  # the first deletion comes now
        _look_once_more(operation, ports, cluster, victim)
    asked = ports.operations.save_facts(operation, _noted(operation, Deletion.ASKED))
    _delete(cluster, deleting, victim, target)
    why = f"The old target {cluster.identifier} and its instances are being deleted."
    return Wait(why, facts=_noted(asked, Deletion.ACCEPTED))


def _instances(found: Sequence[Instance]) -> str:
    names = ", ".join(instance.identifier for instance in found)
    return f"{counted(len(found), 'instance')} ({names})"


def _noted(operation: Operation, deletion: Deletion) -> Facts:
    return replace(operation.facts, target=replace(operation.facts.target, deletion=deletion))


def _look_once_more(
    operation: Operation, ports: Ports, cluster: Cluster, victim: OldTarget
) -> None:
    """Refuse the first deletion where what is restored is not usable any more.

    Hours may have passed since the decision, while the old target was started or modified.
    """
    snapshot = _usable_snapshot(operation, ports)
    keys = _keys(snapshot, cluster, operation.plan)
    final = victim.final_snapshot_id is not None and bool(victim.members)
    Preflight(operation, ports, keys=keys).refuse_before_deletion(final_snapshot=final)


def _refuse_without_final_snapshot(cluster: Cluster, victim: OldTarget) -> None:
    """Refuse before the first instance is deleted what AWS would refuse after the last one."""
    if victim.final_snapshot_id and health(cluster.status) is not Health.READY:
        raise RefusedError(
            f"The old target {cluster.identifier} is {cluster.status}, so no final snapshot can be "
            "taken of it; it is left alone.",
            "If its data is not needed, set SKIP_FINAL_SNAPSHOT=true.",
            from_step="delete-rds",
        )


def _before_deletion(
    cluster: Cluster,
    instances: list[Instance],
    victim: OldTarget,
    target: TargetCluster,
    interval: int,
) -> Wait | None:
    """Bring the cluster into a state in which it can be deleted; None when it is in one."""
    strangers = [one.identifier for one in instances if one.identifier not in victim.members]
    if strangers:
        raise RefusedError(
            f"The target {cluster.identifier} has new instances, {', '.join(strangers)}; it is "
            "left alone.",
            "Delete them if they are not needed.",
            from_step="delete-rds",
        )
    if cluster.status == "stopped":
        target.start()
        return Wait(
            f"The old target {cluster.identifier} was stopped; it is started, to be deleted.",
            interval,
        )
    if health(cluster.status) in (
        Health.PROGRESSING,
        Health.MAY_RECOVER,
    ):  # which may exclude its deletion
        return Wait(f"The old target {cluster.identifier} is {cluster.status}.", interval)
    _refuse_without_final_snapshot(cluster, victim)
    if cluster.protected and victim.protected is False:
        raise RefusedError(
            f"The target {cluster.identifier} was protected against deletion after its deletion "
            "had been decided; it is left alone.",
            "Find out who protected it. If it may be replaced, take the protection away.",
            from_step="delete-rds",
        )
    if cluster.protected:
        target.disable_deletion_protection()
        return Wait(
            f"The deletion protection of {cluster.identifier} is lifted, to delete it.", interval
        )
    return None


def _delete(cluster: Cluster, deleting: set[str], victim: OldTarget, target: TargetCluster) -> None:
    for member in victim.members:  # readers first, the writer last
        if member in cluster.members and member not in deleting:
            target.delete_instance(member)
    target.delete(
        victim
    )  # accepted as soon as all members are on their way (user guide, deleting a cluster)
