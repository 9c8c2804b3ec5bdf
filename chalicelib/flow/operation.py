"""The record of one restore as a value, and the names that follow from it. Nothing has effects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chalicelib.flow import older_records
from chalicelib.flow.choreography import ENDING, ROWS, TERMINAL, State
from chalicelib.flow.errors import Retry, UnreadableRecordError
from chalicelib.flow.facts import Facts
from chalicelib.flow.identifiers import _digest, resource_name
from chalicelib.flow.limits import listed
from chalicelib.flow.plan import Plan
from chalicelib.flow.timestamps import Timestamp, iso_timestamp

_STORED_AS = {"plan_name": "plan", "plan": "settings"}  # `plan` is the key of the index by-plan
_COPY_DIGITS = 6  # of the digest that a copy's name ends with


@dataclass(frozen=True, kw_only=True)
class Duration:
    """How long one state lasted, and how much of it was our own time rather than Aurora's."""

    step: str
    state: State
    to: State
    started_at: Timestamp
    seconds: float
    own_seconds: float


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The record of one restore. Every change makes a new value, by `dataclasses.replace`.

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
        own = min(spent, self.active_seconds) if row.aurora_work else spent
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

    @property
    def cancellable(self) -> bool:
        """Tell whether the operation can still be cancelled."""
        return self.state not in ENDING | TERMINAL

    @property
    def name_of_final_snapshot(self) -> str:
        """The identifier of the old target's final snapshot, this operation's own."""
        return f"{resource_name(self.stage, self.operation_id)}-final"

    @property
    def name_of_copy(self) -> str:
        """The identifier of the snapshot copy that is restored."""
        if hops := self.facts.copies.hops:
            return hops[-1].identifier
        return self.copy_name(self.facts.copies.key_arn)

    def copy_name(self, key_arn: str | None) -> str:
        """Name a snapshot copy: the same for a whole chain of reruns, so that a rerun adopts it.

        A copy under another key has another name. So has the copy of a snapshot that was deleted
        and taken again under the same name.
        """
        snapshot = self.facts.snapshot
        created_at = iso_timestamp(snapshot.created_at) if snapshot.created_at else ""
        key = (key_arn,) if key_arn else ()
        digest = _digest(snapshot.arn or "", created_at, *key)
        return f"{resource_name(self.stage, self.root_id)}-{digest[:_COPY_DIGITS]}"

    def is_name_of_copy(self, identifier: str) -> bool:
        """Tell whether a run of this chain of reruns may give its copy this name."""
        root = re.escape(resource_name(self.stage, self.root_id))
        return re.fullmatch(rf"{root}-[0-9a-f]{{{_COPY_DIGITS}}}", identifier) is not None


# Built when the module is imported: Lambda's start has a whole processor, and an invocation of a
# small function a fraction of one.
_ADAPTER = TypeAdapter(Operation)


def _places(error: ValidationError) -> list[str]:
    return [".".join(str(part) for part in problem["loc"]) for problem in error.errors()]
