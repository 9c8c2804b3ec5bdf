"""Creating, claiming, waiting, reminding and cancelling: each one conditional write, the same over
both stores.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.flow.choreography import ENDING, TERMINAL, State
from chalicelib.flow.errors import TransientError
from chalicelib.flow.operation import Operation
from chalicelib.records.operations import Operations, WriteResult
from tests.store.records import LEASE, NOW, PLAN, claimed, created, held, record

LATER = NOW + timedelta(seconds=71)


def test_an_operation_is_created_once_with_its_trail_and_the_targets_lock(
    operations: Operations,
) -> None:
    """Record, first audit row and lock in one transaction.

    The second time it is overtaken by the first.
    """
    first = operations.create(record(), what="because")
    second = operations.create(record(), what="again")
    rows = list(operations.store.query("by-operation", "one"))
    target = operations.target(PLAN.target_cluster_arn)
    found = (
        first,
        second,
        [row["what"] for row in rows],
    )

    assert (WriteResult.DONE, WriteResult.CONFLICT, ["because"]) == found
    assert (record(), "one", record().instance_ids) == (
        operations.read("one"),
        target.locked_by,
        target.members,
    )


def test_a_record_of_a_newer_version_still_reads(operations: Operations) -> None:
    """After a rollback: what the older one does not know of a record, its facts or its settings, it
    leaves out.
    """
    created(operations)
    item = dict(operations.store.get("one") or {})
    for part in (item, item["facts"], item["settings"]):
        part["of_tomorrow"] = "unknown"

    assert record() == replace(Operation.from_item(item), version=record().version)


def test_a_second_operation_on_the_target_is_not_created(operations: Operations) -> None:
    """An operation on a locked target writes no record and no row, and the lock stays."""
    created(operations)
    answer = operations.create(record("two"), what="too")
    found = (operations.read("two"), list(operations.store.query("by-operation", "two")))

    assert (WriteResult.CONFLICT, (None, []), "one") == (
        answer,
        found,
        operations.target(PLAN.target_cluster_arn).locked_by,
    )


def test_a_skipped_operation_is_created_without_the_lock(operations: Operations) -> None:
    """A skipped operation is created without the lock, and only says why it was skipped."""
    created(operations)
    answer = operations.create(record("two", State.SKIPPING), what="busy")
    found = (
        answer,
        operations.target(PLAN.target_cluster_arn).locked_by,
    )

    assert (WriteResult.DONE, "one") == found


def test_a_claim_takes_the_lease_and_counts(operations: Operations) -> None:
    """One attempt more, a look when the lease has run out.

    Announcements stay: only an answer makes them good.
    """
    created(operations, announcements=2)
    claim = claimed(operations)
    found = claim.operation

    assert (True, "me", NOW + LEASE, NOW + LEASE, 1, 2) == (
        claim.held,
        found and found.lease_owner,
        found and found.lease_until,
        found and found.due_at,
        found and found.attempts,
        found and found.announcements,
    )


def test_a_claim_of_nothing_is_not_held(operations: Operations) -> None:
    """A claim of an operation that does not exist is not held, and makes no record."""
    claim = claimed(operations)
    found = (
        claim.held,
        claim.operation,
        claim.reason,
        operations.read("one"),
    )

    assert (False, None, "there is no operation one", None) == found


def test_a_claim_in_another_state_is_not_held(operations: Operations) -> None:
    """A late duplicate finds the record in another state and gets no lease."""
    created(operations, State.COPYING)
    claim = operations.claim("one", (State.ACCEPTED,), owner="me", now=NOW, until=NOW + LEASE)
    found = (
        claim.held,
        claim.reason,
        claim.operation.attempts if claim.operation else None,
    )

    assert (False, "the operation is COPYING already", 0) == found


def test_a_claim_of_what_somebody_holds_is_not_held(operations: Operations) -> None:
    """A second delivery of an event gets no lease while the first holds it."""
    held(operations)
    claim = claimed(operations, "another")

    assert (False, True) == (claim.held, claim.busy)


def test_a_lease_that_has_run_out_is_taken_over(operations: Operations) -> None:
    """An expired lease is taken over, because it outlasts any invocation."""
    held(operations)
    claim = claimed(operations, "another", now=LATER)
    found = (
        claim.held,
        claim.operation and claim.operation.lease_owner,
        claim.operation and claim.operation.attempts,
    )

    assert (True, "another", 2) == found


def test_a_claim_of_what_is_to_be_cancelled_is_not_held(operations: Operations) -> None:
    """A claim sees the cancel flag, and the runner cancels the operation instead."""
    created(operations)
    operations.request_cancel("one", reason="enough", now=NOW)
    claim = claimed(operations)
    found = (
        claim.held,
        claim.busy,
        claim.operation.cancel_requested if claim.operation else None,
    )

    assert (False, False, True) == found


def test_a_claim_whose_answer_was_lost_is_held_all_the_same(operations: Operations) -> None:
    """A claim whose answer was lost is recognised by its owner when botocore repeats it, and counts
    once.
    """
    held(operations)
    claim = claimed(operations, "me")

    assert (True, 1) == (claim.held, claim.operation.attempts if claim.operation else None)


def test_a_wait_gives_the_lease_back_and_keeps_what_is_known(operations: Operations) -> None:
    """A wait gives the lease back and keeps the facts; the version stays."""
    before = held(operations)
    due = NOW + timedelta(seconds=30)
    after = replace(
        before, due_at=due, waiting_for="It is slow.", lease_owner=None, lease_until=None
    )
    answer = operations.save_wait(before, after, owner="me")
    found = operations.read("one")

    assert (WriteResult.DONE, after, 1) == (answer, found, found.version if found else None)


def test_a_wait_makes_good_the_announcements_that_were_not_answered(operations: Operations) -> None:
    """A step that waits has answered.

    One that always dies never does, so the heartbeat can count.
    """
    created(operations, announcements=2)
    before = claimed(operations).operation
    assert before is not None
    operations.save_wait(
        before, replace(before, waiting_for="It is slow.", announcements=0), owner="me"
    )
    found = operations.read("one")

    assert 0 == (found.announcements if found else None)


def test_the_holder_remembers_facts_in_the_middle_of_a_step(operations: Operations) -> None:
    """Facts saved in the middle of a step are written alone, and the lease stays."""
    before = held(operations)
    facts = replace(before.facts, users=replace(before.facts.users, master_password_checked=True))
    after = operations.save_facts(before, facts)

    assert (replace(before, facts=facts), after) == (after, operations.read("one"))


def test_whoever_lost_the_lease_remembers_nothing(operations: Operations) -> None:
    """A step that has lost its lease cannot save facts, and ends before it acts."""
    before = held(operations)
    claimed(operations, "another", now=LATER)
    with pytest.raises(TransientError, match="was lost in the middle of a step"):
        operations.save_facts(
            before,
            replace(before.facts, users=replace(before.facts.users, master_password_checked=True)),
        )
    found = operations.read("one")

    assert None is (found.facts.users.master_password_checked if found else True)


def test_a_wait_of_somebody_who_lost_the_lease_is_not_written(operations: Operations) -> None:
    """A wait is not written by an invocation that has lost its lease."""
    before = held(operations)
    claimed(operations, "another", now=LATER)
    answer = operations.save_wait(before, replace(before, waiting_for="Too late."), owner="me")
    found = operations.read("one")

    assert (WriteResult.CONFLICT, None) == (answer, found.waiting_for if found else "")


def test_a_wait_of_what_is_to_be_cancelled_says_so(operations: Operations) -> None:
    """A wait reports a cancel flag that was set while the step acted."""
    before = held(operations)
    operations.request_cancel("one", reason="enough", now=NOW)
    found = operations.save_wait(before, replace(before, waiting_for="It is slow."), owner="me")

    assert WriteResult.CANCEL_REQUESTED is found


def test_of_two_heartbeats_one_reschedules(operations: Operations) -> None:
    """Of two heartbeats that saw the same due time, one pushes it, and it counts once."""
    seen = created(operations)
    answers = [operations.reschedule(seen, due_at=NOW + LEASE) for _ in range(2)]
    found = operations.read("one")

    assert ([True, False], 1, NOW + LEASE) == (
        answers,
        found and found.announcements,
        found and found.due_at,
    )


def test_a_heartbeat_does_not_reschedule_what_a_step_has_claimed(operations: Operations) -> None:
    """A heartbeat leaves a record alone whose due time a claim has moved."""
    seen = created(operations)
    claimed(operations)

    assert not operations.reschedule(seen, due_at=LATER)


def test_what_is_due_is_read_oldest_first(operations: Operations) -> None:
    """Records that are due are read oldest first, and no others."""
    for number, seconds in enumerate((90, 30, 60, 600)):
        due_at = NOW + timedelta(seconds=seconds)
        operations.create(
            replace(record(f"op-{number}", State.SKIPPING), due_at=due_at), what="a test"
        )
    found = [item["operation_id"] for item in operations.due(NOW + timedelta(seconds=90))]

    assert ["op-1", "op-2", "op-0"] == found


@pytest.mark.parametrize(
    "state", [State.ACCEPTED, State.USERS_READY, State.ARCHIVED, State.CANCELLING, State.FAILED]
)
def test_a_cancel_finds_something_to_stop_until_the_ending(
    operations: Operations, state: State
) -> None:
    """ARCHIVED, the endings and the ends are past it; CANCELLING is on its way already."""
    created(operations, state)
    flagged = operations.request_cancel("one", reason="enough", now=NOW)
    found = operations.read("one")

    assert (state not in ENDING | TERMINAL, state not in ENDING | TERMINAL) == (
        flagged is not None,
        bool(found and found.cancel_requested),
    )


def test_a_cancel_needs_no_lease_and_no_version(operations: Operations) -> None:
    """A cancel is flagged while a step holds the lease, and the heartbeat looks at once."""
    held(operations)
    flagged = operations.request_cancel("one", reason="enough", now=NOW)
    found = (
        flagged and flagged.lease_owner,
        flagged and flagged.cancel_reason,
        flagged and flagged.due_at,
        flagged and flagged.version,
    )

    assert ("me", "enough", NOW, 1) == found


def test_a_cancel_of_nothing_makes_no_record(operations: Operations) -> None:
    """A cancel of an operation that does not exist makes no record."""
    found = (
        operations.request_cancel("one", reason="enough", now=NOW),
        operations.read("one"),
    )

    assert (None, None) == found
