"""Failover: another instance of a cluster becomes its writer."""

from localaws.aurora import events, servers
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import instance_state, wrong_state
from localaws.aurora.records import Cluster, Instance
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Request


def failover_db_cluster(request: Request) -> Answer:
    """Make another instance the writer: the named one, or the best reader."""
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    chosen = _chosen(request, cluster) or candidate(request.state, cluster)
    if chosen is None:
        raise instance_state(
            f"Database cluster:{cluster.identifier} should have at least two database instances in "
            "valid states or a valid target instance for failover."
        )
    answer = {"DBCluster": show_cluster(request.state, cluster)}
    begin(request.state, cluster, chosen)
    return answer


def _chosen(request: Request, cluster: Cluster) -> Instance | None:
    if "TargetDBInstanceIdentifier" not in request:
        return None
    name = request.identifier("TargetDBInstanceIdentifier")
    found = request.region.instances.get(name)
    if name not in cluster.members or found is None or found.status != "available":
        raise instance_state(f"Instance {name} should be in valid state for failover.")
    return None if found.is_writer else found


def candidate(state: AuroraState, cluster: Cluster) -> Instance | None:
    """Return the available reader of the best promotion tier; None when there is none."""
    readers = [
        member
        for member in servers.members(state, cluster)
        if member.status == "available" and not member.is_writer
    ]
    return min(readers, key=lambda member: member.promotion_tier, default=None)


def begin(state: AuroraState, cluster: Cluster, chosen: Instance | None = None) -> None:
    """Begin to make an instance the writer, or the best reader; without one nothing happens."""
    heir = chosen or candidate(state, cluster)
    if heir is None:
        return
    cluster.status = "failing-over"
    _tell_start(state, cluster, heir)
    state.later(state.durations.failover, lambda: _complete(state, cluster, heir))


def _tell_start(state: AuroraState, cluster: Cluster, heir: Instance) -> None:
    zones = {member.availability_zone for member in (heir, *_writer(state, cluster))}
    kind = events.FAILOVER_IN_ZONE if len(zones) == 1 else events.FAILOVER_ACROSS
    events.happened(state, cluster.arn, kind, heir.identifier)


def _writer(state: AuroraState, cluster: Cluster) -> list[Instance]:
    return [member for member in servers.members(state, cluster) if member.is_writer]


def _complete(state: AuroraState, cluster: Cluster, chosen: Instance) -> None:
    """End the failover; an instance that cannot be the writer any more is replaced by another."""
    if cluster.status != "failing-over":
        return
    cluster.status = "available"
    heir = chosen if chosen.status == "available" else candidate(state, cluster)
    if heir is not None:
        cluster.writer = heir.identifier
        events.happened(state, cluster.arn, events.FAILOVER_COMPLETED, heir.identifier)
