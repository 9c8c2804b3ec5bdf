"""The new cluster's instances: the readers begin when production is out, and one judgement says what they wait for."""

from dataclasses import replace
from datetime import datetime

from chalicelib.aws.rds import Cluster, Health, health
from chalicelib.flow import exposure
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster, require_restored
from chalicelib.target.statuses import wait_for


def until_available(operation: Operation, target: TargetCluster, ports: Ports) -> Wait | Cluster:
    """Look at the instances that were asked for; give the cluster when all of them are available.

    The cluster is looked at, too, unless they are simply being made: nothing comes of that look.
    Raises RefusedError for a status that does not get better by itself.
    """
    now, status = ports.now(), _statuses(operation, target)
    making = [name for name in status if health(status[name]) is Health.PROGRESSING]
    if making and all(health(one) in (Health.PROGRESSING, Health.READY) for one in status.values()):
        return _wait_for_creation(operation, making[0], status, now)
    cluster = require_restored(operation, target, ports)
    wait_for(operation, f"The cluster {cluster.identifier}", cluster.status)
    return _first_wait(operation, status) or cluster


def begin_readers(
    operation: Operation, target: TargetCluster, ports: Ports
) -> tuple[Operation, Exception | None]:
    """Ask for the instances that were not asked for yet, and remember them.

    Give the trouble with that.

    Whoever sets up users goes on with them first: nobody waits for those because a reader cannot be
    had.
    """
    trouble: Exception | None = None
    asked = operation.facts.target.instances
    try:
        for name in _readers_to_make(operation):
            target.ensure_instance(name)
            asked = (*asked, name)
    except (RefusedError, TransientError) as error:
        trouble = error
    if asked != operation.facts.target.instances:
        facts = replace(operation.facts, target=replace(operation.facts.target, instances=asked))
        operation = ports.operations.save_facts(operation, facts)
    return operation, trouble


def has_readers(operation: Operation) -> bool:
    """Tell whether readers have to be waited for.

    Those of a cluster that people work on are theirs.
    """
    return len(operation.facts.target.instances) > 1 and not operation.keeps_cluster


def refuse_failed(operation: Operation, target: TargetCluster) -> None:
    """Raise RefusedError for an instance that will never be available, while something else is waited for."""
    if not operation.keeps_cluster:
        _first_wait(operation, _statuses(operation, target))


def _readers_to_make(operation: Operation) -> list[str]:
    """Name them; a cluster that people work on is kept as they have it."""
    wanted = () if operation.keeps_cluster else operation.plan.target.instance_ids
    return [name for name in wanted if name not in operation.facts.target.instances]


def _statuses(operation: Operation, target: TargetCluster) -> dict[str, str]:
    found = {instance.identifier: instance.status for instance in target.observe_instances()}
    return {name: found.get(name, "missing") for name in operation.facts.target.instances}


def _first_wait(operation: Operation, status: dict[str, str]) -> Wait | None:
    waits = [wait_for(operation, f"The instance {name}", one) for name, one in status.items()]
    return next(filter(None, waits), None)


def _wait_for_creation(
    operation: Operation, name: str, status: dict[str, str], now: datetime
) -> Wait:
    """Wait, and note that nobody could enter so far while the first instance is still being made."""
    facts = operation.facts
    if operation.state is State.INSTANCES_CREATING and {*status.values()} == {"creating"}:
        facts = exposure.not_before(operation, now)
    return Wait(f"The instance {name} is {status[name]}.", facts=facts)
