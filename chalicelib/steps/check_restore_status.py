"""check-restore-status: polls the cluster, then its writer, and at last its readers."""

from dataclasses import replace

from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.polling import too_early_to_poll
from chalicelib.ports import Ports
from chalicelib.target import instances
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.status_remedies import wait_for


def check_restore_status(operation: Operation, ports: Ports) -> Outcome:
    """Poll what Aurora creates; raises RefusedError for a permanent status."""
    begun_before = operation.state is State.READERS_CREATING  # beside the set-up of the users
    if not begun_before and too_early_to_poll(operation, ports.now()):
        return Wait("What Aurora makes was started a moment ago.")
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    if operation.state is State.CLUSTER_RESTORING:
        return _cluster(operation, require_restored(operation, target, ports))
    return _instances(operation, target, ports)


def _cluster(operation: Operation, cluster: Cluster) -> Outcome:
    wait = wait_for(operation, f"The cluster {cluster.identifier}", cluster.status)
    if wait:
        return wait
    # An earlier run may have closed production's logins on this cluster: they stay closed.
    closed = bool(operation.facts.users.production_logins_closed)
    users = replace(operation.facts.users, production_logins_closed=closed)
    facts = replace(_with_endpoints(operation, cluster), users=users)
    what = f"{cluster.identifier} is available, without instances yet"
    return Advance(State.CLUSTER_RESTORED, facts, what, warnings=_of_version(operation, cluster))


def _of_version(operation: Operation, cluster: Cluster) -> tuple[str, ...]:
    """Warn of another version than was asked for: Aurora upgrades some by itself (user guide)."""
    asked, found = operation.engine_version, cluster.engine_version
    if found == asked or not asked:
        return ()
    return (f"Aurora restored {cluster.identifier} as version {found}, and not as {asked}.",)


def _instances(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    found = instances.until_available(operation, target, ports)
    if isinstance(found, Wait):
        return found
    facts = _with_endpoints(operation, found)
    names = facts.target.instances
    writer_only = operation.state is State.INSTANCES_CREATING
    to = State.RESTORED if writer_only else State.USERS_READY
    verb = "is" if len(names) == 1 else "are"
    return Advance(to, facts, f"{', '.join(names)} {verb} available")


def _with_endpoints(operation: Operation, cluster: Cluster) -> Facts:
    target = replace(
        operation.facts.target,
        endpoint=cluster.endpoint,
        reader_endpoint=cluster.reader_endpoint,
        port=cluster.port,
    )
    return replace(operation.facts, target=target)
