"""Deleting a cluster: what AWS refuses, what it waits for, and what goes with it."""

from localaws.aurora import custom_endpoints, events, master_secrets, servers, snapshots, statuses
from localaws.aurora.attachments import refuse_attached
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import cluster_state, invalid_combination, wrong_state
from localaws.aurora.names import new_identifier
from localaws.aurora.quota_checks import MANUAL, refuse_another_snapshot, refuse_taken_snapshot
from localaws.aurora.records import Cluster, Snapshot
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Request

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
    _refuse_undeletable(request.state, cluster)
    if final is not None:
        refuse_taken_snapshot(request.region, final)
        refuse_another_snapshot(request.region)
    state = request.state
    # Shown first: the accepting answer still says `available` (user guide, deleting a cluster).
    answer = {"DBCluster": show_cluster(state, cluster)}
    statuses.begin(state, cluster, "deleting")
    snapshot = snapshots.begin(state, cluster, final, MANUAL, {}) if final else None
    backups_go = request.get("DeleteAutomatedBackups", True)
    state.later(
        state.durations.cluster_delete,
        lambda: _delete(state, cluster, snapshot, backups_go=backups_go),
    )
    return answer


def _final_snapshot_identifier(request: Request) -> str | None:
    """Return the name of the final snapshot, which is required unless it is skipped."""
    skips = request.get("SkipFinalSnapshot", False)
    if skips == ("FinalDBSnapshotIdentifier" in request):
        raise invalid_combination(
            "FinalDBSnapshotIdentifier cannot be given with SkipFinalSnapshot."
            if skips
            else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is true."
        )
    return None if skips else new_identifier(request, "FinalDBSnapshotIdentifier")


def _refuse_undeletable(state: AuroraState, cluster: Cluster) -> None:
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
    refuse_attached(state.region_of(cluster.arn), cluster)
    # A stopped cluster is not among them: it has to be started first (user guide, as above).
    if cluster.status not in DELETABLE_STATUSES:
        raise wrong_state(cluster.identifier, cluster.status, *sorted(DELETABLE_STATUSES))
    # Members need not be gone: that they are being deleted is enough.
    if any(member.status != "deleting" for member in servers.members(state, cluster)):
        raise cluster_state(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
        )


def _delete(
    state: AuroraState, cluster: Cluster, snapshot: Snapshot | None, *, backups_go: bool
) -> None:
    """End the deletion once the members are gone and the final snapshot is taken.

    Else look again soon.
    """
    if cluster.members or (snapshot is not None and snapshot.status == "creating"):
        pause_seconds = state.durations.cluster_delete / _LOOKS_PER_DELETION
        state.later(pause_seconds, lambda: _delete(state, cluster, snapshot, backups_go=backups_go))
        return

    def destroy() -> None:
        state.perform(
            lambda: state.data.destroy(cluster.resource_id),
            lambda: _gone(state, cluster, backups_go=backups_go),
        )

    servers.stop(state, cluster, destroy)


def _gone(state: AuroraState, cluster: Cluster, *, backups_go: bool) -> None:
    """Free the name. Automated snapshots go with the cluster unless the caller kept them.

    Manual ones stay.
    """
    # Only now: until the end of the deletion RDS refuses a new cluster of that name.
    region = state.region_of(cluster.arn)
    del region.clusters[cluster.identifier]
    cluster.status = "deleted"
    master_secrets.forget(state, cluster)
    custom_endpoints.remove_all(state, cluster)
    for snapshot in list(region.snapshots.values()):
        # By resource id: an earlier cluster of that name may have left automated ones of its own.
        own = (
            snapshot.cluster_resource_id == cluster.resource_id
            and snapshot.snapshot_type == snapshots.AUTOMATED
        )
        if own and backups_go:
            snapshots.remove(state, snapshot)
    events.happened(state, cluster.arn, events.CLUSTER_DELETED)
