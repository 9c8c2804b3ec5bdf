"""The record of one restore as a value, and the names that follow from it. Nothing has effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chalicelib.flow import identifiers, older_records
from chalicelib.flow.choreography import CANCELLABLE, ROWS, TERMINAL, State
from chalicelib.flow.errors import Retry, UnreadableRecordError
from chalicelib.flow.facts import Facts, OldTarget
from chalicelib.flow.plan import Plan
from chalicelib.flow.target_spec import TargetSpec, instance_count, resolve
from chalicelib.flow.text_limits import listed
from chalicelib.flow.timestamps import Timestamp

_STORED_AS = {"plan_name": "plan", "plan": "settings"}  # `plan` is the key of the index by-plan


class Kind(StrEnum):
    """What an operation is about."""

    RESTORE = "restore"
    ROLLBACK = "rollback"  # the previous target gets its name back
    RETIRE = "retire"  # the previous target is deleted when its time is over; it holds no lock


@dataclass(frozen=True, kw_only=True)
class Duration:
    """How long one state lasted, and how much of it was our own time.

    The rest was Aurora's, or passed because somebody asked to wait for it.
    """

    step: str
    state: State
    to: State
    started_at: Timestamp
    seconds: float
    own_seconds: float


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The record of one operation. Every change makes a new value, by `dataclasses.replace`.

    `version` counts the changes of state. `outdated` is no part of the record: it names attributes
    of an older version that the record was read with.
    """

    operation_id: str
    stage: str
    region: str | None = None  # the app's own, where its bus is
    plan_name: str
    plan: Plan
    state: State
    version: int = 1
    created_at: Timestamp
    entered_at: Timestamp
    due_at: Timestamp | None = None
    deadline: Timestamp
    ended_at: Timestamp | None = None
    open: str | None = None  # "yes" until the end was announced: the key of the index of open ones
    attempts: int = 0
    announcements: int = 0  # by the heartbeat, since a step last answered
    unexpected_errors: int = 0  # in this state
    transient_errors: int = 0  # in a row
    state_fault_since: Timestamp | None = None  # the first of the refusals in a row for a state
    lease_owner: str | None = None
    lease_until: Timestamp | None = None
    written_by: str | None = None  # the last owner, to know one's own write after a lost reply
    cancel_requested: bool | None = None
    cancel_reason: str | None = None
    cancelled_by_event: str | None = None  # the id of the event that asked: it may come again
    kind: Kind = Kind.RESTORE
    rolls_back: str | None = None  # the operation whose target is replaced by its previous one
    rerun_of: str | None = None
    root_id: str
    requested_by: str
    requested_by_event: str | None = None  # the id of the event that asked: it may come again
    request_reason: str | None = None
    automatic: bool = True
    keeps_cluster: bool | None = None  # it repeats a step on the cluster of an earlier success
    may_be_older: bool | None = None  # than the target's data, because a person requested that
    facts: Facts = field(default_factory=Facts)
    reason: str | None = None
    remedy: str | None = None
    problems: tuple[str, ...] = ()  # where there are several, each a sentence with its remedy
    failed_step: str | None = None
    rerun_from: str | None = None  # the step that a rerun begins at, if not the one that failed
    retry: Retry | None = None  # what to start after the remedy; None, as in older records: a rerun
    stopped_at: State | None = None  # where it failed or was cancelled: a rerun continues there
    skipped_because_locked: bool | None = None
    warnings: tuple[str, ...] = ()
    durations: tuple[Duration, ...] = ()
    expected_durations: dict[str, float] = field(default_factory=dict)  # seconds of each state
    active_seconds: float = 0  # of invocations within the present state
    waiting_for: str | None = None  # why the present state still lasts, as a sentence
    notified: bool | None = None
    outdated: tuple[str, ...] = ()

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Operation":
        """Read an item of the state table; raises UnreadableRecordError.

        Attributes of a newer version are ignored, and those that an older one lacks get their
        defaults.
        """
        try:
            known = older_records.present_form(item)
            names = {stored: name for name, stored in _STORED_AS.items()}
            present = {names.get(name, name): value for name, value in known.items()}
            operation = _ADAPTER.validate_python(present)
        except ValidationError as error:
            raise UnreadableRecordError(
                f"The record {item.get('operation_id')!r} cannot be read: {error.error_count()} of "
                "its attributes are not what this version expects "
                f"({listed(_places(error))}).",
                "Repair them, or remove the item: the target's lock is then free for the next "
                "operation.",
            ) from error
        return replace(operation, outdated=older_records.outdated(item))

    def to_item(self) -> dict[str, Any]:
        """Write the record as a DynamoDB item.

        Attributes that are None are left out, so that conditions can test for absence.
        """
        known = _ADAPTER.dump_python(self, mode="json", exclude_none=True)
        del known["outdated"]
        return {_STORED_AS.get(name, name): value for name, value in known.items()}

    def enter(self, state: State, now: datetime, facts: Facts) -> "Operation":
        """Make the record of the next state, with fresh deadline, attempts and due time."""
        row = ROWS[self.state]
        spent = (now - self.entered_at).total_seconds()
        waits = row.aurora_work or row.keeps_waiting
        own = min(spent, self.active_seconds) if waits else spent - self._noticed(facts, now)
        lasted = Duration(
            step=row.step or "",
            state=self.state,
            to=state,
            started_at=self.entered_at,
            seconds=round(spent, 3),
            own_seconds=round(own, 3),
        )
        return replace(
            self,
            state=state,
            version=self.version + 1,
            entered_at=now,
            facts=facts,
            deadline=now + timedelta(seconds=self.plan.seconds(ROWS[state].deadline)),
            ended_at=now if state in TERMINAL else None,
            attempts=0,
            announcements=0,
            unexpected_errors=0,
            transient_errors=0,
            state_fault_since=None,
            lease_owner=None,
            lease_until=None,
            cancel_requested=None,
            active_seconds=0,
            waiting_for=None,
            durations=(*self.durations, lasted),
        )

    def _noticed(self, facts: Facts, now: datetime) -> float:
        """Give the seconds of this state that passed between an announcement and its time."""
        announced_at = facts.swap.announced_at
        if announced_at is None:
            return 0
        announced_for = announced_at + timedelta(minutes=self.plan.schedule.notice_minutes)
        waited = min(announced_for, now) - max(announced_at, self.entered_at)
        return max(0, waited.total_seconds())

    @property
    def cancellable(self) -> bool:
        """Tell whether the operation can still be cancelled."""
        return self.state in CANCELLABLE

    @property
    def new_cluster_id(self) -> str:
        """The name of the new cluster, as far as this operation knows."""
        return self.facts.target.cluster_id or self.plan.target.cluster_id

    @property
    def engine_version(self) -> str:
        """The version that the new cluster is restored with."""
        return self.facts.target.engine_version or self.facts.snapshot.engine_version or ""

    @property
    def doomed(self) -> OldTarget | None:
        """The cluster that this operation deletes; nothing else is ever deleted."""
        target = self.facts.target
        if self.kind is Kind.RETIRE or not self.plan.target.keeps_old:
            return target.old
        return target.leftover

    @property
    def opened(self) -> bool:
        """Tell whether people got the new cluster as their target, however the operation ended."""
        return any(left.state is State.TARGET_OPEN for left in self.durations)

    @property
    def keeps_previous(self) -> bool:
        """Tell whether the old target is kept when the new one opens."""
        has_old = self.facts.target.old is not None and not self.keeps_cluster
        return has_old and self.plan.target.keeps_old

    @property
    def undoing(self) -> str:
        """What sentences call the way back, when the operation stops while clusters are moved."""
        return "undoing that" if self.kind is Kind.ROLLBACK else "the rollback"

    @property
    def previous_id(self) -> str:
        """The name of the cluster that was the target before, as far as this operation knows."""
        target, plan = self.facts.target, self.plan.target
        if plan.points and target.old:
            return target.old.name
        if target.made_as == plan.previous_id:  # a rollback exchanges the two
            return plan.next_id_beside(None)
        return plan.previous_id

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The names of the new cluster's instances, the same for a whole chain of reruns."""
        count = instance_count(self.plan.target, self.facts.target.baseline)
        return self.plan.target.instance_ids(self.root_id, count)

    @property
    def target_spec(self) -> TargetSpec:
        """What the new cluster is like; raises RefusedError where a setting is needed."""
        return resolve(self.plan.target, self.facts.target.baseline, self.instance_ids)

    @property
    def name_of_final_snapshot(self) -> str:
        """The identifier of the old target's final snapshot, this operation's own."""
        return identifiers.final_snapshot_name(self.stage, self.operation_id)

    @property
    def name_of_copy(self) -> str:
        """The identifier of the snapshot copy that is restored."""
        if hops := self.facts.copies.hops:
            return hops[-1].identifier
        return self.copy_name(self.facts.copies.key_arn)

    def copy_name(self, key_arn: str | None) -> str:
        """Name the copy of its snapshot under a key."""
        snapshot = self.facts.snapshot
        return identifiers.copy_name(
            self.stage,
            self.root_id,
            snapshot_arn=snapshot.arn or "",
            created_at=snapshot.created_at,
            key_arn=key_arn,
        )

    def is_name_of_copy(self, identifier: str) -> bool:
        """Tell whether a run of this chain of reruns may give its copy this name."""
        return identifiers.is_name_of_copy(identifier, self.stage, self.root_id)


# Built when the module is imported: Lambda's start has a whole processor, and an invocation of a
# small function a fraction of one.
_ADAPTER = TypeAdapter(Operation)


def _places(error: ValidationError) -> list[str]:
    return [".".join(str(part) for part in problem["loc"]) for problem in error.errors()]
