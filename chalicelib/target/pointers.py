"""The pointers by which people find the target: read, compared with a cluster, and moved to one.

A pointer is moved only after the proof of a login at the cluster that it will name, and one place
after the other: until the last of them, some clients use the old cluster and some the new one.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from chalicelib.aws.pointer_places import (
    MEMBERS,
    PARAMETERS,
    Address,
    PointedParameters,
    PointedRecord,
    PointedSecret,
    SeenParameter,
    SeenRecord,
    SeenSecret,
)
from chalicelib.aws.rds import Cluster
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.target_spec import PORT
from chalicelib.messages.target_naming import pointer_places
from chalicelib.ports import Ports

NO_HOST = ""
WRITER_DOMAIN = re.compile(
    r"cluster-[a-z0-9]+\.([a-z0-9-]+\.rds|rds\.[a-z0-9-]+)\.amazonaws\.com(\.cn)?$"
)


def address_of(plan: Plan, cluster: Cluster) -> Address:
    """Give the address of a cluster."""
    return Address(
        host=(cluster.endpoint or "").lower(),
        reader_host=(cluster.reader_endpoint or "").lower(),
        port=cluster.port or plan.target.port or PORT,
        cluster_id=cluster.identifier,
    )


def places_of(plan: Plan) -> tuple[str | None, ...]:
    """Name the places of a plan's pointers."""
    target = plan.target
    secret = plan.users.app_credentials_secret_id
    return plan.name, secret, target.target_dns_zone_id, target.target_dns_name


@dataclass(frozen=True)
class SeenPointers:
    """All places as they were read; `record` is None where there is none, or no name is set."""

    secret: SeenSecret
    parameters: dict[str, SeenParameter]
    record: SeenRecord | None

    def naming(self, address: Address) -> list[str]:
        """List the places that name a cluster, in words."""
        found, names = [], {address.cluster_id, address.host}
        if names & {str(self.secret.values.get(name)) for name in ("cluster_id", "host")}:
            found.append("the application secret")
        known = (self.parameters.get("cluster_id"), self.parameters.get("endpoint"))
        if names & {seen.value for seen in known if seen}:
            found.append("the SSM parameters")
        if self.record and self.record.host == address.host:
            found.append("the DNS record")
        return found


class Pointers:
    """The pointers of one plan."""

    def __init__(self, plan: Plan, ports: Ports) -> None:
        self._plan, self._ports = plan, ports
        self.words = pointer_places(plan)

    @cached_property
    def secret(self) -> PointedSecret:
        """The application secret."""
        secrets = self._ports.service("secretsmanager")
        return PointedSecret(secrets, self._plan.users.app_credentials_secret_id)

    @cached_property
    def parameters(self) -> PointedParameters:
        """The parameters of the plan."""
        folder = self._ports.settings.pointer_path(self._plan.name)
        return PointedParameters(self._ports.service("ssm"), folder)

    @cached_property
    def record(self) -> PointedRecord | None:
        """The record; None where no name is set."""
        zone_id, name = self._plan.target.target_dns_zone_id, self._plan.target.target_dns_name
        if zone_id is None or name is None:
            return None
        return PointedRecord(self._ports.service("route53"), zone_id, name)

    def read(self) -> SeenPointers:
        """Read all places; raises RefusedError for one that cannot be written as it is."""
        record = self.record.read() if self.record else None
        return SeenPointers(self.secret.read(), self.parameters.read(), record)

    def name(self, cluster: Cluster) -> bool:
        """Tell whether any pointer names a cluster."""
        return bool(self.read().naming(address_of(self._plan, cluster)))

    def named(self) -> str:
        """Say what each place names, for people who may have to finish a move by hand."""
        words, reads = self.words, (self._secret_names, self._parameters_name, self._record_leads)
        return "; ".join(
            _told(place, read) for place, read in zip(words, reads, strict=True) if place
        )

    def by_hand(self, address: Address) -> str:
        """Say what to write where, so that all places name a cluster."""
        values = ", ".join(f"{name}={value}" for name, value in address.members.items())
        words = self.words
        record = f", and let {words.record} lead to that host" if words.record else ""
        return (
            f"To lead clients to {address.cluster_id} by hand, write {values} to "
            f"{words.secret}, the same values, with the host as endpoint and reader_endpoint, "
            f"to {words.parameters}{record}."
        )

    def _secret_names(self) -> str:
        values = self.secret.read().values
        return f"names {_cluster_at(values.get('cluster_id'), values.get('host'))}"

    def _parameters_name(self) -> str:
        seen = {name: found.value for name, found in self.parameters.read().items()}
        return f"name {_cluster_at(seen.get('cluster_id'), seen.get('endpoint'))}"

    def _record_leads(self) -> str:
        found = self.record.read() if self.record else None
        return f"leads to {found.host}" if found else "is not there"

    def refuse_unusable(self, standing: Sequence[Cluster], last: str | None) -> None:
        """Raise RefusedError for a place that cannot be read, or that leads to something else.

        That may be another service's record, whose name TARGET_DNS_NAME has by mistake, or a proxy
        that clients need. `last` is the endpoint of the last success, which may be gone.
        """
        seen = self.read()
        hosts = {address_of(self._plan, cluster).host for cluster in standing} | {last}
        if seen.record and not self._is_own(seen.record.host, hosts):
            raise RefusedError(
                f"The record {self._plan.target.target_dns_name} leads to {seen.record.host}, "
                "which is none of the target's clusters.",
                "Correct TARGET_DNS_NAME, or delete that record if nothing needs it.",
            )
        host = str(seen.secret.values.get("host", "")).lower()
        if host and not self._is_own(host, hosts):
            secret_id = self._plan.users.app_credentials_secret_id
            raise RefusedError(
                f"The secret {secret_id} names the host {host}, which is none of the target's "
                "clusters.",
                f"Remove {', '.join(MEMBERS)} from it, if its clients may be led to the target.",
            )

    def _is_own(self, host: str, hosts: Collection[str | None]) -> bool:
        """Tell whether a host is the writer endpoint of one of the target's clusters.

        The second label of others begins with proxy-, cluster-ro- or cluster-custom- (user guide,
        Aurora endpoint connections).
        """
        name, _, domain = host.partition(".")
        is_named = name in self._plan.target.cluster_ids
        return host in hosts or (is_named and WRITER_DOMAIN.match(domain) is not None)


def _told(place: str, read: Callable[[], str]) -> str:
    try:
        return f"{place} {read()}"
    except (RefusedError, TransientError):
        return f"{place} could not be read"


def _cluster_at(cluster_id: object, host: object) -> str:
    if not cluster_id and not host:
        return "no cluster"
    return f"{cluster_id or 'no cluster'} at {host or 'no host'}"


class Move:
    """Moves the pointers of an operation's plan, a place at a time, from one address to another.

    `source` limits that to what names it: whatever people wrote meanwhile stays.
    """

    def __init__(self, operation: Operation, ports: Ports) -> None:
        self.places = Pointers(operation.plan, ports)
        self.operation, self._ports = operation, ports
        self._synced: str | None = None
        self.kept: set[str] = set()  # the places that somebody else wrote meanwhile
        self.empty: set[str] = set()  # those that name nothing, and were not written

    def is_waited_for(self, *, host: str | None, is_other: bool = False) -> bool:
        """Tell whether the record was changed to a host last, or to another one."""
        noted = self.operation.facts.swap
        is_it = noted.record_host == (host or NO_HOST).lower()
        return noted.record_change is not None and is_it is not is_other

    def unsynced(self) -> str | None:
        """Say which change Route 53's servers do not have yet, by one call; None where they do."""
        record, change = self.places.record, self.operation.facts.swap.record_change
        if record is None or change is None or change == self._synced:
            return None
        if not record.is_in_sync(change):
            return f"Route 53 takes the change {change} to its servers."
        self._synced = change
        return None

    def to(self, address: Address | None, *, source: Address | None = None) -> str | None:
        """Write what differs; returns what is still waited for, None when all is done.

        `address` None takes the pointers away, which need a `source` then. The record is written
        first: Route 53 refuses a name for good that only it can judge.
        """
        self.kept.clear()
        self.empty.clear()
        seen = self.places.read()
        pending = self._write_record(seen.record, address, source)
        self._write_secret(seen.secret, address, source)
        for name in PARAMETERS:
            self._write_parameter(name, seen.parameters.get(name), address, source)
        return pending

    def _write_secret(
        self, seen: SeenSecret, address: Address | None, source: Address | None
    ) -> None:
        wanted = address.members if address else {}
        names_source = source is None or any(
            seen.values.get(name) == source.members[name] for name in ("host", "cluster_id")
        )
        if seen.values == wanted:
            return
        if names_source:
            self.places.secret.write(seen, address)
        else:
            (self.kept if seen.values else self.empty).add(self.places.words.secret)

    def _write_parameter(
        self,
        name: str,
        seen: SeenParameter | None,
        address: Address | None,
        source: Address | None,
    ) -> None:
        wanted = address.parameters[name] if address else None
        value = seen.value if seen else None
        names_source = source is None or value == source.parameters[name]
        if value == wanted:
            return
        if names_source:
            self.places.parameters.write(name, seen, wanted)
        else:
            (self.kept if seen else self.empty).add(self.places.words.parameters)

    def _write_record(
        self, seen: SeenRecord | None, address: Address | None, source: Address | None
    ) -> str | None:
        record = self.places.record
        if record is None:
            return None
        host, wanted = seen.host if seen else NO_HOST, address.host if address else NO_HOST
        names_source = source is None or host == source.host
        noted = self.operation.facts.swap
        if not names_source and host != wanted:
            (self.kept if seen else self.empty).add(str(self.places.words.record))
        if names_source and (host != wanted or noted.record_host != wanted):
            # A change whose reply was lost is made once more, for an id to wait for.
            ttl = max(seen.ttl if seen else 0, noted.record_ttl or 0)
            self._note(record.write(seen, wanted or None), wanted, ttl)
        noted = self.operation.facts.swap
        if noted.record_change is None or noted.record_host != wanted:
            return None
        return self.unsynced()

    def _note(self, change_id: str, host: str, ttl: int) -> None:
        facts = self.operation.facts
        swap = replace(facts.swap, record_change=change_id, record_host=host, record_ttl=ttl)
        noted = replace(facts, swap=swap)
        self.operation = self._ports.operations.save_facts(self.operation, noted)


def disagreements(plan: Plan, seen: SeenPointers, cluster: Cluster) -> Iterator[str]:
    """Say which pointers do not name a cluster, as sentences."""
    address = address_of(plan, cluster)
    if seen.secret.values != address.members:
        yield f"The secret {plan.users.app_credentials_secret_id} does not name it."
    if {name: found.value for name, found in seen.parameters.items()} != address.parameters:
        yield "The SSM parameters do not name it."
    if plan.target.target_dns_name:
        host = seen.record.host if seen.record else "nothing"
        if host != address.host:
            yield f"The record {plan.target.target_dns_name} leads to {host}."
