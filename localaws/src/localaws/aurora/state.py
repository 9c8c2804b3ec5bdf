"""Everything the model knows and depends on, for all accounts and regions."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from localaws.aurora.arns import Arn
from localaws.aurora.choices import Choices
from localaws.aurora.data import DataPlane
from localaws.aurora.durations import Durations
from localaws.aurora.export_storage import ExportStorage
from localaws.aurora.faults import PlannedFaults
from localaws.aurora.identities import Identities
from localaws.aurora.keys import Key, Lookup, usable_key
from localaws.aurora.quotas import Quotas
from localaws.aurora.records import (
    Cluster,
    CustomEndpoint,
    ExportTask,
    GlobalCluster,
    Instance,
    ParameterGroup,
    Proxy,
    Snapshot,
    SubnetGroup,
)
from localaws.aurora.schedule import OnFailure, PendingWork, Schedule, Then
from localaws.aurora.support import Support, support_of_majors
from localaws.clock import Clock

if TYPE_CHECKING:
    from localaws.aurora.master_secrets import SecretStore

Answer = dict[str, Any]
_EVENTS_KEPT = timedelta(days=14)


@dataclass(frozen=True)
class Network:
    """The default VPC of a region: id, default security group, and the zone of each subnet.

    `dual_stack` are the subnets, of any VPC, that have an IPv6 range; a default VPC has none.
    """

    vpc_id: str
    security_group: str
    subnets: Mapping[str, str]
    dual_stack: frozenset[str] = frozenset()


@dataclass
class Region:
    """One region of one account: what it owns there, by identifier in lower case."""

    account: str
    name: str
    network: Network
    quotas: Quotas = field(default_factory=Quotas)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    custom_endpoints: dict[str, CustomEndpoint] = field(default_factory=dict)
    proxies: dict[str, Proxy] = field(default_factory=dict)
    exports: dict[str, ExportTask] = field(default_factory=dict)
    subnet_groups: dict[str, SubnetGroup] = field(default_factory=dict)
    cluster_parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)
    parameter_groups: dict[str, ParameterGroup] = field(default_factory=dict)
    events: list[Answer] = field(default_factory=list)
    attached: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))

    def arn(self, kind: str, identifier: str) -> Arn:
        """Name a resource of this region."""
        return Arn(self.name, self.account, kind, identifier.lower())

    def remember_event(self, event: Answer, now: datetime) -> None:
        """Keep an event for DescribeEvents, which looks back fourteen days."""
        while self.events and self.events[0]["Date"] < now - _EVENTS_KEPT:
            self.events.pop(0)
        self.events.append(event)


@dataclass
class AuroraState:
    """All accounts and regions, the clock, and the ports to what lies outside the model."""

    clock: Clock
    durations: Durations
    data: DataPlane
    keys: Lookup
    security_groups: Callable[[str, str, str], bool]
    roles: Callable[[str], bool]
    emit: Callable[[Answer], None]
    make_region: Callable[[str, str], Region]
    identities: Identities
    secrets: "SecretStore"
    exports: ExportStorage
    choices: Choices
    schedule: Schedule = field(default_factory=Schedule)
    faults: PlannedFaults = field(default_factory=PlannedFaults)
    regions: dict[tuple[str, str], Region] = field(default_factory=dict)
    global_clusters: dict[tuple[str, str], GlobalCluster] = field(default_factory=dict)
    copies_by_source: dict[str, list[Snapshot]] = field(default_factory=dict)
    pending_work: list[PendingWork] = field(default_factory=list)
    support: dict[int, Support] = field(default_factory=support_of_majors)
    _moment: datetime | None = None

    @property
    def now(self) -> datetime:
        """The clock's time, or the due time of the transition that is being performed."""
        return self._moment or self.clock.now()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Let what is done inside happen at a moment."""
        before, self._moment = self._moment, moment
        try:
            yield
        finally:
            self._moment = before

    def region(self, account: str, name: str) -> Region:
        """Return one region of an account, with AWS's default groups from its first use on."""
        region = self.regions.get((account, name))
        if region is None:
            region = self.regions[account, name] = self.make_region(account, name)
        return region

    def region_of(self, arn: Arn) -> Region:
        """Return the region that owns a resource."""
        return self.region(arn.account, arn.region)

    def later(self, seconds: float, then: Then, *, housekeeping: bool = False) -> None:
        """Plan a transition, counted from now."""
        self.schedule.add(self.now + timedelta(seconds=seconds), then, housekeeping=housekeeping)

    def perform(
        self, work: Then, then: Then = lambda: None, failed: OnFailure | None = None
    ) -> None:
        """Hand over work on the data plane.

        `then` happens after it, at the present moment of the model.

        `failed` happens in its place when the work raised; without it life goes on as if the work
        was done.
        """
        self.pending_work.append(
            PendingWork(self.now, work, then, failed or (lambda _error: then()))
        )

    def take_pending_work(self) -> list[PendingWork]:
        """Return the work handed over since the last time."""
        pending_work, self.pending_work = self.pending_work, []
        return pending_work

    def usable_key(self, region: Region, reference: str, *, account: str | None = None) -> Key:
        """Return an enabled key as seen from a region, or refuse with KMSKeyNotAccessibleFault."""
        return usable_key(self.keys, account or region.account, region.name, reference)


@dataclass(frozen=True)
class Request:
    """One call: the world, the caller's region, and the parameters as boto3 names them."""

    state: AuroraState
    region: Region
    parameters: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter, or the default when the caller left it out."""
        return self.parameters.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.parameters

    def identifier(self, name: str) -> str:
        """Return a parameter that names something: AWS stores identifiers in lower case."""
        return str(self.parameters[name]).lower()
