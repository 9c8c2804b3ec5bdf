"""Decides which snapshots are the source's, for the router's events and for searches."""

from chalicelib.aws.rds import ENGINE, Snapshot
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.ownership import OWNER_TAG
from chalicelib.flow.plan import Plan
from chalicelib.snapshots.source import SourceCluster


def newest_eligible(source: SourceCluster, plan: Plan) -> Snapshot | None:
    """Find the newest snapshot whose event would start an operation."""
    found = [source.newest_snapshot("automated")]
    if plan.source.snapshot_prefix:
        found.append(source.newest_snapshot("manual", plan.source.snapshot_prefix))
    return max(filter(None, found), key=lambda snapshot: str(snapshot.created_at), default=None)


def why_ineligible(snapshot: Snapshot, plan: Plan) -> str | None:
    """Say why a snapshot is not one of the plan's source; None if it is.

    Its engine, cluster and tags decide, not its name.
    """
    if snapshot.engine != ENGINE:
        return f"{snapshot.arn} is of {snapshot.engine}, not of {ENGINE}"
    if snapshot.cluster_id != plan.source.cluster_id:
        return (
            f"{snapshot.arn} is of the cluster {snapshot.cluster_id}, not of "
            f"{plan.source.cluster_id}"
        )
    if OWNER_TAG in snapshot.tags:
        return f"{snapshot.arn} is a copy that aurora-restore made itself"
    return None


def refuse_foreign(snapshot: Snapshot, plan: Plan, source_resource_id: str | None) -> None:
    """Raise RefusedError for a snapshot of another cluster, or of an earlier one of that name."""
    if reason := why_ineligible(snapshot, plan):
        raise RefusedError(
            f"{reason[0].upper()}{reason[1:]}.",
            "Name a snapshot of the plan's source cluster.",
            retry=Retry.NEW_REQUEST,
        )
    if source_resource_id and snapshot.cluster_resource_id != source_resource_id:
        raise RefusedError(
            f"{snapshot.arn} is of an earlier cluster called {plan.source.cluster_id} "
            f"({snapshot.cluster_resource_id}; the present one is {source_resource_id}).",
            "Name a snapshot of the present source cluster.",
            retry=Retry.NEW_REQUEST,
        )
