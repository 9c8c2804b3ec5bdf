"""Compares the new cluster and its instances with the plan, once more before people get them."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Wait
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.differences import changes_to, variables
from chalicelib.target.status_remedies import wait_for


def until_as_planned(
    operation: Operation,
    target: TargetCluster,
    cluster: Cluster,
    instances: list[Instance],
    now: datetime,
) -> Wait | None:
    """Wait until the cluster and its instances are available; None when they are as planned.

    Raises RefusedError. People may have changed the cluster of an earlier success on purpose: it
    and its writer only have to be available, and nothing is compared with the plan.
    """
    if wait := wait_for(operation, f"The cluster {cluster.identifier}", cluster.status):
        return wait
    if operation.keeps_cluster or operation.kind is Kind.ROLLBACK:
        writer = cluster.members[-1:] or operation.facts.target.instances
        return _until_available(operation, writer, instances, now)
    target.refuse_fixed_differences(cluster)
    if changes := changes_to(cluster.settings, operation.target_spec):
        different = RefusedError(
            f"The cluster {cluster.identifier} does not have the planned settings: "
            f"{variables(changes)}.",
            "Find out who changed them; setup-db-users sets them as planned.",
            from_step="setup-db-users",
        )
        return _may_be_shown_late(operation, different, now)
    for instance in _of(operation.facts.target.instances, instances):
        target.refuse_foreign_instance(instance)
        target.refuse_instance_differences(instance)
    return _until_available(operation, operation.facts.target.instances, instances, now)


def _until_available(
    operation: Operation, names: Sequence[str], instances: list[Instance], now: datetime
) -> Wait | None:
    found = _of(names, instances)
    if missing := sorted({*names} - {instance.identifier for instance in found}):
        gone = RefusedError(
            f"The cluster {operation.new_cluster_id} does not have all of its "
            f"instances; missing: {', '.join(missing)}.",
            "Find out who deleted them; restore-snapshot creates them again.",
            from_step="check-restore-status",
        )
        return _may_be_shown_late(operation, gone, now)
    for instance in found:
        if wait := wait_for(operation, f"The instance {instance.identifier}", instance.status):
            return wait
    return None


def _of(names: Sequence[str], instances: list[Instance]) -> list[Instance]:
    return [instance for instance in instances if instance.identifier in names]


def _may_be_shown_late(operation: Operation, refusal: RefusedError, now: datetime) -> Wait:
    """Wait while Aurora's answer may be stale; raises the refusal after that."""
    if now - operation.entered_at < ABSENT_FOR:
        return Wait(refusal.reason, operation.plan.target.restore_check_interval)
    raise refusal
