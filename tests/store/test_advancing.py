"""The change of state: record, audit row and lock in one transaction, on conditions.

The same over both stores.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.records.operations import Operations, WriteResult
from chalicelib.records.store import Change
from tests.store.records import NOW, PLAN, claimed, created, entering, held, record

LATER = NOW + timedelta(seconds=71)
LOCK = f"target#{PLAN.target_cluster_arn}"


def advance(
    operations: Operations, before: Operation, after: Operation, owner: str = "me"
) -> WriteResult:
    """Write a change of state."""
    return operations.advance(before, after, step="a-step", what="it went on", owner=owner)


def holder(operations: Operations) -> str | None:
    """Tell who holds the target."""
    return operations.target(PLAN.target_cluster_arn).locked_by


def test_a_change_of_state_writes_the_record_and_its_row(operations: Operations) -> None:
    """A fresh state: next version, no lease, no attempts, facts; and one row that tells of it."""
    before = held(operations)
    after = entering(before, State.SNAPSHOT_FOUND, snapshot={"arn": "arn", "encrypted": True})
    answer = advance(operations, before, after)
    row = operations.store.get("one#000002", "audit") or {}

    assert (WriteResult.DONE, replace(after, written_by="me")) == (answer, operations.read("one"))
    assert (
        "ACCEPTED",
        "SNAPSHOT_FOUND",
        60,
        {"arn": "arn", "encrypted": True},
    ) == (
        row["from_state"],
        row["to_state"],
        row["took_seconds"],
        row["facts"]["snapshot"],
    )


def test_whoever_lost_the_lease_does_not_write(operations: Operations) -> None:
    """Somebody took over; their turn is not disturbed, and there is no row."""
    before = held(operations)
    claimed(operations, "another", now=LATER)
    answer = advance(operations, before, entering(before, State.SNAPSHOT_FOUND))

    assert (WriteResult.CONFLICT, None) == (answer, operations.store.get("one#000002", "audit"))


def test_an_older_version_does_not_write(operations: Operations) -> None:
    """The record is elsewhere: OVERTAKEN, and what stands there stays."""
    before = held(operations)
    advance(operations, before, entering(before, State.SNAPSHOT_FOUND))
    answer = advance(operations, before, entering(before, State.FAILING), "another")
    found = operations.read("one")

    assert (WriteResult.CONFLICT, State.SNAPSHOT_FOUND, 2) == (
        answer,
        found and found.state,
        found and found.version,
    )


def test_a_cancel_request_stops_the_change_of_state(operations: Operations) -> None:
    """The flag was set while the step acted: the runner is told, and nothing is written."""
    before = held(operations)
    operations.request_cancel("one", reason="enough", now=NOW)
    answer = advance(operations, before, entering(before, State.SNAPSHOT_FOUND))
    found = operations.read("one")

    assert (WriteResult.CANCEL_REQUESTED, State.ACCEPTED) == (answer, found and found.state)


def test_the_flag_does_not_stop_the_cancelling_itself(operations: Operations) -> None:
    """CANCELLING is written with the flag, and takes it away, with the facts just gathered."""
    before = held(operations)
    operations.request_cancel("one", reason="enough", now=NOW)
    answer = advance(
        operations,
        before,
        entering(before, State.CANCELLING, target={"cluster_resource_id": "new"}),
    )
    found = operations.read("one")

    assert (WriteResult.DONE, State.CANCELLING, None, "new") == (
        answer,
        found and found.state,
        found and found.cancel_requested,
        found and found.facts.target.cluster_resource_id,
    )


def test_the_flag_does_not_stop_an_ending(operations: Operations) -> None:
    """ARCHIVED is past cancelling, whatever an older version may have flagged."""
    before = held(operations, State.ARCHIVED)
    operations.store.change(Change("one", assign={"cancel_requested": True}))

    assert WriteResult.DONE is advance(operations, before, entering(before, State.SUCCEEDED))


def test_a_row_that_stands_already_blocks_nothing(operations: Operations) -> None:
    """A state table restored to a point in time finds the audit rows of its future: the record's
    version decides.
    """
    before = held(operations)
    operations.store.change(Change("one#000002", assign={"what": "another future"}, table="audit"))
    answer = advance(operations, before, entering(before, State.SNAPSHOT_FOUND))
    row = operations.store.get("one#000002", "audit") or {}

    assert (WriteResult.DONE, "it went on") == (answer, row["what"])


def test_a_change_whose_answer_was_lost_is_done(operations: Operations) -> None:
    """The repeated call finds the version and the owner of its own write; there is one row."""
    before = held(operations)
    after = entering(before, State.SNAPSHOT_FOUND)
    answers = [advance(operations, before, after) for _ in range(2)]
    rows = list(operations.store.query("by-operation", "one"))

    assert ([WriteResult.DONE, WriteResult.DONE], 2) == (answers, len(rows))


def test_the_heartbeat_writes_without_a_lease_on_the_version_alone(operations: Operations) -> None:
    """When nobody holds the record."""
    before = created(operations)
    found = advance(operations, before, entering(before, State.FAILING), "heartbeat")

    assert WriteResult.DONE is found


def test_the_heartbeat_does_not_write_over_a_live_lease(operations: Operations) -> None:
    """Whoever holds it may be acting: it decides when the lease has run out."""
    before = created(operations)
    operations.claim("one", (State.ACCEPTED,), owner="me", now=NOW, until=NOW + timedelta(hours=1))
    answer = advance(operations, before, entering(before, State.FAILING), "heartbeat")
    found = operations.read("one")

    assert (WriteResult.CONFLICT, State.ACCEPTED) == (answer, found and found.state)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.ARCHIVED, State.SUCCEEDED),
        (State.FAILING, State.FAILED),
        (State.CANCELLING, State.CANCELLED),
        (State.SKIPPING, State.SKIPPED),
    ],
)
def test_an_end_lets_the_target_go_if_it_held_it(
    operations: Operations, before: State, after: State
) -> None:
    """With the state, in one transaction.

    What was skipped because the target was busy never held it.
    """
    standing = held(operations, before)
    answer = advance(operations, standing, entering(standing, after))

    assert (WriteResult.DONE, None) == (answer, holder(operations))


@pytest.mark.parametrize("after", [State.TARGET_DELETING, State.FAILING, State.CANCELLING])
def test_what_is_no_end_keeps_the_target(operations: Operations, after: State) -> None:
    """People are still to be told, and the target may be half done."""
    before = held(operations, State.SNAPSHOT_READY)
    advance(operations, before, entering(before, after))

    assert "one" == holder(operations)


def test_a_success_says_how_fresh_the_target_is(operations: Operations) -> None:
    """When, by which operation, of which snapshot; other ends say nothing of it."""
    before = held(operations, State.ARCHIVED)
    advance(operations, before, entering(before, State.SUCCEEDED, snapshot={"created_at": NOW}))
    target = operations.target(PLAN.target_cluster_arn)

    assert ("one", NOW, NOW + timedelta(minutes=1)) == (
        target.last_success_operation,
        target.last_success_snapshot_at,
        target.last_success_at,
    )


@pytest.mark.parametrize("lock", ["somebody-else", None])
def test_a_lock_that_is_not_ours_never_blocks_an_end(
    operations: Operations, lock: str | None
) -> None:
    """A person may have repaired it meanwhile: the end is written with its row, and their lock is
    left alone.
    """
    before = held(operations, State.FAILING)
    changed = {"holder": lock} if lock else {}
    operations.store.change(Change(LOCK, assign=changed, remove=() if lock else ("holder",)))
    answer = advance(operations, before, entering(before, State.FAILED))
    found = operations.read("one")

    assert (WriteResult.DONE, State.FAILED, lock) == (
        answer,
        found and found.state,
        holder(operations),
    )
    assert operations.store.get("one#000002", "audit") is not None


def test_the_old_targets_members_are_in_the_targets_record(operations: Operations) -> None:
    """So that their events find the operation, beside those of the instances to come."""
    before = held(operations, State.SNAPSHOT_READY)
    victim = OldTarget(
        resource_id="old", arn=PLAN.target_cluster_arn, members=("odd-name", "staging-cluster-1")
    )
    advance(operations, before, entering(before, State.TARGET_DELETING, target={"old": victim}))
    found = operations.target(PLAN.target_cluster_arn).members

    assert ("odd-name", "staging-cluster-1", "staging-cluster-2") == found


def test_an_intent_has_a_row_of_its_own(operations: Operations) -> None:
    """Before a destructive act; repeating the act repeats no row."""
    before = held(operations, State.USERS_READY)
    for _ in range(2):
        operations.audit_intent(before, step="archive-snapshot", what="delete the copies", now=NOW)
    rows = [row["metric_id"] for row in operations.store.query("by-operation", "one")]

    assert ["one#000001", "one#000001#intent"] == rows


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.ARCHIVED])
def test_only_an_end_is_taken_out_of_the_open_ones(operations: Operations, state: State) -> None:
    """`close` of what has not ended is a mistake that must not lose an operation."""
    operation = created(operations, state)
    if state in TERMINAL:
        operations.mark_closed(operation)
    found = [item["operation_id"] for item in operations.due(LATER + timedelta(days=1))]

    assert ([] if state in TERMINAL else ["one"]) == found


def test_the_catch_up_is_enabled_once(operations: Operations) -> None:
    """Since the first deployment: later ticks do not move it, and a lock that was there stays."""
    created(operations)
    first = operations.enable_catch_up(PLAN.target_cluster_arn, now=NOW)
    second = operations.enable_catch_up(PLAN.target_cluster_arn, now=LATER)

    assert (NOW, NOW, "one") == (first.catch_up_since, second.catch_up_since, second.locked_by)


def test_of_two_heartbeats_one_claims_the_catch_up(operations: Operations) -> None:
    """And the next look is taken when it is due."""
    target = operations.enable_catch_up(PLAN.target_cluster_arn, now=NOW)
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)
    answers = [operations.claim_catch_up(target, now=now, next_look=soon) for now in (NOW, NOW)]
    found = (
        answers,
        operations.claim_catch_up(target, now=soon, next_look=later),
    )

    assert ([True, False], True) == found


def test_a_record_comes_back_as_it_was_written(operations: Operations) -> None:
    """Moments, nested facts, tuples and all."""
    written = record(warnings=("a", "b"), active_seconds=1.5, request_reason="ünïcode")
    operations.create(written, what="a test")

    assert written == operations.read("one")
