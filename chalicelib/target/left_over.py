"""A left-over cluster that production's passwords open is not forgotten."""

from chalicelib.aws.rds import Cluster
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports
from chalicelib.target.by_hand import deleted_by_hand
from chalicelib.target.cluster import find_clusters


def refuse_open_left_over(operation: Operation, doomed: Cluster | None, ports: Ports) -> None:
    """Raise RefusedError while the target's item notes an open cluster that would stay as it is.

    The restore makes a cluster of its own, which the item then notes in its place. `doomed` is the
    cluster that the restore deletes.
    """
    plan = operation.plan
    noted = ports.operations.target(plan.target_cluster_arn).unsecured_cluster_id
    if noted is None or (doomed and noted == doomed.resource_id):
        return
    found = find_clusters(ports.service("rds", plan.target.region), [noted]).get(noted)
    if found is None or found.status == "deleting":
        return
    raise RefusedError(
        f"Production's passwords open the cluster {found.arn} ({found.resource_id}), which an "
        "operation that stopped has left. This restore would neither delete nor close it.",
        "Delete that cluster, whose data the snapshot has, too: "
        f"{deleted_by_hand(found, plan.target.region)}",
    )
