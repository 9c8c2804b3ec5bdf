"""The cluster that is to be the target: it lives, it is the plan's, and it is started."""

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import Health, health, is_lost
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster, find_clusters
from chalicelib.target.swap import STOPPED


def start_successor(operation: Operation, ports: Ports) -> Outcome:
    """Start the cluster that people go back to; raises RefusedError where it is lost.

    Nothing was renamed or published so far.
    """
    cluster = usable_successor(operation, ports)
    if cluster.status == STOPPED:
        rds = ports.service("rds", operation.plan.target.region)
        TargetCluster(rds, operation, cluster.identifier).start()
    elif health(cluster.status) is Health.READY:
        what = f"{cluster.identifier} is {cluster.status}"
        return Advance(State.TARGET_CHOSEN, operation.facts, what)
    interval = operation.plan.target.restore_check_interval
    return Wait(f"The cluster {cluster.identifier} is {cluster.status}.", interval)


def usable_successor(operation: Operation, ports: Ports) -> Cluster:
    """Find the cluster; raises TransientError, and RefusedError where it is lost or another's."""
    rds = ports.service("rds", operation.plan.target.region)
    made = operation.facts.target.cluster_resource_id or ""
    found = find_clusters(rds, [made]).get(made)
    if found is None:
        raise TransientError(f"The cluster {made} is not found.")
    if is_lost(found.status):
        raise RefusedError(
            f"The cluster {found.identifier} is {found.status}, so it does not become the target.",
            "Its events tell the cause.",
            from_step="delete-rds",
        )
    role = "previous target" if operation.kind is Kind.ROLLBACK else "new cluster"
    TargetCluster(rds, operation, found.identifier).refuse_unowned(found, [], role)
    return found
