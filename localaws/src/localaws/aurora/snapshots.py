"""Taking cluster snapshots, by hand or as Aurora does at night, and deleting them."""

from datetime import timedelta

from localaws.aurora import arns, copies, events, storage
from localaws.aurora.arns import Arn
from localaws.aurora.errors import (
    cluster_not_found,
    snapshot_not_found,
    snapshot_state,
    wrong_state,
)
from localaws.aurora.names import new_identifier
from localaws.aurora.quota_checks import MANUAL, refuse_another_snapshot, refuse_taken_snapshot
from localaws.aurora.records import Cluster, Snapshot, Tags
from localaws.aurora.responses import show_snapshot
from localaws.aurora.state import Answer, AuroraState, Region, Request
from localaws.aurora.tags import read_tags

DAY_SECONDS = 24 * 60 * 60
MINUTE = timedelta(minutes=1)
DELETABLE_STATUSES = frozenset({"available", "copying", "failed"})
AUTOMATED = "automated"


def create_db_cluster_snapshot(request: Request) -> Answer:
    """Take a manual snapshot of an available cluster: its data as it is now."""
    identifier = new_identifier(request, "DBClusterSnapshotIdentifier")
    cluster = request.region.clusters.get(request.identifier("DBClusterIdentifier"))
    if cluster is None:
        raise cluster_not_found(request["DBClusterIdentifier"])
    refuse_taken_snapshot(request.region, identifier)
    refuse_another_snapshot(request.region)
    _refuse_unless_available(cluster)
    snapshot = begin(request.state, cluster, identifier, MANUAL, read_tags(request))
    return {"DBClusterSnapshot": show_snapshot(request.state, snapshot)}


def take_automated(state: AuroraState, region: Region, cluster_identifier: str) -> Snapshot:
    """Take an automated snapshot, `rds:<cluster>-<minute>`, as Aurora does in the backup window."""
    cluster = region.clusters.get(cluster_identifier.lower())
    if cluster is None:
        raise cluster_not_found(cluster_identifier)
    _refuse_unless_available(cluster)
    snapshot = begin(state, cluster, _automated_identifier(state, region, cluster), AUTOMATED, {})
    kept_seconds = cluster.options.backup_retention_days * DAY_SECONDS
    # Housekeeping: a test that lets time pass until nothing is due does not wait for days.
    state.later(kept_seconds, lambda: remove(state, snapshot), housekeeping=True)
    return snapshot


def _automated_identifier(state: AuroraState, region: Region, cluster: Cluster) -> str:
    """Name a snapshot after the first minute from now whose name is free.

    Aurora takes one a day, so two of one minute never meet there; here somebody may ask for the
    second at once.
    """
    minute = state.now
    while (identifier := f"rds:{cluster.identifier}-{minute:%Y-%m-%d-%H-%M}") in region.snapshots:
        minute += MINUTE
    return identifier


def _refuse_unless_available(cluster: Cluster) -> None:
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")


def begin(
    state: AuroraState, cluster: Cluster, identifier: str, snapshot_type: str, tags: Tags
) -> Snapshot:
    """Start a snapshot of a cluster: it holds the data of this moment.

    Tags of the cluster come with it only if the cluster says so and no others are given. An
    available cluster is `backing-up` meanwhile.
    """
    region = state.region_of(cluster.arn)
    snapshot = _of_cluster(state, cluster, region.arn(arns.SNAPSHOT, identifier), snapshot_type)
    # CopyTagsToSnapshot counts only where the call has no tags of its own.
    snapshot.tags = tags or (dict(cluster.tags) if cluster.options.copy_tags_to_snapshot else {})
    region.snapshots[identifier] = snapshot
    if cluster.status == "available":
        cluster.status = "backing-up"
    automated = snapshot_type == AUTOMATED
    creating = events.SNAPSHOT_CREATING_AUTOMATED if automated else events.SNAPSHOT_CREATING_MANUAL
    events.happened(state, snapshot.arn, creating)
    state.perform(
        lambda: state.data.take_snapshot(cluster.resource_id, snapshot.key),
        lambda: _taken(state, snapshot, cluster),
        lambda _error: _fail(snapshot, cluster),
    )
    return snapshot


def _taken(state: AuroraState, snapshot: Snapshot, cluster: Cluster) -> None:
    storage.keep(state, snapshot)
    state.later(state.durations.snapshot, lambda: _finish(state, snapshot, cluster))


def _fail(snapshot: Snapshot, cluster: Cluster) -> None:
    """Leave a snapshot `failed` whose data could not be had; no event says so."""
    snapshot.status = "failed"
    if cluster.status == "backing-up":
        cluster.status = "available"


def _of_cluster(state: AuroraState, cluster: Cluster, arn: Arn, snapshot_type: str) -> Snapshot:
    return Snapshot(
        arn=arn,
        key=state.identities.resource_id("snapshot"),
        snapshot_type=snapshot_type,
        cluster_identifier=cluster.identifier,
        cluster_resource_id=cluster.resource_id,
        cluster_created_at=cluster.created_at,
        engine_version=cluster.engine_version,
        port=cluster.options.port,
        vpc_id=cluster.options.subnet_group.vpc_id,
        master_username=cluster.master_username,
        database_name=cluster.database_name,
        encryption=cluster.encryption,
        iam_authentication=cluster.options.iam_authentication,
        backup_retention_days=cluster.options.backup_retention_days,
        backup_window=cluster.options.backup_window,
        storage_type=cluster.options.storage_type,
        tags={},
        started_at=state.now,
    )


def _finish(state: AuroraState, snapshot: Snapshot, cluster: Cluster) -> None:
    if cluster.status == "backing-up":
        cluster.status = "available"
    if snapshot.status != "creating":
        return
    snapshot.status, snapshot.created_at = "available", snapshot.started_at
    automated = snapshot.snapshot_type == AUTOMATED
    created = events.SNAPSHOT_CREATED_AUTOMATED if automated else events.SNAPSHOT_CREATED_MANUAL
    events.happened(state, snapshot.arn, created)


def delete_db_cluster_snapshot(request: Request) -> Answer:
    """Delete a manual snapshot, or cancel a copy; the answer still shows the status from before.

    The snapshot is `deleting` for a moment and keeps its name. Automated snapshots go with their
    retention period or their cluster.
    """
    snapshot = request.region.snapshots.get(request.identifier("DBClusterSnapshotIdentifier"))
    if snapshot is None:
        raise snapshot_not_found(request["DBClusterSnapshotIdentifier"])
    # Automated ones leave with their retention period only (RDS API reference).
    if snapshot.snapshot_type != MANUAL:
        raise snapshot_state(
            f"{snapshot.identifier} is an automated snapshot; only manual ones can be deleted."
        )
    if snapshot.status not in DELETABLE_STATUSES:
        raise snapshot_state(
            f"Snapshot {snapshot.identifier} is {snapshot.status} and cannot be deleted now."
        )
    answer = {"DBClusterSnapshot": show_snapshot(request.state, snapshot)}
    _begin_deletion(request.state, snapshot)
    return answer


def _begin_deletion(state: AuroraState, snapshot: Snapshot) -> None:
    # Deleting a copy in progress cancels it, which no event tells.
    was_copying = snapshot.status == "copying"
    snapshot.status = "deleting"
    if was_copying:
        copies.dequeue(state, snapshot)
    else:
        events.happened(state, snapshot.arn, events.SNAPSHOT_DELETED_MANUAL)
    state.later(state.durations.snapshot_delete, lambda: remove(state, snapshot))


def remove(state: AuroraState, snapshot: Snapshot) -> None:
    """Take a snapshot out of the world; copies that are being made of it will fail."""
    store = state.region_of(snapshot.arn).snapshots
    if store.get(snapshot.identifier) is snapshot:
        del store[snapshot.identifier]
        snapshot.status = "deleted"
        storage.forget(state, snapshot)
