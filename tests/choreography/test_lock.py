"""The target's lock: lost, left behind by a record that is gone, and never in the way of an end."""

from datetime import UTC, datetime

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from tests.choreography.run_night import FaultyStage, target_of

LOCK = f"target#{target_of('staging-cluster')}"


def lose_the_lock(stage: FaultyStage, holder: str | None = "somebody-else") -> None:
    """Give the target's lock to somebody else, or to nobody."""
    stage.edit(LOCK, holder=holder)


def ended_without_the_lock(stage: FaultyStage, state: State) -> Operation:
    """Let an operation lose the lock in a state, and end."""
    stage.night()
    stage.reach(state)
    lose_the_lock(stage)
    return stage.run_to_the_end()


def test_an_operation_that_lost_the_lock_deletes_nothing(stage: FaultyStage) -> None:
    """The operation fails before the deletion, notifies, and leaves the lock to its holder.

    The target's item, which keeps what the old target was like, is the first to miss the lock.
    """
    ended = ended_without_the_lock(stage, State.SNAPSHOT_READY)

    assert State.FAILED == ended.state
    assert State.SNAPSHOT_READY == ended.stopped_at
    assert [] == stage.calls_of("delete_db_instance", "delete_db_cluster", "modify_db_cluster")
    assert ended.notified is True
    assert "somebody-else" == stage.target().locked_by
    assert f"This operation no longer holds the lock of {target_of('staging-cluster')}" in (
        ended.reason or ""
    )


def test_what_a_step_made_when_the_lock_was_lost_is_known(stage: FaultyStage) -> None:
    """Production's logins were closed before that was noticed, and nobody is told otherwise."""
    ended = ended_without_the_lock(stage, State.RESTORED)

    assert State.FAILED == ended.state
    assert ended.facts.users.production_logins_closed is True
    assert stage.notices()[-1]["production_logins_closed"] is True
    assert "Beware" not in stage.notices()[-1]["text"]


@pytest.mark.parametrize("holder", ["somebody-else", None])
def test_a_lost_lock_never_blocks_an_end(stage: FaultyStage, holder: str | None) -> None:
    """The restore is good: it SUCCEEDS, and the lock is left as it is."""
    stage.night()
    stage.reach(State.ARCHIVED)
    lose_the_lock(stage, holder)

    assert (State.SUCCEEDED, holder) == (stage.run_to_the_end().state, stage.target().locked_by)


def test_a_record_that_was_removed_does_not_lock_the_target_for_ever(stage: FaultyStage) -> None:
    """The lock of a removed record is free for the next night's operation."""
    stage.night()
    operation = stage.reach(State.COPYING)
    stage.edit(operation.operation_id, settings={"port": "many"})
    stage.run(600)
    messages = {str(error) for error in stage.failures}
    del stage.store.tables["state"][operation.operation_id]

    assert all("remove the item" in message for message in messages)
    assert operation.operation_id == stage.target().locked_by
    ended = stage.run_night()
    removed = f"no-leaked-locks: {operation.operation_id} is COPYING, and still open."

    assert (State.SUCCEEDED, [removed]) == (ended.state, stage.broken_promises())


def test_a_lock_whose_holder_has_ended_is_free_for_the_next_one(stage: FaultyStage) -> None:
    """The lock of an operation that was ended by hand is released for the next one."""
    first = stage.run_night()
    stage.run(1800)
    lose_the_lock(stage, first.operation_id)

    assert (State.SUCCEEDED, []) == (stage.run_night().state, stage.broken_promises())


def test_an_unexpected_audit_row_does_not_stop_an_operation(stage: FaultyStage) -> None:
    """The state table was restored to a point in time, the audit table was not."""
    stage.night()
    operation = stage.reach(State.COPYING)
    key = f"{operation.operation_id}#{operation.version + 1:06d}"
    stage.store.tables["audit"][key] = {
        "metric_id": key,
        "at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    }

    ended = stage.run_to_the_end()

    assert State.SUCCEEDED is ended.state
    assert [f"version: The row {key} was written twice."] == stage.broken_promises()
