"""The operation records: a method for each read and each conditional write of the choreography."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from chalicelib.flow.choreography import CANCELLABLE, ROWS, TERMINAL, Phase, State
from chalicelib.flow.errors import TransientError, UnreadableRecordError
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.retirement import kept_until, retirement_of
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.audit import audit_row, intent_row, name_rows
from chalicelib.records.store import Change, ConditionError, Item, Store, When
from chalicelib.records.targets import (
    ClusterNote,
    TargetRecord,
    lock_change,
    noted_change,
    read_expected_durations,
    read_target,
    retirement_change,
    secured_change,
    target_changes,
    target_key,
)

TRIAL_KEY = "trial#"  # before a plan's name, in the state table
NOT_CANCELLED = When("cancel_requested", "absent")


class WriteResult(Enum):
    """The result of a conditional write; only DONE has written anything."""

    DONE = "done"
    CANCEL_REQUESTED = "cancel requested"
    CONFLICT = "overtaken"
    LOCK_LOST = "target lost"


@dataclass(frozen=True)
class Claim:
    """The result of a claim: the record, and whether this invocation holds the lease."""

    operation: Operation | None
    held: bool
    reason: str = ""
    busy: bool = False  # another invocation holds the lease


class Operations:
    """The records of one stage."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, operation_id: str) -> Operation | None:
        """Read one record; raises UnreadableRecordError."""
        item = self.store.get(operation_id)
        return Operation.from_item(item) if item else None

    def create(self, operation: Operation, *, what: str) -> WriteResult:
        """Write a new record, its first audit row, and the target's lock.

        An operation that is skipped takes no lock, and neither does the rerun of a retirement.
        CONFLICT: the record exists already, or (when it does not) another operation holds the
        target.
        """
        row = audit_row(None, operation, step="snapshot-check", what=what)
        changes = [_new_record(operation), row]
        if ROWS[operation.state].phase is Phase.RETIRE:
            changes += self._taking_over(operation)
        elif operation.state is not State.SKIPPING:
            changes.append(lock_change(operation))
        try:
            self.store.change_all(*changes)
        except ConditionError:
            return WriteResult.CONFLICT
        return WriteResult.DONE

    def _taking_over(self, rerun: Operation) -> list[Change]:
        """Let the rerun of a retirement decide about its cluster, unless a younger one does."""
        old = rerun.facts.target.old
        if old is None:
            return []
        noted = self.target(rerun.plan.target_cluster_arn).retirements.get(old.resource_id)
        decider = self.read(noted) if noted else None
        is_younger = noted is not None and (decider is None or decider.root_id != rerun.root_id)
        return [] if is_younger else [retirement_change(rerun, noted)]

    def claim(
        self,
        operation_id: str,
        states: tuple[State, ...],
        *,
        owner: str,
        now: datetime,
        until: datetime,
    ) -> Claim:
        """Take the lease, count the attempt, and set the due time to the lease's end, in one write.

        botocore repeats a call whose reply was lost, and the condition of the second call fails: so
        the owner in the stored record decides who holds the lease.
        """
        in_states = When("state", "in", tuple(state.value for state in states))
        free = When("lease_until", "free_by", iso_timestamp(now))
        end = iso_timestamp(until)
        lease = {"lease_owner": owner, "lease_until": end, "due_at": end}
        # The version before flagged operations in a state that can no longer be cancelled.
        unless = (NOT_CANCELLED,) if {*states} & {*CANCELLABLE} else ()
        conditions = (in_states, free, *unless)
        change = Change(operation_id, assign=lease, add={"attempts": 1}, when=conditions)
        try:
            item = self.store.change(change)
        except ConditionError as error:
            return _judge_claim(error.items[0], operation_id, states, owner, now)
        try:
            return Claim(Operation.from_item(item), held=True)
        except UnreadableRecordError:
            # A function of another version may be able to read it.
            self.give_back(operation_id, owner)
            raise

    def give_back(self, operation_id: str, owner: str, *, due_at: datetime | None = None) -> None:
        """Release a lease without a result, which is due again at a time.

        A write whose reply was lost has released it already, or fails from now on: it needs it.
        """
        mine = When("lease_owner", "is", owner)
        due: Item = {"due_at": iso_timestamp(due_at)} if due_at else {}
        change = Change(
            operation_id, assign=due, remove=("lease_owner", "lease_until"), when=(mine,)
        )
        with suppress(ConditionError):  # its time is over, and another one has it
            self.store.change(change)

    def advance(
        self, before: Operation, after: Operation, *, step: str, what: str, owner: str
    ) -> WriteResult:
        """Write the next state with its audit row, and release the target's lock when it is an end.

        The holder of the lease writes unless a cancellation was requested; without a lease
        (heartbeat, cancelling) the version alone decides.
        """
        conditions = [When("version", "is", before.version)]
        if before.lease_owner == owner:
            conditions.append(When("lease_owner", "is", owner))
        else:
            conditions.append(When("lease_until", "free_by", iso_timestamp(after.entered_at)))
        if before.cancellable and after.state is not ROWS[before.state].on_cancel:
            conditions.append(NOT_CANCELLED)
        after = replace(after, written_by=owner)
        assign, remove = _difference(
            before,
            after,
            always=("facts",),  # `before` may know some that are not written
            extra=("cancel_requested", "lease_until"),
        )
        record = Change(before.operation_id, assign=assign, remove=remove, when=tuple(conditions))
        row = audit_row(before, after, step=step, what=what)
        opens, key = after.state is State.TARGET_OPEN, target_key(after.plan.target_cluster_arn)
        item = self.store.get(key) if opens else None  # the lock keeps it as it is
        changes = [record, row, *target_changes(before, after, item or {}), *_begun(after)]
        return self._write_state(changes, owner, ends=after.state in TERMINAL)

    def _write_state(self, changes: list[Change], owner: str, *, ends: bool) -> WriteResult:
        try:
            self.store.change_all(*changes)
        except ConditionError as error:
            if not error.failed[0] and ends:  # a lost lock never blocks an end
                return self._write_state(changes[:2], owner, ends=ends)
            if not error.failed[0]:
                return WriteResult.LOCK_LOST
            stored = self.store.get(changes[0].key) or {}
            same_version = stored.get("version") == changes[0].assign.get("version")
            if stored.get("written_by") == owner and same_version:
                return WriteResult.DONE  # our own write, whose reply was lost
            return _conflict_or_cancelled(stored, owner)
        return WriteResult.DONE

    def save_wait(self, before: Operation, after: Operation, *, owner: str) -> WriteResult:
        """Write a wait: the facts so far, the due time, and the release of the lease."""
        assign, remove = _difference(before, after)
        when = (When("lease_owner", "is", owner), NOT_CANCELLED)
        try:
            self.store.change(Change(before.operation_id, assign=assign, remove=remove, when=when))
        except ConditionError as error:
            return _conflict_or_cancelled(error.items[0] or {}, owner)
        return WriteResult.DONE

    def save_facts(self, operation: Operation, facts: Facts) -> Operation:
        """Write facts in the middle of a step, before the effect that they announce.

        Raises TransientError for an invocation that lost the lease: it must not cause the effect
        either.
        """
        after = replace(operation, facts=facts)
        held = (When("lease_owner", "is", operation.lease_owner),)
        assign, remove = _difference(operation, after, always=("facts",))
        change = Change(operation.operation_id, assign=assign, remove=remove, when=held)
        try:
            self.store.change(change)
        except ConditionError:
            raise TransientError(
                f"The lease on {operation.operation_id} was lost in the middle of a step."
            ) from None
        return after

    def audit_intent(self, operation: Operation, *, step: str, what: str, now: datetime) -> None:
        """Write the audit row of a destructive act beforehand: one for each visit of a state."""
        self.store.change(intent_row(operation, step=step, what=what, now=now))

    def note_names(
        self, operation: Operation, names: Sequence[str], *, step: str, now: datetime
    ) -> None:
        """Write the names of all logins that are about to be closed to the audit trail.

        The record names only the first of them.
        """
        for row in name_rows(operation, names, step=step, now=now):
            self.store.change(row)

    def request_cancel(
        self, operation_id: str, *, reason: str | None, now: datetime, event_id: str = ""
    ) -> Operation | None:
        """Flag an open record, whoever holds its lease; None when nothing is left to cancel."""
        states = tuple(state.value for state in CANCELLABLE)
        given = {"cancel_reason": reason, "cancelled_by_event": event_id}
        flag: Item = {"cancel_requested": True, "due_at": iso_timestamp(now)}
        flag |= {name: text for name, text in given.items() if text}
        change = Change(operation_id, assign=flag, when=(When("state", "in", states),))
        try:
            item = self.store.change(change)
        except ConditionError:
            return None
        return Operation.from_item(item)

    def due(self, until: datetime) -> Iterator[Item]:
        """Read the open operations that are due by a time, the longest overdue first.

        They are items: a record that cannot be read must not stop the others.
        """
        return self.store.query("open-by-due", "yes", up_to=iso_timestamp(until))

    def reschedule(self, operation: Operation, *, due_at: datetime) -> bool:
        """Postpone the due time and count the announcement.

        False when another heartbeat or a step has written first.
        """
        unchanged = When("due_at", "absent")
        if operation.due_at:
            unchanged = When("due_at", "is", iso_timestamp(operation.due_at))
        change = Change(
            operation.operation_id,
            assign={"due_at": iso_timestamp(due_at)},
            add={"announcements": 1},
            when=(unchanged,),
        )
        try:
            self.store.change(change)
        except ConditionError:
            return False
        return True

    def mark_closed(self, operation: Operation) -> None:
        """Remove an operation whose end was announced from the index of open ones."""
        ended = When("state", "in", tuple(state.value for state in TERMINAL))
        self.store.change(Change(operation.operation_id, remove=("open", "due_at"), when=(ended,)))

    def target(self, arn: str) -> TargetRecord:
        """Read the permanent item of a target cluster; a new target's is empty."""
        item = self.store.get(target_key(arn)) or {}
        return read_target(arn, item)

    def unsecured_cluster_id(self, arn: str) -> str | None:
        """Read the resource id of the cluster that production's logins open.

        It is read even where the rest of the target's item is unreadable.
        """
        found = (self.store.get(target_key(arn)) or {}).get("logins_open_on")
        return str(found) if found else None

    def opened_name(self, arn: str) -> str | None:
        """Read the name of the cluster that was opened last.

        It is read even where the rest of the target's item is unreadable.
        """
        found = (self.store.get(target_key(arn)) or {}).get("opened_as")
        return str(found) if found else None

    def expected_durations(self, arn: str) -> Mapping[str, float]:
        """Read how long each state is expected to last, in seconds.

        It is read even where the rest of the target's item is unreadable.
        """
        return read_expected_durations(self.store.get(target_key(arn)) or {})

    def enable_catch_up(self, arn: str, *, now: datetime) -> TargetRecord:
        """Note since when missed snapshots are caught up: not those before the first deployment."""
        since = {"armed_since": iso_timestamp(now)}
        change = Change(target_key(arn), assign=since, when=(When("armed_since", "absent"),))
        try:
            item = self.store.change(change)
        except ConditionError as error:
            item = error.items[0] or {}
        return read_target(arn, item)

    def release_stale_lock(self, arn: str) -> bool:
        """Release a lock whose holder has ended, or whose holder's record is gone.

        False while the holder is open.
        """
        holder = self.target(arn).locked_by
        return holder is None or self._release(arn, "holder", holder, "swapped_by")

    def release_stale_deletion(self, arn: str) -> None:
        """Forget that a previous target is being deleted by an operation that has ended or is gone.

        No swap begins while there is such a note.
        """
        if deleted_by := self.target(arn).deleted_by:
            self._release(arn, "deleted_by", deleted_by)

    def _release(self, arn: str, attribute: str, holder: str, *others: str) -> bool:
        stored = self.store.get(holder)
        if stored is not None and stored.get("state") not in {state.value for state in TERMINAL}:
            return False
        still_held = (When(attribute, "is", holder),)
        try:
            change = Change(target_key(arn), remove=(attribute, *others), when=still_held)
            self.store.change(change)
        except ConditionError:
            return False
        return True

    def clear_unsecured(self, operation: Operation, resource_id: str | None) -> None:
        """Note that production's logins no longer open a cluster of an operation's target."""
        with suppress(ConditionError):  # no such note, or one about another cluster
            self.store.change(secured_change(operation, resource_id))

    def note_cluster(
        self, operation: Operation, note: ClusterNote, resource_id: str, *, is_so: bool = True
    ) -> None:
        """Note something of a cluster in the target's item, or that it is so no longer.

        Raises TransientError where another operation writes such a note at the same time.
        """
        target = self.target(operation.plan.target_cluster_arn)
        if is_so == target.is_noted(note, resource_id):
            return
        change = noted_change(target, note, resource_id, is_so=is_so)
        try:
            self.store.change(change)
        except ConditionError:
            raise TransientError(
                f"Another operation noted something in {change.key} at the same time."
            ) from None

    def note_trial(self, plan: str, found: Item) -> None:
        """Write what setup-db-users found in its network trial."""
        self.store.change(Change(f"{TRIAL_KEY}{plan}", assign=found))

    def trial(self, plan: str) -> Item:
        """Read the last network trial; empty where there was none."""
        return self.store.get(f"{TRIAL_KEY}{plan}") or {}

    def claim_catch_up(self, target: TargetRecord, *, now: datetime, next_look: datetime) -> bool:
        """Claim the search for missed snapshots, so that only one of two heartbeats searches."""
        free = When("look_due_at", "free_by", iso_timestamp(now))
        due = {"look_due_at": iso_timestamp(next_look)}
        try:
            self.store.change(Change(target_key(target.arn), assign=due, when=(free,)))
        except ConditionError:
            return False
        return True


def _begun(after: Operation) -> list[Change]:
    """Give the record of the operation that begins when another one opens its target."""
    retirement = retirement_of(after) if after.state is State.TARGET_OPEN else None
    if retirement is None:
        return []
    what = f"{retirement.requested_by}: it is kept until {iso_timestamp(kept_until(retirement))}"
    return [_new_record(retirement), audit_row(None, retirement, step="swap-target", what=what)]


def _new_record(operation: Operation) -> Change:
    item = operation.to_item()
    key = item.pop("operation_id")
    return Change(key, assign=item, when=(When("operation_id", "absent"),))


def _judge_claim(
    stored: Item | None, operation_id: str, states: tuple[State, ...], owner: str, now: datetime
) -> Claim:
    if stored is None:
        return Claim(None, held=False, reason=f"there is no operation {operation_id}")
    operation = Operation.from_item(stored)
    if operation.lease_owner == owner:
        return Claim(operation, held=True)
    if operation.state not in states:
        return Claim(operation, held=False, reason=f"the operation is {operation.state} already")
    if operation.lease_until and operation.lease_until > now:
        return Claim(operation, held=False, reason="another invocation holds the lease", busy=True)
    return Claim(operation, held=False, reason="its cancellation was requested")


def _conflict_or_cancelled(stored: Item, owner: str) -> WriteResult:
    if stored.get("lease_owner") == owner and stored.get("cancel_requested"):
        return WriteResult.CANCEL_REQUESTED
    return WriteResult.CONFLICT


def _difference(
    before: Operation,
    after: Operation,
    *,
    always: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
) -> tuple[Item, tuple[str, ...]]:
    """Find the attributes to assign and those to remove.

    `always` names attributes to assign even if they are equal, `extra` those to remove that another
    writer may have added meanwhile. A record that was read in an older form is written whole: an
    older version then reads nothing of it, rather than a part.
    """
    old, new = before.to_item(), after.to_item()
    whole = new.keys() - {"operation_id"} if before.outdated else {*always}
    assign = {key: value for key, value in new.items() if key in whole or old.get(key) != value}
    gone = {*old, *before.outdated, *extra} - {*new}
    return assign, tuple(sorted(gone))
