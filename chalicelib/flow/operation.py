"""One restore, as a value: its record, its facts, and its names. Nothing here has effects."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chalicelib.flow.choreography import ENDING, ROWS, TERMINAL, State
from chalicelib.flow.errors import Retry, UnreadableRecordError
from chalicelib.flow.identifiers import _digest, resource_name
from chalicelib.flow.limits import listed
from chalicelib.flow.moments import Moment, stamp
from chalicelib.flow.plan import Plan

_COPY_DIGITS = 6  # of the digest that a copy's name ends with
_FROZEN = ConfigDict(
    frozen=True, extra="ignore"
)  # a record of a newer or older version still reads


class Hop(BaseModel):
    """One copy on the way to the target: where it is made, under which name and key."""

    model_config = _FROZEN

    region: str
    identifier: str
    kms_key_id: str | None = None
    arn: str | None = None


class Deletion(StrEnum):
    """How far the deletion of the old target has come, as far as this operation knows."""

    DECIDED = "decided"
    ASKED = "asked"  # for its instances; noted before the first call
    ACCEPTED = "accepted"  # for the cluster itself


class Victim(BaseModel):
    """The old target, as it was when its deletion was decided.

    Nothing else is ever deleted in its place.
    """

    model_config = _FROZEN

    resource_id: str
    arn: str
    members: tuple[str, ...] = ()  # readers first, the writer last: the order of deletion
    final_snapshot_id: str | None = None
    protected: bool | None = None  # None in records of before it was noted


class Facts(BaseModel):
    """What the steps found out or made.

    Each fact is written once by one step and read by later ones.
    """

    model_config = _FROZEN

    snapshot_arn: str | None = None
    snapshot_created_at: Moment | None = None
    snapshot_type: str | None = None
    snapshot_engine_version: str | None = None
    snapshot_encrypted: bool | None = None
    snapshot_kms_key_id: str | None = None
    source_resource_id: str | None = None
    kms_key_arn: str | None = (
        None  # what KMS_KEY_ID was when the copies were planned; None without one
    )
    master_username: str | None = None
    hops: tuple[Hop, ...] = ()
    hop: int = 0  # the hop that is being made, counted from 0
    copy_progress: int | None = None  # per cent
    copy_queued_until: Moment | None = None  # when the copy was last seen without any
    copy_failures: int = 0
    copy_retry_until: Moment | None = (
        None  # the first copy's deadline holds for those that follow a failed one
    )
    copy_arn: str | None = (
        None  # what will be restored; the source's own snapshot where no copy is needed
    )
    victim: Victim | None = None
    deletion: Deletion | None = None  # None in records of before it was noted
    cluster_arn: str | None = None
    cluster_resource_id: str | None = None
    endpoint: str | None = None
    reader_endpoint: str | None = None
    port: int | None = None
    instances: tuple[
        str, ...
    ] = ()  # that this operation asked for; the writer first, and the readers later
    master_password_checked: bool | None = None  # not production's own: told before it was set here
    master_asked_for_token: bool | None = (
        None  # production's master user logs in by IAM, which refuses passwords
    )
    password_set_at: Moment | None = None  # the last time
    passwords_set: int = 0
    exposed_from: Moment | None = (
        None  # see `chalicelib.flow.exposure`; None in records of before it was noted
    )
    exposed_until: Moment | None = None
    production_logins_closed: bool | None = None  # None until a cluster was restored
    logins_closed: tuple[str, ...] = ()  # the first of them; noted before the first is closed
    logins_closed_count: int | None = None  # None in records of before it was counted
    logins_kept: tuple[str, ...] = ()  # of production, by KEEP_LOGIN_ROLES
    other_logins_closed: tuple[
        str, ...
    ] = ()  # on a cluster that was kept: opened since its restore
    other_logins_closed_count: int = 0  # `other_logins_closed` names the first of them
    quieted: dict[str, int] = Field(
        default_factory=dict
    )  # by kind of `quiesce`, as found before it was stopped
    archived: bool | None = None

    @property
    def logins_closed_in_all(self) -> int:
        """How many logins of production were closed, of which `logins_closed` names the first."""
        return max(self.logins_closed_count or 0, len(self.logins_closed))

    @property
    def others_closed(self) -> str:
        """Name the logins that were closed and are not production's; empty where there are none."""
        names, count = self.other_logins_closed, self.other_logins_closed_count
        return f"other logins closed: {listed(names, count)}" if names else ""

    @property
    def key_arn(self) -> str | None:
        """The key of the copy and of the new cluster.

        Records of earlier versions have it in their hops only.
        """
        return self.kms_key_arn or (self.hops[-1].kms_key_id if self.hops else None)


class Duration(BaseModel):
    """How long one state lasted, and how much of it was our own time rather than Aurora's."""

    model_config = _FROZEN

    step: str
    state: State
    to: State
    started_at: Moment
    seconds: float
    own_seconds: float


class Operation(BaseModel):
    """The record of one restore. Every change makes a new value.

    `version` counts the changes of state.
    """

    model_config = _FROZEN

    operation_id: str
    stage: str
    region: str | None = None  # the app's own, where its bus is
    plan: str
    settings: Plan
    state: State
    version: int = 1
    created_at: Moment
    entered_at: Moment
    due_at: Moment | None = None
    deadline: Moment
    ended_at: Moment | None = None
    open: str | None = (
        None  # "yes": the key of the index of open operations; gone when the end was announced
    )
    attempts: int = 0
    announcements: int = 0  # by the heartbeat, since a step last answered
    bugs: int = 0
    troubles: int = 0  # transient errors in a row
    state_fault_since: Moment | None = (
        None  # the first of the refusals in a row for a resource's state
    )
    lease_owner: str | None = None
    lease_until: Moment | None = None
    written_by: str | None = (
        None  # the owner of the last change, to know one's own write after a lost reply
    )
    cancel_requested: bool | None = None
    cancel_reason: str | None = None
    cancelled_by_event: str | None = (
        None  # the id of the event that asked for it: it may come again
    )
    rerun_of: str | None = None
    root_id: str
    requested_by: str
    requested_by_event: str | None = (
        None  # the id of the event that asked for it: it may come again
    )
    request_reason: str | None = None
    by_itself: bool = True
    keeps_cluster: bool | None = None  # it does a step again on the cluster of an earlier success
    may_be_older: bool | None = None  # than what the target holds: a person asked for that
    facts: Facts = Facts()
    reason: str | None = None
    remedy: str | None = None
    problems: tuple[str, ...] = ()  # where there are several, each a sentence with its remedy
    failed_step: str | None = None
    rerun_from: str | None = (
        None  # the step that a rerun has to begin at, where it is not the one that failed
    )
    retry: Retry | None = None  # what to start after the remedy; None, as in older records: a rerun
    stopped_in: State | None = (
        None  # where a failed or cancelled operation stood: a rerun continues there
    )
    skipped_busy: bool | None = None
    warnings: tuple[str, ...] = ()
    durations: tuple[Duration, ...] = ()
    lasted_before: dict[
        str, float
    ] = {}  # seconds that each state may be thought to take, by the target's successes
    worked_seconds: float = 0  # by invocations within the present state
    waiting_for: str | None = None  # why the present state still lasts, as a sentence
    notified: bool | None = None

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Read an item of the state table; raises UnreadableRecordError."""
        try:
            return cls.model_validate(item)
        except ValidationError as error:
            raise UnreadableRecordError(
                f"The record {item.get('operation_id')!r} cannot be read: {error.error_count()} of "
                f"its attributes are not what this version expects ({listed(_places(error))}).",
                "Repair them, or remove the item: the target's lock is then free for the next "
                "operation.",
            ) from error

    def to_item(self) -> dict[str, Any]:
        """Write the record as a DynamoDB item.

        What is None is left out, so that conditions may ask for absence.
        """
        item: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return item

    def evolve(self, **changes: Any) -> Self:
        """Make the record with these attributes changed."""
        return self.model_copy(update=changes)

    def entering(self, state: State, now: datetime, facts: Facts) -> Self:
        """Make the record of the next state, with fresh deadline, attempts and due time."""
        row = ROWS[self.state]
        spent = (now - self.entered_at).total_seconds()
        own = min(spent, self.worked_seconds) if row.awaits else spent
        lasted = Duration(
            step=row.step or "",
            state=self.state,
            to=state,
            started_at=self.entered_at,
            seconds=round(spent, 3),
            own_seconds=round(own, 3),
        )
        ended = state in TERMINAL
        return self.evolve(
            state=state,
            version=self.version + 1,
            entered_at=now,
            facts=facts,
            deadline=now + timedelta(seconds=self.settings.seconds(ROWS[state].deadline)),
            ended_at=now if ended else None,
            attempts=0,
            announcements=0,
            bugs=0,
            troubles=0,
            state_fault_since=None,
            lease_owner=None,
            lease_until=None,
            cancel_requested=None,
            worked_seconds=0,
            waiting_for=None,
            durations=(*self.durations, lasted),
        )

    @property
    def cancellable(self) -> bool:
        """Tell whether a cancel still finds something to stop."""
        return self.state not in ENDING | TERMINAL

    @property
    def name_of_final_snapshot(self) -> str:
        """The identifier of the old target's final snapshot, this operation's own."""
        return f"{resource_name(self.stage, self.operation_id)}-final"

    @property
    def name_of_copy(self) -> str:
        """The identifier of the snapshot copy that is restored."""
        return (
            self.facts.hops[-1].identifier
            if self.facts.hops
            else self.copy_name(self.facts.key_arn)
        )

    def copy_name(self, key_arn: str | None) -> str:
        """Name a snapshot copy: the same for a whole chain of reruns, so that a rerun adopts it.

        A snapshot that was deleted and taken anew under its name is another one, whose copy has
        another name; so has a copy under another key.
        """
        made = self.facts.snapshot_created_at
        key = (key_arn,) if key_arn else ()
        which = _digest(self.facts.snapshot_arn or "", stamp(made) if made else "", *key)
        return f"{resource_name(self.stage, self.root_id)}-{which[:_COPY_DIGITS]}"

    def is_name_of_copy(self, identifier: str) -> bool:
        """Tell whether a run of this chain of reruns gives such a name to a copy."""
        root = re.escape(resource_name(self.stage, self.root_id))
        return re.fullmatch(rf"{root}-[0-9a-f]{{{_COPY_DIGITS}}}", identifier) is not None


def _places(error: ValidationError) -> list[str]:
    return [".".join(str(part) for part in problem["loc"]) for problem in error.errors()]
