"""Deleting a cluster: what AWS refuses, what it waits for, and what goes with it."""

from localaws.aurora import events, master_secrets, servers, snapshots, statuses
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import cluster_state, invalid_combination, wrong_state
from localaws.aurora.limits import MANUAL, refuse_another_snapshot, refuse_taken_snapshot
from localaws.aurora.names import new_identifier
from localaws.aurora.records import Cluster, Snapshot
from localaws.aurora.responses import show_cluster
from localaws.aurora.world import Answer, Request, World

DELETABLE_STATUSES = frozenset(
    [
        "available",
        "cloning-failed",
        "failed",
        "inaccessible-encryption-credentials",
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-restore",
        "migration-failed",
    ]
)
_LOOKS_PER_DELETION = 10


def delete_db_cluster(request: Request) -> Answer:
    """Delete a cluster whose members are all `deleting`.

    The answer still shows the status from before.

    The cluster is `deleting` for some minutes and keeps its name until it is gone.
    """
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    final = _final_snapshot_identifier(request)
    _refuse_undeletable(request.world, cluster)
    if final is not None:
        refuse_taken_snapshot(request.region, final)
        refuse_another_snapshot(request.region)
    world = request.world
    answer = {"DBCluster": show_cluster(world, cluster)}
    statuses.begin(world, cluster, "deleting")
    snapshot = snapshots.begin(world, cluster, final, MANUAL, {}) if final else None
    backups_go = request.get("DeleteAutomatedBackups", True)
    world.later(
        world.durations.cluster_delete,
        lambda: _delete(world, cluster, snapshot, backups_go=backups_go),
    )
    return answer


def _final_snapshot_identifier(request: Request) -> str | None:
    """Return the name of the final snapshot: obligatory unless it is skipped, and forbidden if it is."""
    skips = request.get("SkipFinalSnapshot", False)
    if skips == ("FinalDBSnapshotIdentifier" in request):
        raise invalid_combination(
            "FinalDBSnapshotIdentifier cannot be given with SkipFinalSnapshot."
            if skips
            else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is true."
        )
    return None if skips else new_identifier(request, "FinalDBSnapshotIdentifier")


def _refuse_undeletable(world: World, cluster: Cluster) -> None:
    if cluster.options.deletion_protection:
        # No modelled fault: AWS answers with a general code here (Aurora user guide, deleting a
        # cluster).
        raise invalid_combination(
            "Cannot delete protected Cluster, please disable deletion protection and try again."
        )
    if cluster.global_cluster is not None:
        raise cluster_state(
            "This cluster is a part of a global cluster, please remove it from globalcluster first"
        )
    if cluster.status not in DELETABLE_STATUSES:
        raise wrong_state(cluster.identifier, cluster.status, *sorted(DELETABLE_STATUSES))
    if any(member.status != "deleting" for member in servers.members(world, cluster)):
        raise cluster_state(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
        )


def _delete(world: World, cluster: Cluster, snapshot: Snapshot | None, *, backups_go: bool) -> None:
    """End the deletion once the members are gone and the final snapshot is taken.

    Else look again soon.
    """
    if cluster.members or (snapshot is not None and snapshot.status == "creating"):
        pause_seconds = world.durations.cluster_delete / _LOOKS_PER_DELETION
        world.later(pause_seconds, lambda: _delete(world, cluster, snapshot, backups_go=backups_go))
        return

    def destroy() -> None:
        world.perform(
            lambda: world.data.destroy(cluster.resource_id),
            lambda: _gone(world, cluster, backups_go=backups_go),
        )

    servers.stop(world, cluster, destroy)


def _gone(world: World, cluster: Cluster, *, backups_go: bool) -> None:
    """Free the name. Automated snapshots go with the cluster unless the caller kept them.

    Manual ones stay.
    """
    region = world.region_of(cluster.arn)
    del region.clusters[cluster.identifier]
    cluster.status = "deleted"
    master_secrets.forget(world, cluster)
    for snapshot in list(region.snapshots.values()):
        own = (
            snapshot.cluster_resource_id == cluster.resource_id
            and snapshot.snapshot_type == snapshots.AUTOMATED
        )
        if own and backups_go:
            snapshots.remove(world, snapshot)
    events.happened(world, cluster.arn, events.CLUSTER_DELETED)
