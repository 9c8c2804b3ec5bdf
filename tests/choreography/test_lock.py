"""The target's lock: lost, left behind by a record that is gone, and never in the way of an end."""

from datetime import UTC, datetime

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from tests.choreography.run_night import Night, target_of

LOCK = f"target#{target_of('staging-cluster')}"


def lose_the_lock(night: Night, holder: str | None = "somebody-else") -> None:
    """Give the target's lock to somebody else, or to nobody."""
    night.edit(LOCK, holder=holder)


def ended_without_the_lock(night: Night, state: State) -> Operation:
    """Let an operation lose the lock in a state, and end."""
    night.night()
    night.reach(state)
    lose_the_lock(night)
    return night.run_to_the_end()


def test_an_operation_that_lost_the_lock_deletes_nothing(night: Night) -> None:
    """It FAILS before the deletion, is told, and leaves the lock to whoever has it."""
    ended = ended_without_the_lock(night, State.SNAPSHOT_READY)

    assert (State.FAILED, State.PREFLIGHT_PASSED, [], True, "somebody-else") == (
        ended.state,
        ended.stopped_at,
        night.calls_of("delete_db_instance", "delete_db_cluster", "modify_db_cluster"),
        ended.notified,
        night.target().locked_by,
    )
    assert f"This operation no longer holds the lock of {target_of('staging-cluster')}" in (
        ended.reason or ""
    )


def test_what_a_step_made_when_the_lock_was_lost_is_known(night: Night) -> None:
    """Production's logins were closed before that was noticed, and nobody is told otherwise."""
    ended = ended_without_the_lock(night, State.RESTORED)

    assert (State.FAILED, True, True, False) == (
        ended.state,
        ended.facts.users.production_logins_closed,
        night.notices()[-1]["production_logins_closed"],
        "Beware" in night.notices()[-1]["text"],
    )


@pytest.mark.parametrize("holder", ["somebody-else", None])
def test_a_lost_lock_never_blocks_an_end(night: Night, holder: str | None) -> None:
    """The restore is good: it SUCCEEDS, and the lock is left as it is."""
    night.night()
    night.reach(State.ARCHIVED)
    lose_the_lock(night, holder)

    assert (State.SUCCEEDED, holder) == (night.run_to_the_end().state, night.target().locked_by)


def test_a_record_that_was_removed_does_not_lock_the_target_for_ever(night: Night) -> None:
    """As its own message advises when it cannot be read: the next night's operation finds the lock
    free.
    """
    night.night()
    operation = night.reach(State.COPYING)
    night.edit(operation.operation_id, settings={"port": "many"})
    night.run(600)
    messages = {str(error) for error in night.failures}
    del night.store.tables["state"][operation.operation_id]

    assert (True, operation.operation_id) == (
        all("remove the item" in message for message in messages),
        night.target().locked_by,
    )
    ended = night.dream()
    removed = f"no-leaked-locks: {operation.operation_id} is COPYING, and still open."

    assert (State.SUCCEEDED, [removed]) == (ended.state, night.broken_promises())


def test_a_lock_whose_holder_has_ended_is_free_for_the_next_one(night: Night) -> None:
    """Whoever repaired a record by hand need not think of the lock."""
    first = night.dream()
    night.run(1800)
    lose_the_lock(night, first.operation_id)

    assert (State.SUCCEEDED, []) == (night.dream().state, night.broken_promises())


def test_a_row_of_another_future_does_not_stop_an_operation(night: Night) -> None:
    """The state table was restored to a point in time, the audit table was not."""
    night.night()
    operation = night.reach(State.COPYING)
    key = f"{operation.operation_id}#{operation.version + 1:06d}"
    night.store.tables["audit"][key] = {
        "metric_id": key,
        "at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    }

    ended = night.run_to_the_end()

    assert State.SUCCEEDED is ended.state
    assert [f"version: The row {key} was written twice."] == night.broken_promises()
