"""Stopping clusters and starting them again; Aurora starts them by itself after seven days."""

from datetime import datetime, timedelta

from localaws.aurora import events, servers, statuses
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import cluster_state, instance_state, wrong_state
from localaws.aurora.records import Cluster
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Request

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
    for member in servers.members(request.state, cluster):
        if member.status != "available":
            raise instance_state(
                f"Instance {member.identifier} is {member.status}, so the cluster cannot be "
                "stopped."
            )
    state = request.state
    _begin(state, cluster, "stopping")
    state.later(
        state.durations.cluster_stop,
        lambda: servers.stop(state, cluster, lambda: _stopped(state, cluster)),
    )
    return {"DBCluster": show_cluster(state, cluster)}


def _stopped(state: AuroraState, cluster: Cluster) -> None:
    if cluster.status != "stopping":
        return
    _set_status(state, cluster, "stopped")
    _tell(state, cluster, events.INSTANCE_STOPPED)
    # Aurora starts a stopped cluster by itself after seven days (user guide, stopping).
    restarts_at = cluster.restarts_at = state.now + STOPPED_MOST
    events.happened(state, cluster.arn, events.CLUSTER_STOPPED)
    state.later(
        STOPPED_MOST.total_seconds(),
        lambda: _start_by_itself(state, cluster, restarts_at),
        housekeeping=True,
    )


def _start_by_itself(state: AuroraState, cluster: Cluster, restarts_at: datetime) -> None:
    """Start a cluster that is still in the stop that this was planned for."""
    if cluster.status == "stopped" and cluster.restarts_at == restarts_at:
        events.happened(state, cluster.arn, events.CLUSTER_STARTED_BY_ITSELF)
        _set_status(state, cluster, "starting")
        _start(state, cluster)


def start_db_cluster(request: Request) -> Answer:
    """Start a stopped cluster; the answer still says `stopped`."""
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "stopped":
        raise wrong_state(cluster.identifier, cluster.status, "stopped")
    _begin(request.state, cluster, "starting")
    _start(request.state, cluster)
    return {"DBCluster": show_cluster(request.state, cluster)}


def _start(state: AuroraState, cluster: Cluster) -> None:
    cluster.restarts_at = None
    state.later(state.durations.cluster_start, lambda: _start_server(state, cluster))


def _start_server(state: AuroraState, cluster: Cluster) -> None:
    if cluster.members:
        servers.start(
            state,
            cluster,
            lambda: _started(state, cluster),
            lambda error: _fail(state, cluster, error),
        )
    else:
        _started(state, cluster)


def _started(state: AuroraState, cluster: Cluster) -> None:
    if cluster.status == "starting":
        _set_status(state, cluster, "available")
        _tell(state, cluster, events.INSTANCE_STARTED)
        events.happened(state, cluster.arn, events.CLUSTER_STARTED)


def _fail(state: AuroraState, cluster: Cluster, error: Exception) -> None:
    """End a start whose server did not come up: the cluster can be deleted, and nothing else."""
    cluster.status = "failed"
    for member in servers.members(state, cluster):
        servers.fail(state, member, error)


def _tell(state: AuroraState, cluster: Cluster, kind: events.EventKind) -> None:
    for member in servers.members(state, cluster):
        events.happened(state, member.arn, kind)


def _begin(state: AuroraState, cluster: Cluster, status: str) -> None:
    """Let a call put a cluster with all its instances into a status, which shows a while later."""
    statuses.begin(state, cluster, status)
    for member in servers.members(state, cluster):
        statuses.begin(state, member, status)


def _set_status(state: AuroraState, cluster: Cluster, status: str) -> None:
    cluster.status = status
    for member in servers.members(state, cluster):
        member.status = status
