"""The operation records: every read and every conditional write that the choreography rests on, one method each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from chalicelib.flow.choreography import ENDING, TERMINAL, State
from chalicelib.flow.errors import TransientError
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.audit import audit_row, intent_row, name_rows
from chalicelib.records.store import Change, ConditionError, Item, Store, When
from chalicelib.records.targets import (
    TargetRecord,
    read_expected_durations,
    read_target,
    secured_change,
    target_changes,
    target_key,
)

TRIAL_KEY = "trial#"  # before a plan's name, in the state table
NOT_CANCELLED = When("cancel_requested", "absent")


class WriteResult(Enum):
    """What became of a write: done, stopped by a cancel request, overtaken by another write, or without the lock."""

    DONE = "done"
    CANCEL_REQUESTED = "cancel requested"
    CONFLICT = "overtaken"
    LOCK_LOST = "target lost"


@dataclass(frozen=True)
class Claim:
    """The answer to a claim: the record, and whether it is ours to act on."""

    operation: Operation | None
    held: bool
    reason: str = ""
    busy: bool = False  # somebody else's lease is live


class Operations:
    """The records of one stage."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, operation_id: str) -> Operation | None:
        """Read one record; raises UnreadableRecordError."""
        item = self.store.get(operation_id)
        return Operation.from_item(item) if item else None

    def create(self, operation: Operation, *, what: str) -> WriteResult:
        """Write a new record, its first audit row and, unless it only says why it was skipped, the target's lock.

        OVERTAKEN: the record exists already, or (when it does not) somebody else holds the target.
        """
        item = operation.to_item()
        record = Change(
            item.pop("operation_id"), assign=item, when=(When("operation_id", "absent"),)
        )
        changes = [record, audit_row(None, operation, step="snapshot-check", what=what)]
        if operation.state is not State.SKIPPING:
            arn = operation.plan.target_cluster_arn
            lock = {
                "holder": operation.operation_id,
                "members": list(operation.plan.target.instance_ids),
            }
            changes.append(Change(target_key(arn), assign=lock, when=(When("holder", "absent"),)))
        try:
            self.store.change_all(*changes)
        except ConditionError:
            return WriteResult.CONFLICT
        return WriteResult.DONE

    def claim(
        self,
        operation_id: str,
        states: tuple[State, ...],
        *,
        owner: str,
        now: datetime,
        until: datetime,
    ) -> Claim:
        """Take the lease, count the attempt and have the heartbeat look when the lease has run out, in one write.

        botocore repeats a call whose reply was lost and is then told that the condition failed: the
        owner that stands there decides whether the claim is ours.
        """
        wanted = When("state", "in", tuple(state.value for state in states))
        free = When("lease_until", "free_by", iso_timestamp(now))
        lease = {
            "lease_owner": owner,
            "lease_until": iso_timestamp(until),
            "due_at": iso_timestamp(until),
        }
        try:
            item = self.store.change(
                Change(
                    operation_id,
                    assign=lease,
                    add={"attempts": 1},
                    when=(wanted, free, NOT_CANCELLED),
                )
            )
        except ConditionError as error:
            return _judge_claim(error.items[0], operation_id, states, owner, now)
        return Claim(Operation.from_item(item), held=True)

    def advance(
        self, before: Operation, after: Operation, *, step: str, what: str, owner: str
    ) -> WriteResult:
        """Write the next state with its audit row, and release the target's lock when it is an end.

        The lease's holder writes if nobody asked to cancel; without a lease (heartbeat, cancelling)
        the version alone decides.
        """
        conditions = [When("version", "is", before.version)]
        if before.lease_owner == owner:
            conditions.append(When("lease_owner", "is", owner))
        else:
            conditions.append(When("lease_until", "free_by", iso_timestamp(after.entered_at)))
        if before.cancellable and after.state is not State.CANCELLING:
            conditions.append(NOT_CANCELLED)
        after = replace(after, written_by=owner)
        assign, remove = _difference(before, after, extra=("cancel_requested", "lease_until"))
        assign["facts"] = after.to_item()["facts"]  # `before` may know some that are not written
        record = Change(before.operation_id, assign=assign, remove=remove, when=tuple(conditions))
        changes = [
            record,
            audit_row(before, after, step=step, what=what),
            *target_changes(before, after),
        ]
        return self._write_state(changes, owner, ends=after.state in TERMINAL)

    def _write_state(self, changes: list[Change], owner: str, *, ends: bool) -> WriteResult:
        try:
            self.store.change_all(*changes)
        except ConditionError as error:
            if not error.failed[0] and ends:  # a lock that is not ours any more never blocks an end
                return self._write_state(changes[:2], owner, ends=ends)
            if not error.failed[0]:
                return WriteResult.LOCK_LOST
            stood = self.store.get(changes[0].key) or {}
            if stood.get("written_by") == owner and stood.get("version") == changes[0].assign.get(
                "version"
            ):
                return WriteResult.DONE  # our own write, whose reply was lost
            return _conflict_or_cancelled(stood, owner)
        return WriteResult.DONE

    def save_wait(self, before: Operation, after: Operation, *, owner: str) -> WriteResult:
        """Write a wait: what is known so far, when to look again, and the lease given back."""
        assign, remove = _difference(before, after)
        mine = When("lease_owner", "is", owner)
        try:
            self.store.change(
                Change(
                    before.operation_id, assign=assign, remove=remove, when=(mine, NOT_CANCELLED)
                )
            )
        except ConditionError as error:
            return _conflict_or_cancelled(error.items[0] or {}, owner)
        return WriteResult.DONE

    def save_facts(self, operation: Operation, facts: Facts) -> Operation:
        """Write facts in the middle of a step, before an effect that they announce.

        Raises TransientError.

        Only the lease's holder may: whoever lost it must not have the effect either.
        """
        after = replace(operation, facts=facts)
        mine = (When("lease_owner", "is", operation.lease_owner),)
        assign, remove = _difference(operation, after)
        assign["facts"] = after.to_item()["facts"]
        try:
            self.store.change(
                Change(operation.operation_id, assign=assign, remove=remove, when=mine)
            )
        except ConditionError:
            raise TransientError(
                f"The lease on {operation.operation_id} was lost in the middle of a step."
            ) from None
        return after

    def audit_intent(self, operation: Operation, *, step: str, what: str, now: datetime) -> None:
        """Write the audit row of a destructive act before it is done: one for each visit of a state."""
        self.store.change(intent_row(operation, step=step, what=what, now=now))

    def note_names(
        self, operation: Operation, names: Sequence[str], *, step: str, now: datetime
    ) -> None:
        """Write to the trail all names of those whose logins are about to be closed, of which the record has few."""
        for row in name_rows(operation, names, step=step, now=now):
            self.store.change(row)

    def request_cancel(
        self, operation_id: str, *, reason: str | None, now: datetime, event_id: str = ""
    ) -> Operation | None:
        """Flag an open record without lease or version.

        None when there is nothing left to cancel.
        """
        states = tuple(state.value for state in State if state not in ENDING | TERMINAL)
        told = {"cancel_reason": reason, "cancelled_by_event": event_id}
        flag: Item = {"cancel_requested": True, "due_at": iso_timestamp(now)}
        flag |= {name: text for name, text in told.items() if text}
        try:
            item = self.store.change(
                Change(operation_id, assign=flag, when=(When("state", "in", states),))
            )
        except ConditionError:
            return None
        return Operation.from_item(item)

    def due(self, until: datetime) -> Iterator[Item]:
        """Read what falls due by then, oldest first, as items: one that cannot be read must not stop the others."""
        return self.store.query("open-by-due", "yes", up_to=iso_timestamp(until))

    def reschedule(self, operation: Operation, *, due_at: datetime) -> bool:
        """Push the due time and count the announcement.

        False when another heartbeat or a step was there first.
        """
        unchanged = (
            When("due_at", "is", iso_timestamp(operation.due_at))
            if operation.due_at
            else When("due_at", "absent"),
        )
        try:
            self.store.change(
                Change(
                    operation.operation_id,
                    assign={"due_at": iso_timestamp(due_at)},
                    add={"announcements": 1},
                    when=unchanged,
                )
            )
        except ConditionError:
            return False
        return True

    def mark_closed(self, operation: Operation) -> None:
        """Take an announced end out of the index of open operations."""
        ended = When("state", "in", tuple(state.value for state in TERMINAL))
        self.store.change(Change(operation.operation_id, remove=("open", "due_at"), when=(ended,)))

    def target(self, arn: str) -> TargetRecord:
        """Read the permanent item of a target cluster; one never seen is empty."""
        item = self.store.get(target_key(arn)) or {}
        return read_target(arn, item)

    def unsecured_cluster_id(self, arn: str) -> str | None:
        """Name the cluster that production's logins open, by its resource id, whatever else the item is like."""
        found = (self.store.get(target_key(arn)) or {}).get("logins_open_on")
        return str(found) if found else None

    def expected_durations(self, arn: str) -> Mapping[str, float]:
        """Read how long each state may be thought to take, in seconds, whatever else the target's item is like."""
        return read_expected_durations(self.store.get(target_key(arn)) or {})

    def enable_catch_up(self, arn: str, *, now: datetime) -> TargetRecord:
        """Note since when missed snapshots are caught up: never for what was before the first deployment."""
        try:
            item = self.store.change(
                Change(
                    target_key(arn),
                    assign={"armed_since": iso_timestamp(now)},
                    when=(When("armed_since", "absent"),),
                )
            )
        except ConditionError as error:
            item = error.items[0] or {}
        return read_target(arn, item)

    def release_stale_lock(self, arn: str) -> bool:
        """Take the lock from a holder whose record is gone or has ended.

        False while its holder may be alive.
        """
        holder = self.target(arn).locked_by
        if holder is None:
            return True
        stood = self.store.get(holder)
        if stood is not None and stood.get("state") not in {state.value for state in TERMINAL}:
            return False
        try:
            self.store.change(
                Change(target_key(arn), remove=("holder",), when=(When("holder", "is", holder),))
            )
        except ConditionError:
            return False
        return True

    def clear_unsecured(self, operation: Operation) -> None:
        """Note that the cluster which an operation made is not open to production's logins any more."""
        with suppress(ConditionError):  # no such note, or one about another cluster
            self.store.change(secured_change(operation))

    def note_trial(self, plan: str, found: Item) -> None:
        """Write what setup-db-users found when it was asked to try its network."""
        self.store.change(Change(f"{TRIAL_KEY}{plan}", assign=found))

    def trial(self, plan: str) -> Item:
        """Read what it found last; empty where it never tried."""
        return self.store.get(f"{TRIAL_KEY}{plan}") or {}

    def claim_catch_up(self, target: TargetRecord, *, now: datetime, next_look: datetime) -> bool:
        """Claim the look for missed snapshots, so that of two heartbeats at once one looks."""
        free = When("look_due_at", "free_by", iso_timestamp(now))
        try:
            self.store.change(
                Change(
                    target_key(target.arn),
                    assign={"look_due_at": iso_timestamp(next_look)},
                    when=(free,),
                )
            )
        except ConditionError:
            return False
        return True


def _judge_claim(
    stood: Item | None, operation_id: str, states: tuple[State, ...], owner: str, now: datetime
) -> Claim:
    if stood is None:
        return Claim(None, held=False, reason=f"there is no operation {operation_id}")
    operation = Operation.from_item(stood)
    if operation.lease_owner == owner:
        return Claim(operation, held=True)
    if operation.state not in states:
        return Claim(operation, held=False, reason=f"the operation is {operation.state} already")
    if operation.lease_until and operation.lease_until > now:
        return Claim(operation, held=False, reason="another invocation holds the lease", busy=True)
    return Claim(operation, held=False, reason="somebody asked to cancel it")


def _conflict_or_cancelled(stood: Item, owner: str) -> WriteResult:
    ours = stood.get("lease_owner") == owner
    return (
        WriteResult.CANCEL_REQUESTED
        if ours and stood.get("cancel_requested")
        else WriteResult.CONFLICT
    )


def _difference(
    before: Operation, after: Operation, extra: tuple[str, ...] = ()
) -> tuple[Item, tuple[str, ...]]:
    """Find what to assign and what to remove.

    `extra` names attributes that another writer may have added meanwhile. A record that was read in
    an older form is written whole: an older version that would read a part of it reads nothing.
    """
    stood, item = before.to_item(), after.to_item()
    assign = {key: value for key, value in item.items() if stood.get(key) != value}
    if before.outdated:
        assign = {key: value for key, value in item.items() if key != "operation_id"}
    gone = {*stood, *before.outdated, *extra} - {*item}
    return assign, tuple(sorted(gone))
