"""Clusters of a plan that are not its target, and that nothing will delete: they cost money."""

from collections.abc import Iterator

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.findings import Finding, ok, warning
from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OWNER_TAG, is_ours
from chalicelib.messages.commands import rerun_command
from chalicelib.target.by_hand import deleted_by_hand


def kept_clusters(view: StagePlan) -> Iterator[Finding]:
    """See that somebody will delete every cluster with the plan's tag that is not the target.

    A left-over one is deleted by the next restore, which makes its own under that name.
    """
    target, plan = view.record, view.plan
    in_use = {target.opened_id, view.cluster.resource_id if view.cluster else None}
    in_use |= _at_work(target.locked_by, view)
    for cluster in _ours(view):
        noted = target.retirements.get(cluster.resource_id)
        retirement = view.ports.operations.read(noted) if noted else None
        goes_by_itself = retirement is not None and retirement.state not in TERMINAL
        has_next_name = plan.target.keeps_old and cluster.identifier == view.next_id
        is_left_over = noted is None and has_next_name
        if cluster.resource_id not in in_use and not goes_by_itself and not is_left_over:
            yield _nobody_deletes(cluster, noted, retirement, view)
    yield ok("Nothing is kept that nobody will delete.")


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
