"""restore-snapshot: restores the new cluster, and creates its writer once that is available."""

from dataclasses import replace

from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.differences import WITH_THE_PASSWORD, changes_to, variables
from chalicelib.target.instances import begin_writer
from chalicelib.target.rehearsal import rehearse
from chalicelib.target.restored_cluster import require_restored

CHANGING = frozenset({"modifying", "resetting-master-credentials", "upgrading", "maintenance"})


def restore_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Restore the cluster, or create its writer: a restored cluster has no instance.

    Readers are created once production's logins are closed (`chalicelib.target.instances`), because
    each of them accepts logins, too.
    """
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    if operation.state is State.NETWORK_REACHED:
        return _rehearse(operation, target)
    if operation.state is State.TARGET_CLEAR:
        cluster = target.restore(operation.facts.copies.arn or "")
        return _restoring(operation, cluster)
    # An instance would be created in any cluster that has the name now.
    cluster = require_restored(operation, target, ports)
    return _apply_plan(operation, target, cluster) or begin_writer(operation, target)


def _rehearse(operation: Operation, target: TargetCluster) -> Outcome:
    if cluster := rehearse(operation, target):
        return _restoring(operation, cluster)
    what = "AWS would accept the restore and the writer"
    return Advance(State.TARGET_DELETING, operation.facts, what)


def _restoring(operation: Operation, cluster: Cluster) -> Outcome:
    facts, users = operation.facts, operation.facts.users
    if cluster.resource_id != facts.target.cluster_resource_id:
        # The facts about users are of another cluster.
        users = replace(
            users,
            production_logins_closed=None,
            logins_closed=(),
            logins_closed_count=None,
            master_password_checked=None,
            exposed_from=operation.entered_at,
            exposed_until=None,
        )
    made = replace(facts.target, cluster_arn=cluster.arn, cluster_resource_id=cluster.resource_id)
    what = f"{cluster.arn} ({cluster.resource_id}) is being restored"
    return Advance(State.CLUSTER_RESTORING, replace(facts, users=users, target=made), what)


def _apply_plan(operation: Operation, target: TargetCluster, cluster: Cluster) -> Wait | None:
    """Change an earlier run's cluster to the settings of the plan; None when they match."""
    interval = operation.plan.target.restore_check_interval
    target.refuse_fixed_differences(cluster)
    if cluster.status in CHANGING:
        return Wait(f"The cluster {cluster.identifier} is {cluster.status}.", interval)
    differing = changes_to(cluster.settings, operation.target_spec)
    changes = {name: differing[name] for name in differing.keys() - WITH_THE_PASSWORD}
    if not changes:
        return None
    target.change(**changes)
    reason = f"Aurora was asked to change {variables(changes)} of {cluster.identifier}."
    return Wait(reason, interval)
