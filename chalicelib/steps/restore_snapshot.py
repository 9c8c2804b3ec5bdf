"""restore-snapshot: has Aurora make the new cluster, and when that is there, its writer."""

from dataclasses import replace

from chalicelib.aws.rds import Cluster
from chalicelib.flow import exposure
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.baseline import changes_to, variables
from chalicelib.target.cluster import TargetCluster, require_restored

CHANGING = frozenset({"modifying", "resetting-master-credentials", "upgrading", "maintenance"})


def restore_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Begin the cluster, or its writer: a restored cluster has none, and takes none before it is available.

    Readers come when production's logins are closed (`chalicelib.target.instances`): each would be
    another way in.
    """
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    if operation.state is State.TARGET_CLEAR:
        return _cluster(operation, target)
    cluster = require_restored(
        operation, target, ports
    )  # an instance would be made in whatever cluster has the name now
    return _settled(operation, target, cluster) or _writer(operation, target)


def _cluster(operation: Operation, target: TargetCluster) -> Outcome:
    facts = operation.facts
    cluster = target.restore(facts.copies.arn or "", facts.snapshot.engine_version or "")
    if (
        cluster.resource_id != facts.target.cluster_resource_id
    ):  # what is known is known of another one
        facts = replace(
            facts,
            users=replace(
                facts.users,
                production_logins_closed=None,
                logins_closed=(),
                logins_closed_count=None,
                master_password_checked=None,
                exposed_from=operation.entered_at,
                exposed_until=None,
            ),
        )
    made = replace(
        facts,
        target=replace(
            facts.target, cluster_arn=cluster.arn, cluster_resource_id=cluster.resource_id
        ),
    )
    return Advance(
        State.CLUSTER_RESTORING, made, f"{cluster.arn} ({cluster.resource_id}) is being restored"
    )


def _settled(operation: Operation, target: TargetCluster, cluster: Cluster) -> Wait | None:
    """Make a cluster that an earlier run left as the plan is now; None when it is.

    The days of backups are changed with the master password, so that they cost no wait of their
    own.
    """
    interval = operation.plan.target.restore_check_interval
    target.refuse_fixed_differences(cluster)
    if cluster.status in CHANGING:
        return Wait(f"The cluster {cluster.identifier} is {cluster.status}.", interval)
    changes = changes_to(cluster.settings, operation.plan)
    changes.pop("BackupRetentionPeriod", None)
    if not changes:
        return None
    target.change(**changes)
    return Wait(
        f"Aurora was asked to change {variables(changes)} of {cluster.identifier}.", interval
    )


def _writer(operation: Operation, target: TargetCluster) -> Outcome:
    writer = operation.plan.target.instance_ids[0]
    target.ensure_instance(writer)
    shut = exposure.not_before(
        operation, operation.entered_at
    )  # the cluster had no instance until now
    made = replace(shut, target=replace(shut.target, instances=(writer,)))
    return Advance(State.INSTANCES_CREATING, made, f"Aurora makes the writer, {writer}")
