"""What the steps of one restore found out or made, by the phases of a restore.

Facts are frozen: a step makes new ones with `dataclasses.replace`, whose names the type checker
knows. A rerun forgets a phase by leaving it out (`chalicelib.flow.choreography.Phase`).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from chalicelib.flow.baseline import Baseline, EndpointBaseline
from chalicelib.flow.choreography import Phase
from chalicelib.flow.older_records import present_facts
from chalicelib.flow.text_limits import listed
from chalicelib.flow.timestamps import Timestamp


@dataclass(frozen=True, kw_only=True)
class SnapshotFacts:
    """The source's snapshot that is restored."""

    arn: str | None = None
    created_at: Timestamp | None = None
    type: str | None = None
    engine_version: str | None = None
    encrypted: bool | None = None
    kms_key_id: str | None = None
    source_resource_id: str | None = None
    master_username: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One copy on the way to the target: where it is made, under which name and key."""

    region: str
    identifier: str
    kms_key_id: str | None = None
    arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class CopyFacts:
    """The copies of the snapshot, one a hop, and which of them is restored."""

    kms_key_arn: str | None = None  # of KMS_KEY_ID when the copies were planned; None without one
    hops: tuple[Hop, ...] = ()
    hop: int = 0  # the hop that is being made, counted from 0
    progress: int | None = None  # per cent
    queued_until: Timestamp | None = None  # when the copy was last seen without any progress
    arn: str | None = None  # what is restored; the source's own snapshot where no copy is needed
    archived: bool | None = None

    @property
    def key_arn(self) -> str | None:
        """The key of the copy and of the new cluster; older records have it in their hops only."""
        return self.kms_key_arn or (self.hops[-1].kms_key_id if self.hops else None)


class Deletion(StrEnum):
    """How far the deletion of the old target has come, as far as this operation knows."""

    DECIDED = "decided"
    ASKED = "asked"  # for its instances; noted before the first call
    ACCEPTED = "accepted"  # for the cluster itself


@dataclass(frozen=True, kw_only=True)
class OldTarget:
    """The old target, as it was when its deletion was decided; nothing else is ever deleted."""

    resource_id: str
    arn: str
    members: tuple[str, ...] = ()  # readers first, the writer last: the order of deletion
    final_snapshot_id: str | None = None
    protected: bool | None = None  # None in records of before it was noted
    data_api: bool | None = None  # None in records of before it was noted

    @property
    def name(self) -> str:
        """The name that the cluster had."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """The cluster that is replaced, and the one that is made in its place."""

    baseline: Baseline | None = None  # what the new cluster is like, unless settings say otherwise
    old: OldTarget | None = None
    leftover: OldTarget | None = None  # under the new cluster's name, of an operation that stopped
    deletion: Deletion | None = None  # None in records of before it was noted
    absent_since: Timestamp | None = None  # of a previous target that is not found
    room_of: str | None = None  # the older previous target that is deleted, as its name is needed
    kept_since: Timestamp | None = None  # since when AWS shows what keeps a previous target
    engine_version: str | None = None  # that the new cluster gets; None: the snapshot's
    made_as: str | None = None  # the new cluster's name before it is the target's
    cluster_id: str | None = None  # its name at present; None in records of before there were two
    cluster_arn: str | None = None
    cluster_resource_id: str | None = None
    endpoint: str | None = None
    reader_endpoint: str | None = None
    port: int | None = None
    instances: tuple[str, ...] = ()  # that this operation created: the writer first, then readers
    data_api: bool | None = None  # of a cluster that comes back: whether it had it at its name


@dataclass(frozen=True, kw_only=True)
class UserFacts:
    """Who can log in to the new cluster, and what in it was stopped."""

    master_password_checked: bool | None = None  # that it is not production's, before it is set
    master_asked_for_token: bool | None = None  # production's master user logs in by IAM only
    exposed_from: Timestamp | None = None  # see `chalicelib.flow.exposure`
    exposed_until: Timestamp | None = None
    production_logins_closed: bool | None = None  # None until a cluster was restored
    logins_closed: tuple[str, ...] = ()  # the first of them; noted before the first is closed
    logins_closed_count: int | None = None  # None in records of before it was counted
    logins_closed_earlier: int = 0  # of that count: by the operations that this one goes on from
    logins_kept: tuple[str, ...] = ()  # of production, by KEEP_LOGIN_ROLES
    other_logins_closed: tuple[str, ...] = ()  # on a cluster that was kept: opened since then
    other_logins_closed_count: int = 0  # `other_logins_closed` names the first of them
    quieted: dict[str, int] = field(default_factory=dict)  # by kind of `quiesce_kinds`, as found

    @property
    def logins_closed_in_all(self) -> int:
        """How many logins of production were closed, of which `logins_closed` names the first."""
        return max(self.logins_closed_count or 0, len(self.logins_closed))

    def closed_earlier(self) -> "UserFacts":
        """Note for an operation that goes on from here which logins were closed before it."""
        count = self.logins_closed_in_all if self.production_logins_closed else 0
        return replace(self, logins_closed_earlier=count)

    @property
    def others_closed(self) -> str:
        """Name the logins that were closed and are not production's; empty where there are none."""
        names, count = self.other_logins_closed, self.other_logins_closed_count
        return f"other logins closed: {listed(names, count)}" if names else ""


class Restart(StrEnum):
    """How far the restart of the new cluster has come; each is noted before what it names."""

    STOPPING = "stopping"
    STARTING = "starting"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class SwapFacts:
    """How the new cluster took the target's name, or got its pointers."""

    restart: Restart | None = None  # so that its certificate has the name
    record_change: str | None = None  # Route 53's id of the last change of the record
    record_host: str | None = None  # the host that it made the record name; "" for none
    record_ttl: int | None = None  # seconds for which name servers may give the host before it
    announced_at: Timestamp | None = None  # to people: the replacement of the target
    # Custom ones that the target is to have and has not, with the new members; None: not known yet.
    # Of a retirement: those that the previous target had.
    endpoints: tuple[EndpointBaseline, ...] | None = None
    endpoints_gone: tuple[str, ...] = ()  # of those, what exists nowhere; noted before a deletion
    rebooted: tuple[str, ...] = ()  # instances, before people get them; noted before each reboot
    reboot_asked_at: Timestamp | None = None  # of the last of them
    named_back: bool = False  # that the old cluster is renamed to its own name; noted before that

    @property
    def missing_endpoints(self) -> tuple[EndpointBaseline, ...]:
        """The custom endpoints that exist nowhere."""
        return tuple(
            found for found in self.endpoints or () if found.identifier in self.endpoints_gone
        )

    def with_missing(self, missing: tuple[EndpointBaseline, ...]) -> "SwapFacts":
        """Add the custom endpoints that exist nowhere by now, as the target's item knows them.

        Another operation may have settled endpoints since these facts were noted.
        """
        if self.endpoints is None:
            return self
        gone = {found.identifier for found in missing}
        left = (found for found in self.endpoints if found.identifier not in gone)
        return replace(self, endpoints=(*left, *missing), endpoints_gone=tuple(sorted(gone)))


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """What this run has tried; a rerun begins without it."""

    copy_failures: int = 0
    copy_retry_until: Timestamp | None = None  # the first copy's deadline, also for those after it
    password_set_at: Timestamp | None = None  # the last time
    passwords_set: int = 0


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All facts of an operation; each is written by one step and read by later ones."""

    snapshot: SnapshotFacts = SnapshotFacts()
    copies: CopyFacts = CopyFacts()
    target: TargetFacts = TargetFacts()
    users: UserFacts = field(default_factory=UserFacts)
    swap: SwapFacts = SwapFacts()
    attempts: AttemptFacts = AttemptFacts()

    @classmethod
    def of_item(cls, item: Any) -> "Facts":
        """Read the facts of a record, or of a row of the trail; raises pydantic.ValidationError."""
        return _adapter().validate_python(present_facts({} if item is None else item))

    def without(self, phases: frozenset[Phase]) -> "Facts":
        """Forget the facts of phases, and what was tried.

        The snapshot's ARN always stays, because it is what was requested, and what the old target
        was like, because it may be gone. Facts about users are forgotten together with their
        cluster: for a cluster that stays, the logins that were closed have to be remembered.
        """
        known = Facts(
            snapshot=SnapshotFacts(arn=self.snapshot.arn),
            target=TargetFacts(baseline=self.target.baseline),
        )
        if Phase.SNAPSHOT not in phases:
            known = replace(known, snapshot=self.snapshot)
        if Phase.COPIES not in phases:
            known = replace(known, copies=self.copies)
        if Phase.TARGET not in phases:
            known = replace(known, target=self.target, users=self.users.closed_earlier())
        return known


@cache
def _adapter() -> TypeAdapter[Facts]:
    return TypeAdapter(Facts)
