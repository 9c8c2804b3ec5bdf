"""The custom endpoints of the old target, which the new one gets under their names.

An identifier is unique in an account and region, and endpoints cannot change their cluster. After
a swap the previous target still has them, so each is deleted there and created at the target. IAM
knows no condition for the cluster of an endpoint: only one with the plan's tag is deleted, of the
cluster that this operation has replaced.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from shlex import quote

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.aws.rds import Cluster, CustomEndpoint
from chalicelib.flow.baseline import EndpointBaseline
from chalicelib.flow.errors import STATE_FAULT_MAX, RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.ownership import OWNER_TAG, is_ours, other_owner, owner_tag, pairs, tag_list
from chalicelib.messages.commands import step_command
from chalicelib.ports import Ports
from chalicelib.target.capture import endpoint_tags
from chalicelib.target.endpoint_plan import (
    described_endpoints,
    planned_endpoints,
    replaced_cluster,
    with_tags,
)

EXISTS = "DBClusterEndpointAlreadyExistsFault"
LOOK_SECONDS, REFUSED_LOOK_SECONDS = 15, 60


@dataclass(frozen=True)
class Settled:
    """What became of the custom endpoints so far; the operation knows which are still to come."""

    operation: Operation
    wait: Wait | None = None
    warnings: tuple[str, ...] = ()


def left_endpoints(rds: Service, cluster_id: str, known: Sequence[EndpointBaseline]) -> list[str]:
    """Name the custom endpoints that a cluster still has, and that are not being deleted.

    `known` are some that it had: after a rename, AWS may still show them with its former name.
    """
    found = [*described_endpoints(rds, DBClusterIdentifier=cluster_id)]
    for endpoint in known:
        named = described_endpoints(rds, DBClusterEndpointIdentifier=endpoint.identifier)
        found += [one for one in named if _is_old(one, endpoint)]
    return sorted({endpoint.identifier for endpoint in found if endpoint.status != "deleting"})


def _is_old(found: CustomEndpoint, endpoint: EndpointBaseline) -> bool:
    """Tell whether an endpoint is the replaced cluster's, whatever name that is shown with."""
    return endpoint.resource_id is not None and found.resource_id == endpoint.resource_id


def note_endpoints(operation: Operation, ports: Ports) -> Operation:
    """Note the custom endpoints that a rollback has to move, before it renames a cluster.

    Right after that, AWS may still show them with the former names. What is refused here is tried
    once more when the target is open.
    """
    if operation.kind is not Kind.ROLLBACK or operation.facts.swap.endpoints is not None:
        return operation
    with suppress(RefusedError):
        return _noted(operation, planned_endpoints(operation, ports), ports)
    return operation


def _noted(
    operation: Operation, endpoints: tuple[EndpointBaseline, ...], ports: Ports
) -> Operation:
    swap = replace(operation.facts.swap, endpoints=endpoints)
    return ports.operations.save_facts(operation, replace(operation.facts, swap=swap))


def settle_endpoints(operation: Operation, cluster: Cluster, ports: Ports) -> Settled:
    """Give the target the custom endpoints that the old one had.

    People have the new cluster by then, and each endpoint leads nowhere only while it is moved. One
    that AWS refuses to create is asked for again for some minutes; then it is a warning, and the
    target's item has it for the next restore.
    """
    planned = operation.facts.swap.endpoints
    if planned is None and operation.keeps_cluster:
        return Settled(operation)
    if planned is None:
        planned = planned_endpoints(operation, ports)
        operation = _noted(operation, planned, ports) if planned else operation
    if not planned:
        return Settled(operation)
    moving = _Moving(operation, cluster, ports)
    waits = [(endpoint, wait) for endpoint in planned if (wait := moving.move(endpoint))]
    operation = moving.with_what_is_left(planned)
    if waits and ports.now() < operation.deadline:
        _, wait = min(waits, key=lambda known: known[1].seconds or 0)
        return Settled(operation, replace(wait, facts=operation.facts))
    passed = f"The deadline of {operation.state} has passed."
    late = [f"{wait.why} {passed}{moving.by_hand(endpoint)}" for endpoint, wait in waits]
    return Settled(operation, warnings=(*moving.warnings, *late))


class _Moving:
    """Moves custom endpoints to one cluster, each by one call at a time."""

    def __init__(self, operation: Operation, cluster: Cluster, ports: Ports) -> None:
        self._operation, self._cluster, self._ports = operation, cluster, ports
        self._rds = ports.service("rds", operation.plan.target.region)
        self._old = replaced_cluster(operation, self._rds)
        self._gone = {*operation.facts.swap.endpoints_gone}
        self._tags: dict[str, dict[str, str]] = {}
        self._there: set[str] = set()
        self._missing: set[str] = set()
        self.warnings: list[str] = []

    def by_hand(self, endpoint: EndpointBaseline) -> str:
        """Give the command that creates an endpoint that is nowhere now; "" for one that exists."""
        if endpoint.identifier not in self._missing:
            return ""
        members = [f" --{kind}-members {' '.join(names)}" for kind, names in _members(endpoint)]
        tags = [owner_tag(self._operation.plan), *pairs(endpoint.tags)]
        typed = " ".join(quote(f"Key={tag['Key']},Value={tag['Value']}") for tag in tags)
        return (
            " It is nowhere now. The next restore tries again; to create it at once: aws rds "
            f"create-db-cluster-endpoint --region {self._operation.plan.target.region} "
            f"--db-cluster-identifier {self._cluster.identifier} --db-cluster-endpoint-identifier "
            f"{endpoint.identifier} --endpoint-type {endpoint.kind}{''.join(members)} "
            f"--tags {typed}"
        )

    def with_what_is_left(self, planned: tuple[EndpointBaseline, ...]) -> Operation:
        """Note the endpoints that the target has not yet, and which of them exist nowhere."""
        left = tuple(found for found in planned if found.identifier not in self._there)
        return self._with(left)

    def _with(self, left: tuple[EndpointBaseline, ...]) -> Operation:
        facts, names = self._operation.facts, {found.identifier for found in left}
        left = tuple(
            replace(found, tags=self._tags.get(found.identifier, found.tags)) for found in left
        )
        gone = tuple(sorted(self._gone & names))
        swap = replace(facts.swap, endpoints=left, endpoints_gone=gone)
        return replace(self._operation, facts=replace(facts, swap=swap))

    def move(self, endpoint: EndpointBaseline) -> Wait | None:
        """Make the next call for an endpoint; gives why it is not there yet, None at the end."""
        name = endpoint.identifier
        try:
            why = self._next(endpoint)
        except TransientError as error:
            why = f"The custom endpoint {name} is not moved yet: {error.reason}"
        except RefusedError as error:
            told = f"The custom endpoint {name} is not moved: {error.reason} {error.remedy}"
            since = self._ports.now() - self._operation.entered_at
            if name in self._missing and since < STATE_FAULT_MAX:
                return Wait(told, REFUSED_LOOK_SECONDS, remedy=error.remedy)
            self.warnings.append(f"{told}{self.by_hand(endpoint)}")
            return None
        return Wait(why, LOOK_SECONDS) if why else None

    def _next(self, endpoint: EndpointBaseline) -> str | None:
        name = endpoint.identifier
        found = next(described_endpoints(self._rds, DBClusterEndpointIdentifier=name), None)
        if found is None:
            self._missing.add(name)
            self._gone.add(name)
            return self._create(endpoint)
        is_old = _is_old(found, endpoint)
        if found.cluster_id == self._cluster.identifier and not is_old:
            self._there.add(name)
            return None
        if is_old and self._old is None:
            return f"The custom endpoint {name} is still shown with the cluster that was replaced."
        if reason := self._why_left(found, is_old=is_old):
            self._gone.discard(name)
            self.warnings.append(f"The custom endpoint {name} {reason}")
            return None
        if found.status == "available":
            self._delete(found)
        return f"The custom endpoint {name} is being moved to {self._cluster.identifier}."

    def _delete(self, found: CustomEndpoint) -> None:
        """Delete an endpoint; the record knows its tags, and that it is gone, before it is."""
        name, arn = found.identifier, self._operation.plan.target_cluster_arn
        record = self._ports.operations.target(arn)
        self._tags[name] = endpoint_tags(self._rds, found, record, self._ports)
        self._gone.add(name)
        facts = self._with(self._operation.facts.swap.endpoints or ()).facts
        self._operation = self._ports.operations.save_facts(self._operation, facts)
        try:
            with suppress(NotFoundError):  # an old answer: it is deleted by now
                self._rds.call("delete_db_cluster_endpoint", DBClusterEndpointIdentifier=name)
        except RefusedError:
            self._gone.discard(name)
            raise

    def _why_left(self, found: CustomEndpoint, *, is_old: bool) -> str | None:
        """Say why an endpoint is not taken from its cluster; None where that was replaced by us."""
        old, plan = self._old, self._operation.plan
        if old is None or not (is_old or found.cluster_id == old.identifier):
            return f"is left alone: it now belongs to the cluster {found.cluster_id}."
        stays, by_hand = f"stays with {old.identifier}, because", self._move_by_hand
        if plan.source.region == plan.target.region:
            return f"{stays} none is deleted in the source's region. {by_hand}"
        tagged = with_tags(self._rds, found)
        if owner := other_owner(tagged, plan):
            return f"{stays} it belongs to {owner}, by its tag {OWNER_TAG}. {by_hand}"
        if not is_ours(tagged, plan):
            what = f"it does not carry our tag {OWNER_TAG}={plan.owner}"
            return f"{stays} {what}. {self._adoption(found)}{by_hand}"
        return None

    @property
    def _move_by_hand(self) -> str:
        return (
            f"Delete it, and create it again on {self._cluster.identifier}; the previous target is "
            "kept as long as it has custom endpoints."
        )

    def _adoption(self, found: CustomEndpoint) -> str:
        """Give the commands that let this operation move an endpoint; "" for a rollback."""
        operation = self._operation
        if operation.kind is Kind.ROLLBACK:
            return ""
        return (
            "If it may be moved every night, adopt it: aws rds add-tags-to-resource --region "
            f"{operation.plan.target.region} --resource-name {found.arn} --tags "
            f"Key={OWNER_TAG},Value={operation.plan.owner}, and then run archive-snapshot again: "
            f"{step_command(operation, 'archive-snapshot')}. Otherwise move it yourself. "
        )

    def _create(self, endpoint: EndpointBaseline) -> str | None:
        members = {
            "StaticMembers": list(endpoint.static_members),
            "ExcludedMembers": list(endpoint.excluded_members),
        }
        try:
            self._rds.call(
                "create_db_cluster_endpoint",
                DBClusterEndpointIdentifier=endpoint.identifier,
                DBClusterIdentifier=self._cluster.identifier,
                EndpointType=endpoint.kind,
                Tags=tag_list(self._operation, endpoint.tags),
                **{name: given for name, given in members.items() if given},
            )
        except AwsError as error:
            if error.code != EXISTS:
                raise
            return f"The custom endpoint {endpoint.identifier} is still being deleted."
        self._there.add(endpoint.identifier)
        return None


def _members(endpoint: EndpointBaseline) -> list[tuple[str, tuple[str, ...]]]:
    kinds = [("static", endpoint.static_members), ("excluded", endpoint.excluded_members)]
    return [(kind, names) for kind, names in kinds if names]
