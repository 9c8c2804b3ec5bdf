"""Which snapshots are the source's: asked by the door, which lets their events in, and by whatever looks for one."""

from chalicelib.aws.rds import ENGINE, Snapshot
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.plan import OWNER_TAG, Plan
from chalicelib.snapshots.source import SourceCluster


def newest_eligible(source: SourceCluster, plan: Plan) -> Snapshot | None:
    """Find the newest snapshot that would start an operation by itself."""
    found = [source.newest_snapshot("automated")]
    if plan.source.snapshot_prefix:
        found.append(source.newest_snapshot("manual", plan.source.snapshot_prefix))
    return max(filter(None, found), key=lambda snapshot: str(snapshot.created_at), default=None)


def why_ineligible(snapshot: Snapshot, plan: Plan) -> str | None:
    """Say why a snapshot is not one of the plan's source, by what it is rather than by its name.

    None if it is.
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
    """Raise RefusedError for a snapshot of another cluster, or of one that had the source's name before."""
    if why := why_ineligible(snapshot, plan):
        raise RefusedError(
            f"{why[0].upper()}{why[1:]}.",
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
