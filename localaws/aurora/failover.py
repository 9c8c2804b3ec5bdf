"""Failover: another instance of a cluster becomes its writer."""

from localaws.aurora import events, servers
from localaws.aurora.records import Cluster, Instance
from localaws.aurora.world import World


def candidate(world: World, cluster: Cluster) -> Instance | None:
    """Return the available reader of the best promotion tier; None when there is none."""
    readers = [
        member for member in servers.members(world, cluster) if member.status == "available" and not member.is_writer
    ]
    return min(readers, key=lambda member: member.promotion_tier, default=None)


def begin(world: World, cluster: Cluster, chosen: Instance | None = None) -> None:
    """Begin to make an instance the writer, or the best reader; without one nothing happens."""
    heir = chosen or candidate(world, cluster)
    if heir is None:
        return
    cluster.status = "failing-over"
    _tell_start(world, cluster, heir)
    world.later(world.durations.failover, lambda: _complete(world, cluster, heir))


def _tell_start(world: World, cluster: Cluster, heir: Instance) -> None:
    zones = {member.availability_zone for member in (heir, *_writer(world, cluster))}
    kind = events.FAILOVER_IN_ZONE if len(zones) == 1 else events.FAILOVER_ACROSS
    events.happened(world, cluster.arn, kind, heir.identifier)


def _writer(world: World, cluster: Cluster) -> list[Instance]:
    return [member for member in servers.members(world, cluster) if member.is_writer]


def _complete(world: World, cluster: Cluster, chosen: Instance) -> None:
    """End the failover; an instance that cannot be the writer any more is replaced by another."""
    if cluster.status != "failing-over":
        return
    cluster.status = "available"
    heir = chosen if chosen.status == "available" else candidate(world, cluster)
    if heir is not None:
        cluster.writer = heir.identifier
        events.happened(world, cluster.arn, events.FAILOVER_COMPLETED, heir.identifier)
