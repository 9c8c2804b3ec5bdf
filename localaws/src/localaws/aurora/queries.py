"""DescribeDBClusters, -Instances and -ClusterSnapshots: one by name, or filtered pages."""

from localaws.aurora import arns
from localaws.aurora.arns import Arn, is_arn
from localaws.aurora.catalog import ENGINE
from localaws.aurora.errors import (
    RdsError,
    cluster_not_found,
    instance_not_found,
    invalid_value,
    snapshot_not_found,
)
from localaws.aurora.listing import last_part, page, passes, read_filters
from localaws.aurora.names import refuse_together
from localaws.aurora.records import Instance, Snapshot
from localaws.aurora.responses import show_cluster, show_instance, show_snapshot
from localaws.aurora.sharing import EVERYBODY, find_snapshot, may_see
from localaws.aurora.state import Answer, Request

_SNAPSHOT_TYPES = frozenset({"automated", "manual", "shared", "public", "awsbackup"})


def _named(request: Request, name: str, kind: str) -> str:
    """Return the identifier that a parameter names, as it is or as an ARN of this account."""
    text = str(request[name])
    arn = Arn.parse(text) if is_arn(text) else request.region.arn(kind, text)
    is_here = arn is not None and arn == request.region.arn(kind, arn.identifier)
    return arn.identifier if arn is not None and is_here else text


def describe_db_clusters(request: Request) -> Answer:
    """List the clusters of this region.

    One asked for by name or ARN that does not exist is an error.
    """
    filters = read_filters(
        request,
        modelled={"db-cluster-id", "db-cluster-resource-id", "engine"},
        documented=("clone-group-id", "domain"),
    )
    clusters = (
        list(request.region.clusters.values()) if "DBClusterIdentifier" not in request else []
    )
    if "DBClusterIdentifier" in request:
        found = request.region.clusters.get(_named(request, "DBClusterIdentifier", arns.CLUSTER))
        if found is None:
            raise cluster_not_found(request["DBClusterIdentifier"])
        clusters = [found]
    chosen = [
        cluster
        for cluster in clusters
        if passes(
            filters,
            {
                "db-cluster-id": cluster.identifier,
                "db-cluster-resource-id": cluster.resource_id.lower(),
                "engine": ENGINE,
            },
        )
    ]
    return page(
        request,
        "DBClusters",
        chosen,
        lambda cluster: cluster.identifier,
        lambda cluster: show_cluster(request.state, cluster),
    )


def describe_db_instances(request: Request) -> Answer:
    """List the instances of this region.

    One asked for by name or ARN that does not exist is an error.
    """
    filters = read_filters(
        request,
        modelled={"db-cluster-id", "db-instance-id", "dbi-resource-id", "engine"},
        documented=("domain",),
    )
    chosen = [
        instance
        for instance in _instances(request, filters.get("db-cluster-id"))
        if passes(
            filters,
            {
                "db-cluster-id": instance.cluster.identifier,
                "db-instance-id": instance.identifier,
                "dbi-resource-id": instance.resource_id.lower(),
                "engine": ENGINE,
            },
        )
    ]
    return page(
        request,
        "DBInstances",
        chosen,
        lambda instance: instance.identifier,
        lambda instance: show_instance(request.state, instance),
    )


def _instances(request: Request, clusters: set[str] | None) -> list[Instance]:
    """Find the instance that is named, or those of the named clusters, or all.

    Without a look at each of thousands.
    """
    region = request.region
    if "DBInstanceIdentifier" in request:
        found = region.instances.get(_named(request, "DBInstanceIdentifier", arns.INSTANCE))
        if found is None:
            raise instance_not_found(request["DBInstanceIdentifier"])
        return [found]
    if clusters is None:
        return list(region.instances.values())
    named = filter(None, (region.clusters.get(last_part(cluster)) for cluster in clusters))
    return [region.instances[member] for cluster in named for member in cluster.members]


def describe_db_snapshots(request: Request) -> Answer:
    """List snapshots of instances, of which there are none: Aurora's are of clusters."""
    read_filters(
        request,
        modelled={"db-instance-id", "db-snapshot-id", "dbi-resource-id", "snapshot-type", "engine"},
    )
    if "DBSnapshotIdentifier" in request:
        raise RdsError(
            "DBSnapshotNotFound", f"DBSnapshot {request['DBSnapshotIdentifier']} not found."
        )
    return page(request, "DBSnapshots", [], str, lambda _one: {})


def describe_pending_maintenance_actions(request: Request) -> Answer:
    """List maintenance that waits for a resource; localaws has none."""
    read_filters(request, modelled={"db-cluster-id", "db-instance-id"})
    reference = request.get("ResourceIdentifier")
    if reference is not None and not _stands(request, str(reference)):
        raise RdsError("ResourceNotFoundFault", f"The resource {reference} is not found.")
    return page(request, "PendingMaintenanceActions", [], str, lambda _one: {})


def _stands(request: Request, reference: str) -> bool:
    arn, region = Arn.parse(reference), request.region
    if arn is None or arn != region.arn(arn.kind, arn.identifier):
        return False
    if arn.kind == arns.CLUSTER:
        return arn.identifier in region.clusters
    return arn.kind == arns.INSTANCE and arn.identifier in region.instances


def describe_db_cluster_snapshots(request: Request) -> Answer:
    """List cluster snapshots that the caller may see in this region.

    Automated and manual ones of its own unless a type is named; other people's only when asked for.
    An automated snapshot that is asked for by identifier or ARN needs `SnapshotType=automated`
    beside it (botocore).
    """
    refuse_together(request, "DBClusterIdentifier", "DBClusterSnapshotIdentifier")
    if request.get("SnapshotType", "manual") not in _SNAPSHOT_TYPES:
        raise invalid_value(f"SnapshotType {request['SnapshotType']!r} is unknown.")
    filters = read_filters(
        request, modelled={"db-cluster-id", "db-cluster-snapshot-id", "engine", "snapshot-type"}
    )
    found = [snapshot for snapshot in _snapshots(request) if _asked_for(request, snapshot, filters)]
    account = request.region.account
    return page(
        request,
        "DBClusterSnapshots",
        found,
        lambda snapshot: str(snapshot.arn),
        lambda snapshot: show_snapshot(request.state, snapshot, seen_by=account),
    )


def _snapshots(request: Request) -> list[Snapshot]:
    reference = request.get("DBClusterSnapshotIdentifier")
    if reference is None:
        return [snapshot for snapshot in _visible(request) if _type_wanted(request, snapshot)]
    snapshot = find_snapshot(request, reference)
    needs_type = snapshot.snapshot_type == "automated" and "SnapshotType" not in request
    if needs_type or not _type_wanted(request, snapshot):
        raise snapshot_not_found(reference)
    return [snapshot]


def _visible(request: Request) -> list[Snapshot]:
    account, here = request.region.account, request.region.name
    regions = [region for region in request.state.regions.values() if region.name == here]
    return [
        snapshot
        for region in regions
        for snapshot in region.snapshots.values()
        if may_see(snapshot, account)
    ]


def _type_wanted(request: Request, snapshot: Snapshot) -> bool:
    wanted = request.get("SnapshotType")
    if snapshot.arn.account == request.region.account:
        return wanted in {None, snapshot.snapshot_type} or (
            wanted == "public" and EVERYBODY in snapshot.shared_with
        )
    if request.region.account in snapshot.shared_with:
        return wanted == "shared" or (wanted is None and request.get("IncludeShared", False))
    return wanted == "public" or (wanted is None and request.get("IncludePublic", False))


def _asked_for(request: Request, snapshot: Snapshot, filters: dict[str, set[str]]) -> bool:
    facts = {
        "db-cluster-id": snapshot.cluster_identifier,
        "db-cluster-snapshot-id": snapshot.identifier,
        "engine": ENGINE,
        "snapshot-type": snapshot.snapshot_type,
    }
    return (
        passes(filters, facts)
        and str(request.get("DBClusterIdentifier", snapshot.cluster_identifier)).lower()
        == snapshot.cluster_identifier
        and request.get("DbClusterResourceId", snapshot.cluster_resource_id)
        == snapshot.cluster_resource_id
    )
