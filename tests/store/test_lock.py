"""The target's lock and what its item remembers: who may change it, when it is free, and whose
logins are open.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.records.operations import Operations, WriteResult
from chalicelib.records.store import Change
from tests.store.records import PLAN, created, entering, held, record

ARN = PLAN.target_cluster_arn
LOCK = f"target#{ARN}"
NEEDS_THE_LOCK = [
    (State.SNAPSHOT_READY, State.TARGET_CLEAR, "somebody-else"),
    (State.CLUSTER_RESTORING, State.CLUSTER_RESTORED, None),
    (State.RESTORED, State.USERS_READY, "somebody-else"),
]


def advance(
    operations: Operations, standing: State, to: State, **facts: Mapping[str, Any]
) -> WriteResult:
    """Write a change of state of a new record that holds the target."""
    before = held(operations, standing)
    return operations.advance(
        before, entering(before, to, **facts), step="a-step", what="it went on", owner="me"
    )


@pytest.mark.parametrize(("standing", "to", "lock"), NEEDS_THE_LOCK)
def test_a_change_that_needs_the_lock_is_not_written_without_it(
    operations: Operations, standing: State, to: State, lock: str | None
) -> None:
    """A change without the lock is reported and writes neither record, trail nor lock."""
    before = held(operations, standing)
    operations.store.change(
        Change(LOCK, assign={"holder": lock} if lock else {}, remove=() if lock else ("holder",))
    )
    answer = operations.advance(
        before, entering(before, to), step="a-step", what="it went on", owner="me"
    )
    found = operations.read("one")

    assert (WriteResult.LOCK_LOST, before, None, lock) == (
        answer,
        found,
        operations.store.get("one#000002", "audit"),
        operations.target(ARN).locked_by,
    )


@pytest.mark.parametrize(
    ("standing", "to"),
    [
        (State.PREFLIGHT_PASSED, State.TARGET_CLEAR),
        (State.CLUSTER_RESTORING, State.CLUSTER_RESTORED),
        (State.USERS_READY, State.SWAPPING),
        (State.TARGET_RENAMED, State.TARGET_OPEN),
    ],
)
def test_no_step_of_a_swap_goes_on_without_the_lock(
    operations: Operations, standing: State, to: State
) -> None:
    """Neither the new cluster nor the names of both are anybody else's meanwhile."""
    before = swapping(held(operations, standing))
    operations.store.change(Change(LOCK, assign={"holder": "somebody-else"}))
    after = entering(before, to)
    answer = operations.advance(before, after, step="a-step", what="it went on", owner="me")

    assert WriteResult.LOCK_LOST is answer


@pytest.mark.parametrize(
    ("standing", "to"),
    [(State.TARGET_DELETING, State.TARGET_CLEAR), (State.TARGET_CLEAR, State.CLUSTER_RESTORING)],
)
def test_a_swap_changes_no_note_of_the_data_before_the_target_opens(
    operations: Operations, standing: State, to: State
) -> None:
    """The target is as it was, whatever is made or deleted beside it."""
    operations.store.change(Change(LOCK, assign={"standing": "of the target"}))
    before = swapping(held(operations, standing))
    operations.advance(before, entering(before, to), step="a-step", what="on", owner="me")
    item = operations.store.get(LOCK)

    assert item is not None
    assert "of the target" == item["standing"]


def swapping(operation: Operation) -> Operation:
    """Give an operation a plan that swaps clusters."""
    target = replace(operation.plan.target, replacement="swap")
    return replace(operation, plan=replace(operation.plan, target=target))


def test_the_target_knows_the_cluster_that_productions_passwords_open(
    operations: Operations,
) -> None:
    """From the moment it can be used."""
    advance(
        operations,
        State.CLUSTER_RESTORING,
        State.CLUSTER_RESTORED,
        target={"cluster_resource_id": "new"},
    )

    assert "new" == operations.target(ARN).unsecured_cluster_id


@pytest.mark.parametrize(
    ("standing", "to"),
    [(State.TARGET_DELETING, State.TARGET_CLEAR), (State.RESTORED, State.USERS_READY)],
)
def test_the_target_forgets_it_when_it_is_gone_or_closed(
    operations: Operations, standing: State, to: State
) -> None:
    """Nothing stands there any more, or nobody of production's gets in."""
    operations.store.change(Change(LOCK, assign={"logins_open_on": "old"}))
    advance(operations, standing, to)

    assert None is operations.target(ARN).unsecured_cluster_id


@pytest.mark.parametrize(
    ("standing", "to"), [(State.FAILING, State.FAILED), (State.CANCELLING, State.CANCELLED)]
)
def test_an_end_does_not_forget_it(operations: Operations, standing: State, to: State) -> None:
    """The note of an unsecured cluster outlives the operation that ended."""
    operations.store.change(Change(LOCK, assign={"logins_open_on": "old"}))
    advance(operations, standing, to)

    assert "old" == operations.target(ARN).unsecured_cluster_id


@pytest.mark.parametrize(("noted", "left"), [("new", None), ("old", "old")])
def test_only_the_cluster_that_was_closed_is_noted_as_closed(
    operations: Operations, noted: str, left: str | None
) -> None:
    """A note about another cluster stays."""
    operation = created(operations, State.RESTORED)
    operations.store.change(Change(LOCK, assign={"logins_open_on": noted}))
    operations.clear_unsecured(operation, "new")

    assert left == operations.target(ARN).unsecured_cluster_id


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
def test_a_lock_whose_holder_has_ended_is_free(operations: Operations, state: State) -> None:
    """A lock whose operation has ended is free, as after a record was repaired by hand."""
    created(operations, state)

    assert (True, None) == (operations.release_stale_lock(ARN), operations.target(ARN).locked_by)


def test_a_lock_whose_holder_is_gone_is_free(operations: Operations) -> None:
    """A lock without a record is free, and the next operation gets it."""
    operations.store.change(Change(LOCK, assign={"holder": "gone"}))
    freed = operations.release_stale_lock(ARN)
    found = (
        freed,
        operations.create(record(), what="next"),
        operations.target(ARN).locked_by,
    )

    assert (True, WriteResult.DONE, "one") == found


@pytest.mark.parametrize("state", [State.COPYING, State.FAILING, "NO_SUCH_STATE"])
def test_a_lock_whose_holder_may_live_is_not_freed(operations: Operations, state: str) -> None:
    """A lock stays while its operation is open or cannot be read."""
    created(operations)
    operations.store.change(Change("one", assign={"state": str(state)}))

    assert (False, "one") == (operations.release_stale_lock(ARN), operations.target(ARN).locked_by)


def test_a_target_without_a_lock_is_free(operations: Operations) -> None:
    """A target without a lock is free."""
    assert operations.release_stale_lock(ARN)
