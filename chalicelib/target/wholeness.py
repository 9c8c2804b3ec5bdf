"""Whether a cluster still lacks instances that a deletion took before it stopped."""

from datetime import datetime

from chalicelib.aws.rds import Cluster
from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.aws.statuses import Health, health, is_lost
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.ports import Ports
from chalicelib.records.targets import ClusterNote
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.swap import STOPPED


def still_half_deleted(
    operation: Operation, cluster: Cluster, ports: Ports, *, had: int, since: datetime
) -> bool:
    """Tell whether a cluster lacks instances by a deletion that ended before `since`.

    `had` is how many it had. That it lacked some is forgotten once people have repaired it.
    """
    note, it = ClusterNote.HALF_DELETED, cluster.resource_id
    if not ports.operations.target(operation.plan.target_cluster_arn).is_noted(note, it):
        return False
    is_settled = ports.now() - since >= ABSENT_FOR  # until then AWS may show what is gone
    if not is_settled or not _is_repaired(operation, cluster, ports, had):
        return True
    ports.operations.note_cluster(operation, note, it, is_so=False)
    return False


def until_repair_is_sure(
    operation: Operation, cluster: Cluster, ports: Ports, *, had: int
) -> Wait | None:
    """Wait until it is sure whether people repaired a cluster that is to be replaced.

    Whatever deleted a part of it had the target's lock before this operation.
    """
    since = operation.created_at
    is_half = still_half_deleted(operation, cluster, ports, had=had, since=since)
    is_early = ports.now() - since < ABSENT_FOR
    if not is_half or not is_early or not _is_repaired(operation, cluster, ports, had):
        return None
    return Wait(
        f"{cluster.identifier} was half-deleted and shows all its instances; that is asked again.",
        operation.plan.target.restore_check_interval,
    )


def _is_repaired(operation: Operation, cluster: Cluster, ports: Ports, had: int) -> bool:
    """Tell whether a cluster has as many instances as it had, and a writer to log in to.

    Its data is whole as long as it exists: instances have none of their own (user guide, storage).
    """
    rds = ports.service("rds", operation.plan.target.region)
    instances = TargetCluster(rds, operation, cluster.identifier).observe_instances()
    living = {found.identifier: found.status for found in instances if not is_lost(found.status)}
    writer = living.get(cluster.writer or "", "")
    can_open = writer == STOPPED or health(writer) is Health.READY
    return can_open and len(living) >= max(1, had)
