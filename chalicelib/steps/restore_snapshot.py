"""restore-snapshot: has Aurora make the new cluster, and when that is there, its writer."""

from chalicelib.aws.rds import Cluster
from chalicelib.flow import exposure
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.baseline import changes_to, variables
from chalicelib.target.cluster import TargetCluster, ours

CHANGING = frozenset({"modifying", "resetting-master-credentials", "upgrading", "maintenance"})


def restore_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Begin the cluster, or its writer: a restored cluster has none, and takes none before it is available.

    Readers come when production's logins are closed (`chalicelib.target.instances`): each would be
    another way in.
    """
    target = TargetCluster(ports.service("rds", operation.settings.target_region), operation)
    if operation.state is State.TARGET_CLEAR:
        return _cluster(operation, target)
    cluster = ours(
        operation, target, ports
    )  # an instance would be made in whatever cluster has the name now
    return _settled(operation, target, cluster) or _writer(operation, target)


def _cluster(operation: Operation, target: TargetCluster) -> Outcome:
    facts = operation.facts
    cluster = target.restore(facts.copy_arn or "", facts.snapshot_engine_version or "")
    if cluster.resource_id != facts.cluster_resource_id:  # what is known is known of another one
        facts = facts.model_copy(
            update={
                "production_logins_closed": None,
                "logins_closed": (),
                "logins_closed_count": None,
                "master_password_checked": None,
                "exposed_from": operation.entered_at,
                "exposed_until": None,
            }
        )
    made = facts.model_copy(
        update={"cluster_arn": cluster.arn, "cluster_resource_id": cluster.resource_id}
    )
    return Advance(
        State.CLUSTER_RESTORING, made, f"{cluster.arn} ({cluster.resource_id}) is being restored"
    )


def _settled(operation: Operation, target: TargetCluster, cluster: Cluster) -> Wait | None:
    """Make a cluster that an earlier run left as the plan is now; None when it is.

    The days of backups are changed with the master password, so that they cost no wait of their
    own.
    """
    interval = operation.settings.restore_check_interval
    target.refuse_fixed_differences(cluster)
    if cluster.status in CHANGING:
        return Wait(f"The cluster {cluster.identifier} is {cluster.status}.", interval)
    changes = changes_to(cluster.settings, operation.settings)
    changes.pop("BackupRetentionPeriod", None)
    if not changes:
        return None
    target.change(**changes)
    return Wait(
        f"Aurora was asked to change {variables(changes)} of {cluster.identifier}.", interval
    )


def _writer(operation: Operation, target: TargetCluster) -> Outcome:
    writer = operation.settings.instance_ids[0]
    target.ensure_instance(writer)
    shut = exposure.not_before(
        operation, operation.entered_at
    )  # the cluster had no instance until now
    made = shut.model_copy(update={"instances": (writer,)})
    return Advance(State.INSTANCES_CREATING, made, f"Aurora makes the writer, {writer}")
