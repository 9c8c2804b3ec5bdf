"""Clusters of a plan that are not its target: what deletes them, or that nothing will."""

from collections.abc import Iterator

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.findings import Finding, ok, warning
from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OPERATION_TAG, OWNER_TAG, is_ours
from chalicelib.messages.commands import rerun_command
from chalicelib.target.by_hand import deleted_by_hand
from chalicelib.target.cluster import find_clusters


def kept_clusters(view: StagePlan) -> Iterator[Finding]:
    """See that somebody will delete every cluster with the plan's tag that is not the target.

    A left-over one is deleted by the next restore, which makes its own under that name.
    """
    target, plan = view.record, view.plan
    in_use = {target.opened_id, view.cluster.resource_id if view.cluster else None}
    in_use |= _at_work(target.locked_by, view)
    names = []
    for cluster in _ours(view):
        if cluster.resource_id in in_use:
            continue
        noted = target.retirements.get(cluster.resource_id)
        retirement = view.ports.operations.read(noted) if noted else None
        has_next_name = plan.target.keeps_old and cluster.identifier == view.next_id
        if retirement is not None and retirement.state not in TERMINAL:
            names.append(cluster.identifier)
        elif noted is None and has_next_name:
            yield _left_over(cluster, view)
        else:
            yield _nobody_deletes(cluster, noted, retirement, view)
    kept = f"Every kept cluster will be deleted: {', '.join(names)}." if names else ""
    yield ok(kept or "No cluster is kept beside the target.")


def way_back(view: StagePlan) -> str:
    """Name the previous target that the next restore deletes, because its name is needed."""
    plan, retirements = view.plan.target, view.record.retirements
    if not plan.keeps_old or not retirements:
        return ""
    needed = {view.next_id, plan.previous_id} if plan.swaps else {view.next_id}
    rds, reads = view.ports.service("rds", plan.region), view.ports.operations.read
    for cluster in find_clusters(rds, retirements).values():
        retirement = reads(retirements[cluster.resource_id])
        if cluster.identifier in needed and retirement and retirement.state not in TERMINAL:
            name = f"{cluster.identifier} ({cluster.resource_id})"
            return f" The previous target {name}, which you can go back to now, is deleted by then."
    return ""


def _ours(view: StagePlan) -> Iterator[Cluster]:
    rds = view.stage_view.service("rds", view.plan.target.region)
    for cluster in map(Cluster.of, rds.pages("describe_db_clusters", "DBClusters")):
        is_source = cluster.arn == view.plan.source_cluster_arn
        if is_ours(cluster, view.plan) and not is_source and cluster.status != "deleting":
            yield cluster


def _at_work(holder: str | None, view: StagePlan) -> set[str | None]:
    """List the clusters that the operation under way works with."""
    operation = view.ports.operations.read(holder) if holder else None
    if operation is None:
        return set()
    target = operation.facts.target
    known = {found.resource_id for found in (target.old, target.leftover) if found}
    return {target.cluster_resource_id, *known}


def _left_over(cluster: Cluster, view: StagePlan) -> Finding:
    """Name a cluster that the next restore deletes: it costs money, and is in a rollback's way."""
    operation = cluster.tags.get(OPERATION_TAG, "an operation")
    return warning(
        f"{cluster.arn} ({cluster.resource_id}) is {cluster.status}: it is left of {operation}. "
        f"The next restore deletes it, or a rerun of {operation} uses it; until then it costs "
        "money.",
        f"To delete it now: {deleted_by_hand(cluster, view.plan.target.region)}",
    )


def _nobody_deletes(
    cluster: Cluster, noted: str | None, retirement: Operation | None, view: StagePlan
) -> Finding:
    why = "No operation decides about it."
    by_hand = f"delete it by hand: {deleted_by_hand(cluster, view.plan.target.region)}"
    if retirement:
        why = f"{noted}, which was to delete it, is {retirement.state}: {retirement.reason}"
        by_hand = f"have it deleted: {rerun_command(retirement)}"
    elif noted:
        why = f"{noted}, which was to delete it, has no record any more."
    return warning(
        f"{cluster.arn} ({cluster.resource_id}) is {cluster.status}, and is not the target. It "
        f"stays, and costs money, until you delete it. {why}",
        f"Keep it and remove its tag {OWNER_TAG}, or save what you need of it and {by_hand}",
    )
