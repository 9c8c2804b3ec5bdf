"""The cluster that an operation restored, as it is found again: or why it is not."""

from chalicelib.aws.rds import Cluster
from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.flow.choreography import ROWS, State
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.target.cluster import TargetCluster, observe_cluster
from chalicelib.target.current_target import present_arn, present_name


def require_restored(operation: Operation, target: TargetCluster, ports: Ports) -> Cluster:
    """Observe the cluster that this operation restored.

    Raises RefusedError where another cluster has its name, or none: but "not found" may be a stale
    answer for a while. A stopped cluster is refused, too: it stays stopped for seven days unless
    somebody starts it (user guide). So is one that is no longer the target, in a step that works on
    the target.
    """
    if operation.keeps_cluster or operation.state is State.TARGET_OPEN:
        refuse_replaced(operation, ports)
    cluster = target.observe()
    made = operation.facts.target.cluster_resource_id
    if cluster is None and ports.now() - operation.entered_at < ABSENT_FOR:
        raise TransientError(f"The restored cluster {made} is not found.")
    if cluster is None or cluster.resource_id != made:
        if operation.keeps_cluster:
            raise _other_cluster(operation, cluster)
        found = f"the cluster {cluster.resource_id}" if cluster else "no cluster"
        raise RefusedError(
            f"The restored cluster {made} no longer exists; {found} now has its name.",
            "Find out who removed it. A cluster that has its name is replaced if it carries our "
            "tag.",
            from_step="delete-rds",
        )
    if cluster.status == "stopped":
        region, name = operation.plan.target.region, cluster.identifier
        raise RefusedError(
            f"The restored cluster {name} is stopped.",
            "Start it (aws rds start-db-cluster "
            f"--region {region} --db-cluster-identifier {name}).",
        )
    return cluster


def refuse_replaced(operation: Operation, ports: Ports) -> None:
    """Raise RefusedError where people use another cluster by now than that of an operation.

    Where pointers lead to the target, the one that was replaced keeps its name. Otherwise the name
    counts, which people may have given back to it.
    """
    target = ports.operations.target(operation.plan.target_cluster_arn)
    made = operation.facts.target.cluster_resource_id
    if target.opened_id == made:
        return
    last = target.last_success_operation
    latest = ports.operations.read(last) if last else None
    last_id = latest.facts.target.cluster_resource_id if latest else None
    present = target.opened_id or last_id  # an item of before has the latter alone
    if present in (None, made) or _has_the_name(operation, target, ports):
        return
    name = present_arn(operation.plan, target)
    reason = f"The cluster {made} is no longer the target, which is {name} ({present}) now."
    if latest is None or last_id != present or not latest.facts.snapshot.arn:
        raise RefusedError(reason, "Leave that cluster as it is.", retry=Retry.NEW_REQUEST)
    step = operation.durations[0].step if operation.durations else ROWS[operation.state].step
    raise RefusedError(
        f"{reason} The last success on it is {latest.operation_id}.",
        "Repeat the step on the present cluster.",
        from_step=step,
        retry=Retry.LAST_SUCCESS,
    )


def _has_the_name(operation: Operation, target: TargetRecord, ports: Ports) -> bool:
    """Tell whether an operation's cluster has the name that the target was opened with."""
    plan = operation.plan.target
    if plan.points or present_name(operation.plan, target) != plan.cluster_id:
        return False
    holder = observe_cluster(ports.service("rds", plan.region), plan.cluster_id)
    made = operation.facts.target.cluster_resource_id
    return holder is not None and holder.resource_id == made


def _other_cluster(operation: Operation, cluster: Cluster | None) -> RefusedError:
    """Say that the cluster of a step that is repeated is gone: people replaced or removed it."""
    made = operation.facts.target.cluster_resource_id
    return RefusedError(
        f"The cluster {made} no longer exists; {cluster.resource_id if cluster else 'none'} now "
        "has its name.",
        "Find out who replaced it. A restore replaces the target if that carries our tag.",
        retry=Retry.NEW_REQUEST,
    )
