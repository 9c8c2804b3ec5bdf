"""Which custom endpoints the target is to have, and which of its instances are their members."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.aws.rds import Cluster, CustomEndpoint
from chalicelib.flow.baseline import EndpointBaseline
from chalicelib.flow.errors import TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.ports import Ports
from chalicelib.target.cluster import find_clusters

NO_SUCH_RESOURCE = "InvalidParameterValue"  # of ListTagsForResource, for an ARN of nothing


def described_endpoints(rds: Service, **which: Any) -> Iterator[CustomEndpoint]:
    """Describe custom endpoints."""
    custom = [{"Name": "db-cluster-endpoint-type", "Values": ["custom"]}]
    which |= {"Filters": custom}
    found = rds.pages("describe_db_cluster_endpoints", "DBClusterEndpoints", **which)
    return map(CustomEndpoint.of, found)


def custom_endpoints(
    rds: Service, cluster_id: str, missing: Sequence[EndpointBaseline] = ()
) -> tuple[EndpointBaseline, ...]:
    """Describe the custom endpoints of a cluster, and those that it lacks since a move failed."""
    described = tuple(
        EndpointBaseline(
            identifier=found.identifier,
            kind=found.kind,
            static_members=found.static_members,
            excluded_members=found.excluded_members,
            resource_id=found.resource_id,
        )
        for found in described_endpoints(rds, DBClusterIdentifier=cluster_id)
    )
    names = {found.identifier for found in described}
    return (*described, *(found for found in missing if found.identifier not in names))


def with_tags(rds: Service, found: CustomEndpoint) -> CustomEndpoint:
    """Add the tags of an endpoint; raises TransientError where AWS knows it no longer."""
    try:
        tags = rds.call("list_tags_for_resource", ResourceName=found.arn)
    except (AwsError, NotFoundError) as error:
        if isinstance(error, NotFoundError) or error.code == NO_SUCH_RESOURCE:
            raise TransientError(f"AWS shows {found.arn}, and finds no tags of it.") from error
        raise
    return found.with_tags(tags)


def replaced_cluster(operation: Operation, rds: Service) -> Cluster | None:
    """Find the cluster that was replaced, whatever its name is now."""
    old = operation.facts.target.old
    return find_clusters(rds, [old.resource_id]).get(old.resource_id) if old else None


def planned_endpoints(operation: Operation, ports: Ports) -> tuple[EndpointBaseline, ...]:
    """Give the endpoints that the target is to have, with its own instances as members."""
    if operation.kind is Kind.ROLLBACK:
        return tuple(_endpoints_back(operation, ports))
    baseline = operation.facts.target.baseline
    if baseline is None:
        return ()
    before, now = _of_restore(operation)
    return tuple(with_members(found, before, now) for found in baseline.endpoints)


def _endpoints_back(operation: Operation, ports: Ports) -> Iterator[EndpointBaseline]:
    """Give the endpoints that a cluster gets back from the one that had replaced it.

    One that nobody changed meanwhile is again as it was.
    """
    rds = ports.service("rds", operation.plan.target.region)
    replaced = replaced_cluster(operation, rds)
    if replaced is None:
        return
    missing = ports.operations.target(operation.plan.target_cluster_arn).missing_endpoints
    undone = _undone(operation, ports)
    baseline = undone.facts.target.baseline if undone else None
    originals = {found.identifier: found for found in baseline.endpoints} if baseline else {}
    before, now = _counterparts(operation, ports)
    for found in custom_endpoints(rds, replaced.identifier, missing):
        original = originals.get(found.identifier)
        if undone and original and _is_same(with_members(original, *_of_restore(undone)), found):
            present = _with_present(original, operation.facts.target.instances)
            yield replace(present, resource_id=found.resource_id)
        else:
            yield with_members(found, before, now)


def _counterparts(operation: Operation, ports: Ports) -> tuple[Sequence[str], Sequence[str]]:
    """Give the instances of the replaced cluster, and those of the target that stand for them.

    They are the pairs that the restore has recorded; the order of AWS's answer changes with each
    failover. Without its record, and without instances of then, positions count.
    """
    target = operation.facts.target
    members = target.old.members[::-1] if target.old else ()
    pairs = _recorded(operation, ports)
    present = [(before, now) for before, now in pairs if now in target.instances]
    if not present:
        return members, target.instances
    return [before for before, _ in present], [now for _, now in present]


def _recorded(operation: Operation, ports: Ports) -> list[tuple[str, str]]:
    """Pair the replaced instances with those that replaced them; a rollback exchanges the two."""
    if operation.kind is not Kind.ROLLBACK:
        return [*zip(*_of_restore(operation), strict=False)]
    undone = _undone(operation, ports)
    return [(now, before) for before, now in _recorded(undone, ports)] if undone else []


def _of_restore(operation: Operation) -> tuple[Sequence[str], Sequence[str]]:
    target = operation.facts.target
    known = target.baseline.instances if target.baseline else ()
    return [found.identifier for found in known], target.instances


def _undone(operation: Operation, ports: Ports) -> Operation | None:
    return ports.operations.read(operation.rolls_back) if operation.rolls_back else None


def _is_same(one: EndpointBaseline, other: EndpointBaseline) -> bool:
    return _compared(one) == _compared(other)


def _compared(endpoint: EndpointBaseline) -> tuple[str, set[str], set[str]]:
    return endpoint.kind, {*endpoint.static_members}, {*endpoint.excluded_members}


def _with_present(endpoint: EndpointBaseline, instances: Sequence[str]) -> EndpointBaseline:
    """Leave out the members that are gone; the last instance stands for all of them."""
    return with_members(endpoint, instances, instances)


def with_members(
    endpoint: EndpointBaseline, before: Sequence[str], now: Sequence[str]
) -> EndpointBaseline:
    """Replace the members of an endpoint by those that have their positions, the writer first.

    The last instance stands for a member that the new cluster has not: an endpoint with members
    must not become one of all instances.
    """
    places: Mapping[str, str] = dict(zip(before, now, strict=False))
    static = [places.get(name, now[-1]) for name in endpoint.static_members if now]
    excluded = [places[name] for name in endpoint.excluded_members if name in places]
    return replace(
        endpoint,
        static_members=tuple(dict.fromkeys(static)),
        excluded_members=tuple(excluded),
    )
