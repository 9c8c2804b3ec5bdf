"""Global databases, just enough for a cluster to be a member of one."""

from localaws.aurora import arns
from localaws.aurora.arns import Arn
from localaws.aurora.catalog import ENGINE
from localaws.aurora.errors import (
    RdsError,
    cluster_not_found,
    cluster_state,
    invalid_value,
    not_modelled,
)
from localaws.aurora.listing import page, read_filters
from localaws.aurora.names import new_identifier, only
from localaws.aurora.records import GlobalCluster
from localaws.aurora.state import Answer, Request
from localaws.aurora.tags import read_tags, tag_list


def create_global_cluster(request: Request) -> Answer:
    """Make an existing, available cluster of this region the writer of a new global cluster."""
    identifier = new_identifier(request, "GlobalClusterIdentifier")
    if "SourceDBClusterIdentifier" not in request:
        raise not_modelled(
            "An empty global cluster (CreateGlobalCluster without SourceDBClusterIdentifier)"
        )
    only(request, "Engine", ENGINE)
    store, place = request.state.global_clusters, (request.region.account, identifier)
    if place in store:
        raise RdsError(
            "GlobalClusterAlreadyExistsFault", f"The global cluster {identifier} exists already."
        )
    source = Arn.parse(request["SourceDBClusterIdentifier"])
    if source is None or source.kind != arns.CLUSTER:
        raise invalid_value("SourceDBClusterIdentifier is the ARN of a cluster.")
    cluster = request.state.region_of(source).clusters.get(source.identifier)
    if cluster is None or source.account != request.region.account:
        raise cluster_not_found(request["SourceDBClusterIdentifier"])
    if cluster.status != "available" or cluster.global_cluster is not None:
        raise cluster_state(
            f"Cluster {cluster.identifier} is not available, or a member of a global cluster "
            "already."
        )
    cluster.global_cluster = identifier
    store[place] = GlobalCluster(
        identifier=identifier,
        account=request.region.account,
        resource_id=request.state.identities.resource_id("cluster"),
        engine_version=cluster.engine_version,
        member=cluster.arn,
        encrypted=cluster.encryption.encrypted,
        deletion_protection=request.get("DeletionProtection", False),
        tags=read_tags(request),
    )
    return {"GlobalCluster": _show(store[place])}


def describe_global_clusters(request: Request) -> Answer:
    """List the account's global clusters: they belong to no region."""
    read_filters(request, modelled=set(), documented=("db-cluster-id", "region"))
    chosen = [
        cluster
        for cluster in request.state.global_clusters.values()
        if cluster.account == request.region.account
    ]
    if "GlobalClusterIdentifier" in request:
        wanted = request.identifier("GlobalClusterIdentifier")
        chosen = [cluster for cluster in chosen if cluster.identifier == wanted]
        if not chosen:
            raise RdsError("GlobalClusterNotFoundFault", f"There is no global cluster {wanted}.")
    return page(request, "GlobalClusters", chosen, lambda cluster: cluster.identifier, _show)


def _show(cluster: GlobalCluster) -> Answer:
    return {
        "GlobalClusterIdentifier": cluster.identifier,
        "GlobalClusterResourceId": cluster.resource_id,
        "GlobalClusterArn": f"arn:aws:rds::{cluster.account}:global-cluster:{cluster.identifier}",
        "Status": "available",
        "Engine": ENGINE,
        "EngineVersion": cluster.engine_version,
        "StorageEncrypted": cluster.encrypted,
        "DeletionProtection": cluster.deletion_protection,
        "GlobalClusterMembers": [
            {"DBClusterArn": str(cluster.member), "Readers": [], "IsWriter": True}
        ],
        "TagList": tag_list(cluster.tags),
    }
