"""The instances of the new cluster: the writer, then the readers, and the wait for all of them."""

from dataclasses import replace
from datetime import datetime

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import Health, health
from chalicelib.flow import exposure
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.status_remedies import wait_for


def until_available(operation: Operation, target: TargetCluster, ports: Ports) -> Wait | Cluster:
    """Wait for the instances of the operation; give the cluster when all of them are available.

    The cluster is observed only when no instance is simply being created. Raises RefusedError for a
    permanent status.
    """
    statuses = _statuses(operation, target)
    healths = {name: health(status) for name, status in statuses.items()}
    creating = [name for name in healths if healths[name] is Health.PROGRESSING]
    if creating and {*healths.values()} <= {Health.PROGRESSING, Health.READY}:
        return _wait_for_creation(operation, creating[0], statuses, ports.now())
    cluster = require_restored(operation, target, ports)
    wait_for(operation, f"The cluster {cluster.identifier}", cluster.status)
    return _first_wait(operation, statuses) or cluster


def begin_writer(operation: Operation, target: TargetCluster) -> Outcome:
    """Create the first instance, which is the writer: the readers follow beside the users."""
    writer = operation.instance_ids[0]
    target.ensure_instance(writer)
    # The cluster had no instance until now.
    facts = exposure.not_before(operation, operation.entered_at)
    made = replace(facts, target=replace(facts.target, instances=(writer,)))
    return Advance(State.INSTANCES_CREATING, made, f"Aurora creates the writer, {writer}")


def begin_readers(
    operation: Operation, target: TargetCluster, ports: Ports
) -> tuple[Operation, Exception | None]:
    """Create the missing readers and save their names; returns an error, too, if there was one.

    It is not raised here, because the users are set up first: they need no reader.
    """
    failure: Exception | None = None
    created = operation.facts.target.instances
    try:
        for name in _readers_to_create(operation):
            target.ensure_instance(name)
            created = (*created, name)
    except (RefusedError, TransientError) as error:
        failure = error
    if created != operation.facts.target.instances:
        facts = replace(operation.facts, target=replace(operation.facts.target, instances=created))
        operation = ports.operations.save_facts(operation, facts)
    return operation, failure


def has_readers(operation: Operation) -> bool:
    """Tell whether the operation created readers, for which it has to wait."""
    return len(operation.facts.target.instances) > 1 and not operation.keeps_cluster


def refuse_failed(operation: Operation, target: TargetCluster) -> None:
    """Raise RefusedError for an instance that will never be available."""
    if not operation.keeps_cluster:
        _first_wait(operation, _statuses(operation, target))


def _readers_to_create(operation: Operation) -> list[str]:
    """Name the missing instances; a cluster that people work on keeps its own."""
    planned = () if operation.keeps_cluster else operation.instance_ids
    return [name for name in planned if name not in operation.facts.target.instances]


def _statuses(operation: Operation, target: TargetCluster) -> dict[str, str]:
    found = {instance.identifier: instance.status for instance in target.observe_instances()}
    return {name: found.get(name, "missing") for name in operation.facts.target.instances}


def _first_wait(operation: Operation, statuses: dict[str, str]) -> Wait | None:
    waits = [wait_for(operation, f"The instance {name}", statuses[name]) for name in statuses]
    return next(filter(None, waits), None)


def _wait_for_creation(
    operation: Operation, name: str, statuses: dict[str, str], now: datetime
) -> Wait:
    """Wait; while the first instance is being created, note that nobody could log in yet."""
    facts = operation.facts
    if operation.state is State.INSTANCES_CREATING and {*statuses.values()} == {"creating"}:
        facts = exposure.not_before(operation, now)
    return Wait(f"The instance {name} is {statuses[name]}.", facts=facts)
