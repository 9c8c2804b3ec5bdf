"""Stopping clusters and starting them again; Aurora starts them by itself after seven days."""

from datetime import datetime, timedelta

from localaws.aurora import events, servers, statuses
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import cluster_state, instance_state, wrong_state
from localaws.aurora.records import Cluster
from localaws.aurora.responses import show_cluster
from localaws.aurora.world import Answer, Request, World

STOPPED_MOST = timedelta(days=7)


def stop_db_cluster(request: Request) -> Answer:
    """Stop an available cluster with all its instances; the answer still says `available`."""
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.global_cluster is not None:
        raise cluster_state(
            f"Cluster {cluster.identifier} is part of a global cluster and cannot be stopped."
        )
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    for member in servers.members(request.world, cluster):
        if member.status != "available":
            raise instance_state(
                f"Instance {member.identifier} is {member.status}, so the cluster cannot be "
                "stopped."
            )
    world = request.world
    _begin(world, cluster, "stopping")
    world.later(
        world.durations.cluster_stop,
        lambda: servers.stop(world, cluster, lambda: _stopped(world, cluster)),
    )
    return {"DBCluster": show_cluster(world, cluster)}


def _stopped(world: World, cluster: Cluster) -> None:
    if cluster.status != "stopping":
        return
    _set_status(world, cluster, "stopped")
    _tell(world, cluster, events.INSTANCE_STOPPED)
    restarts_at = cluster.restarts_at = world.now + STOPPED_MOST
    events.happened(world, cluster.arn, events.CLUSTER_STOPPED)
    world.later(
        STOPPED_MOST.total_seconds(),
        lambda: _start_by_itself(world, cluster, restarts_at),
        housekeeping=True,
    )


def _start_by_itself(world: World, cluster: Cluster, restarts_at: datetime) -> None:
    """Start a cluster that is still in the stop that this was planned for."""
    if cluster.status == "stopped" and cluster.restarts_at == restarts_at:
        events.happened(world, cluster.arn, events.CLUSTER_STARTED_BY_ITSELF)
        _set_status(world, cluster, "starting")
        _start(world, cluster)


def start_db_cluster(request: Request) -> Answer:
    """Start a stopped cluster; the answer still says `stopped`."""
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "stopped":
        raise wrong_state(cluster.identifier, cluster.status, "stopped")
    _begin(request.world, cluster, "starting")
    _start(request.world, cluster)
    return {"DBCluster": show_cluster(request.world, cluster)}


def _start(world: World, cluster: Cluster) -> None:
    cluster.restarts_at = None
    world.later(world.durations.cluster_start, lambda: _start_server(world, cluster))


def _start_server(world: World, cluster: Cluster) -> None:
    if cluster.members:
        servers.start(
            world,
            cluster,
            lambda: _started(world, cluster),
            lambda error: _fail(world, cluster, error),
        )
    else:
        _started(world, cluster)


def _started(world: World, cluster: Cluster) -> None:
    if cluster.status == "starting":
        _set_status(world, cluster, "available")
        _tell(world, cluster, events.INSTANCE_STARTED)
        events.happened(world, cluster.arn, events.CLUSTER_STARTED)


def _fail(world: World, cluster: Cluster, error: Exception) -> None:
    """End a start whose server did not come up: the cluster can be deleted, and nothing else."""
    cluster.status = "failed"
    for member in servers.members(world, cluster):
        servers.fail(world, member, error)


def _tell(world: World, cluster: Cluster, kind: events.Kind) -> None:
    for member in servers.members(world, cluster):
        events.happened(world, member.arn, kind)


def _begin(world: World, cluster: Cluster, status: str) -> None:
    """Let a call put a cluster with all its instances into a status, which shows a while later."""
    statuses.begin(world, cluster, status)
    for member in servers.members(world, cluster):
        statuses.begin(world, member, status)


def _set_status(world: World, cluster: Cluster, status: str) -> None:
    cluster.status = status
    for member in servers.members(world, cluster):
        member.status = status
