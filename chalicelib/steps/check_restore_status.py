"""check-restore-status: looks whether the cluster, and later its instances, can be used."""

from chalicelib.aurora import Cluster, Health, health
from chalicelib.choreography import State
from chalicelib.operation import Operation
from chalicelib.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.spacing import just_begun
from chalicelib.statuses import wait_for
from chalicelib.target import TargetCluster, ours


def check_restore_status(operation: Operation, ports: Ports) -> Outcome:
    """Look at what is being made. Raises RefusedError for a status that does not get better by itself."""
    if just_begun(operation, ports.now()):
        return Wait("What Aurora makes was begun a moment ago.")
    target = TargetCluster(ports.service("rds", operation.settings.target_region), operation)
    if operation.state is State.CLUSTER_RESTORING:
        return _cluster(operation, ours(operation, target, ports))
    return _instances(operation, target, ports)


def _cluster(operation: Operation, cluster: Cluster) -> Outcome:
    wait = wait_for(operation, f"The cluster {cluster.identifier}", cluster.status)
    if wait:
        return wait
    found = {"endpoint": cluster.endpoint, "reader_endpoint": cluster.reader_endpoint, "port": cluster.port}
    closed = bool(operation.facts.production_logins_closed)  # before a rerun from here: then they are closed for good
    facts = operation.facts.model_copy(update={**found, "production_logins_closed": closed})
    return Advance(State.CLUSTER_RESTORED, facts, f"{cluster.identifier} is available, without instances yet")


def _instances(operation: Operation, target: TargetCluster, ports: Ports) -> Outcome:
    """Look at the instances; and at the cluster, too, unless they are simply being made: nothing comes of that look."""
    found = {instance.identifier: instance.status for instance in target.observe_instances()}
    status = {name: found.get(name, "missing") for name in operation.facts.instances}
    making = [name for name in status if health(status[name]) is Health.PROGRESSING]
    if making and all(health(one) in (Health.PROGRESSING, Health.READY) for one in status.values()):
        return Wait(f"The instance {making[0]} is {status[making[0]]}.")
    cluster = ours(operation, target, ports)
    wait_for(operation, f"The cluster {cluster.identifier}", cluster.status)
    waits = [wait_for(operation, f"The instance {name}", one) for name, one in status.items()]
    if wait := next(filter(None, waits), None):
        return wait
    where = {"endpoint": cluster.endpoint, "reader_endpoint": cluster.reader_endpoint, "port": cluster.port}
    facts = operation.facts.model_copy(update=where)
    return Advance(State.RESTORED, facts, f"{', '.join(operation.facts.instances)} are available")
