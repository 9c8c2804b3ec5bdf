"""The present target: the cluster that people use now, whatever its name is."""

from itertools import count

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import is_lost
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OWNER_TAG, is_ours
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.target.by_hand import named_by_hand
from chalicelib.target.cluster import find_clusters, observe_cluster
from chalicelib.target.pointers import Pointers, places_of


def present_target(plan: Plan, target: TargetRecord, ports: Ports) -> Cluster | None:
    """Find the target; None where there is none. Raises RefusedError.

    A target that pointers lead to is the cluster that was opened last. Before the first of them it
    is the one with the target's name, which is adopted.
    """
    if not plan.target.points:
        refuse_pointed_target(plan, target, ports)
        rds = ports.service("rds", plan.target.region)
        found = observe_cluster(rds, plan.target.cluster_id)
        if found is None and plan.target.swaps:
            refuse_opened_elsewhere(plan, target, ports)
        return found
    return opened_cluster(plan, target, ports) or _unopened(plan, ports)


def present_name(plan: Plan, target: TargetRecord) -> str:
    """Name the cluster that was opened last; before the first, the target's own name."""
    return target.opened_as or plan.target.cluster_id


def present_arn(plan: Plan, target: TargetRecord) -> str:
    """Give the ARN of that cluster: what sentences call the target."""
    stem = plan.target_cluster_arn.removesuffix(plan.target.cluster_id)
    return f"{stem}{present_name(plan, target)}"


def name_beside(plan: Plan, target: TargetRecord, present: Cluster | None) -> str:
    """Name the new cluster: the other of two names where they take turns.

    Where the cluster that was opened last is gone, its name is free, and the other one may be the
    previous target's.
    """
    last = target.opened_as
    present_id = present.identifier if present else None
    if plan.target.points and last in plan.target.cluster_ids[1:] and last != present_id:
        return last
    return plan.target.next_id_beside(present_id)


def opened_cluster(plan: Plan, target: TargetRecord, ports: Ports) -> Cluster | None:
    """Find the cluster that was opened last, by its resource id; None where it is gone."""
    if target.opened_id is None:
        return None
    rds = ports.service("rds", plan.target.region)
    found = find_clusters(rds, [target.opened_id]).get(target.opened_id)
    named = None if found else observe_cluster(rds, present_name(plan, target))
    if named and named.resource_id == target.opened_id:
        raise TransientError(f"AWS shows the target {named.identifier} and does not find its id.")
    return found


def _unopened(plan: Plan, ports: Ports) -> Cluster | None:
    """Find the target that no operation opened: the one of that name, or whatever people use."""
    rds, (own, *others) = ports.service("rds", plan.target.region), plan.target.cluster_ids
    made = [found for name in others if (found := observe_cluster(rds, name))]
    pointers = Pointers(plan, ports)
    pointed = [found for found in made if pointers.name(found)]
    return pointed[0] if pointed else observe_cluster(rds, own)


def refuse_pointed_target(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Raise RefusedError where people use a cluster of another name, to which pointers lead."""
    name = plan.target.cluster_id
    if present_name(plan, target) == name:
        return
    found = opened_cluster(plan, target, ports)
    if found is None or found.identifier == name:
        return
    renames = "" if is_lost(found.status) else _named_as_target(plan, found, ports)
    by_hand = renames and f" Or give it that name and point its clients there: {renames}"
    raise RefusedError(
        f"People use the cluster {found.identifier} as the target, because it was made with "
        f"REPLACEMENT=pointer. With REPLACEMENT={plan.target.replacement} its name has to be "
        f"{name}.",
        f"Set REPLACEMENT=pointer again.{by_hand}",
        retry=Retry.RERUN,
    )


def _named_as_target(plan: Plan, cluster: Cluster, ports: Ports) -> str:
    """Give the commands that give a cluster the target's name, which another one may have.

    That one gets a name that no operation needs.
    """
    name, region = plan.target.cluster_id, plan.target.region
    rds = ports.service("rds", region)
    holder = observe_cluster(rds, name)
    others = (f"{name}-kept-{number}" for number in count(1))
    free = next(other for other in others if holder is None or not observe_cluster(rds, other))
    return named_by_hand(cluster, name, region, holder=holder, parking=free)


def refuse_opened_elsewhere(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Raise RefusedError where no cluster has the target's name, but people's one has another.

    A rollback that did not finish leaves it so, or somebody who renamed it. What AWS cannot rename
    nobody uses, and a cluster without our tag is the target no longer.
    """
    found = opened_cluster(plan, target, ports)
    if found is None or is_lost(found.status) or not is_ours(found, plan):
        return
    if found.identifier == plan.target.cluster_id:
        raise TransientError(
            f"AWS shows the target {found.resource_id} and does not find its name."
        )
    refuse_opened(plan, found, ports)


def refuse_opened(plan: Plan, found: Cluster, ports: Ports) -> None:
    """Raise RefusedError for the cluster that was opened last and has another name."""
    name = plan.target.cluster_id
    holder = observe_cluster(ports.service("rds", plan.target.region), name)
    who = f", which now {holder.resource_id} has" if holder else ""
    raise RefusedError(
        f"The target is the cluster {found.arn} ({found.resource_id}): it was opened last, under "
        f"the name {name}{who}. It is left alone.",
        "If another one is to be the target, give this one a name of your own and remove its "
        f"tag {OWNER_TAG}. Otherwise give it the target's name: "
        f"{_named_as_target(plan, found, ports)}",
        from_step="delete-rds",
    )


def refuse_in_use(operation: Operation, cluster: Cluster, ports: Ports) -> None:
    """Raise RefusedError for the cluster that people use, which is never deleted beside another.

    It is the one that was opened last, and the one that pointers name.
    """
    plan = operation.plan
    target = ports.operations.target(plan.target_cluster_arn)
    is_opened = cluster.resource_id == target.opened_id
    if plan.target.swaps and is_opened:
        if cluster.status != "deleting":
            refuse_opened(plan, cluster, ports)
        return
    if is_opened or is_pointed_to(plan, target, cluster, ports):
        raise RefusedError(
            f"People use the cluster {cluster.arn}: it was opened last, or pointers name it. It is "
            "left alone.",
            "Find out who changed the pointers, or the record of the target.",
            from_step="delete-rds",
        )


def is_pointed_to(plan: Plan, target: TargetRecord, cluster: Cluster, ports: Ports) -> bool:
    """Tell whether a pointer names a cluster: one of this plan, or of that of the last success.

    An operation keeps its plan, and the places of the pointers may be younger than that, or older.
    """
    last_id = target.last_success_operation
    last = ports.operations.read(last_id) if last_id else None
    plans = [plan] if last is None else [last.plan, plan]
    pointing = {places_of(found): found for found in plans if found.target.points}
    if pointing:
        return any(Pointers(found, ports).name(cluster) for found in pointing.values())
    pointers = Pointers(plans[0], ports)
    # No parameters mean that the target has no pointers.
    return bool(pointers.parameters.read()) and pointers.name(cluster)
