"""Every call that a function makes on a good night: interrupted, unanswered, throttled, or
overtaken by a duplicate.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import TablesBusyError
from chalicelib.records.store import Item, TableName
from simulation.in_memory_store import InMemoryStore
from tests.choreography.fault_injection import Call, CrashError, raised, refused
from tests.choreography.recorded_run import announcements, effects, first_calls, looks
from tests.choreography.run_night import Night


@pytest.mark.parametrize("call", first_calls(), ids=str)
def test_a_function_that_dies_before_it_did_anything_costs_time_only(
    night: Night, call: Call
) -> None:
    """The lease runs out, the heartbeat announces again, and the night ends as it would have."""
    night.hurt_at(call, raised(CrashError()))

    assert (State.SUCCEEDED, 1, []) == (night.dream().state, night.crashes, night.broken_promises())


@pytest.mark.parametrize("call", [*effects(), *announcements()[::3]], ids=str)
def test_a_function_that_dies_after_a_call_costs_time_only(night: Night, call: Call) -> None:
    """What was begun is found again and adopted."""
    night.hurt_at(call, raised(CrashError()), after_effect=True)

    assert (State.SUCCEEDED, 1, []) == (night.dream().state, night.crashes, night.broken_promises())


@pytest.mark.parametrize("call", dict.fromkeys([*looks(), *effects()]), ids=str)
def test_a_throttled_call_costs_time_only(night: Night, call: Call) -> None:
    """It is tried again with backoff, and the trail shows one change of state as ever."""
    night.hurt_at(call, refused("Throttling"), times=2)

    assert (State.SUCCEEDED, (), []) == (
        night.dream().state,
        night.only().warnings,
        night.broken_promises(),
    )


@pytest.mark.parametrize("call", [*effects(), *announcements()[::3]], ids=str)
def test_a_call_that_was_obeyed_and_answered_with_an_error_costs_time_only(
    night: Night, call: Call
) -> None:
    """An answer that is lost does not make the call undone."""
    night.hurt_at(call, refused("InternalFailure", 500), after_effect=True)

    assert (State.SUCCEEDED, (), []) == (
        night.dream().state,
        night.only().warnings,
        night.broken_promises(),
    )


@pytest.mark.parametrize("call", effects(), ids=str)
def test_a_duplicate_in_the_middle_of_a_call_changes_nothing(night: Night, call: Call) -> None:
    """While one invocation acts, another of the same event runs to its end: it finds the lease
    taken.
    """
    night.hurt_at(call, night.run_the_same_function_again)

    assert (State.SUCCEEDED, (), []) == (
        night.dream().state,
        night.only().warnings,
        night.broken_promises(),
    )


@pytest.mark.parametrize("call", effects(), ids=str)
def test_a_heartbeat_in_the_middle_of_a_call_changes_nothing(night: Night, call: Call) -> None:
    """It may announce once more what is being done.

    Nobody can act on that before the lease is given back.
    """
    night.hurt_at(call, night.beat)

    assert (State.SUCCEEDED, (), []) == (
        night.dream().state,
        night.only().warnings,
        night.broken_promises(),
    )


@pytest.mark.parametrize(
    ("state", "call", "code", "times"),
    [
        ("COPYING", "rds.describe_db_cluster_snapshots", "DBClusterSnapshotNotFoundFault", 3),
        ("CLUSTER_RESTORING", "rds.describe_db_clusters", "DBClusterNotFoundFault", 2),
        ("CLUSTER_RESTORED", "rds.describe_db_clusters", "DBClusterNotFoundFault", 1),
        ("INSTANCES_CREATING", "rds.describe_db_clusters", "DBClusterNotFoundFault", 2),
        ("RESTORED", "rds.describe_db_clusters", "DBClusterNotFoundFault", 1),
        ("USERS_READY", "rds.describe_db_clusters", "DBClusterNotFoundFault", 1),
    ],
)
def test_what_is_not_found_for_a_moment_is_waited_for(
    night: Night, state: str, call: str, code: str, times: int
) -> None:
    """RDS's answers are eventually consistent: what was just made, or seen, may not be found for a
    while.
    """
    night.hurt(refused(code, 404), state=state, call=call, times=times)

    assert (State.SUCCEEDED, (), 1, []) == (
        night.dream().state,
        night.only().warnings,
        len(night.calls_of("copy_db_cluster_snapshot")),
        night.broken_promises(),
    )


class ThrottledStore(InMemoryStore):
    """Tables whose next `throttled` reads of a target's item are answered as DynamoDB does under
    load.
    """

    throttled = 0

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, or refuse to."""
        if self.throttled and key.startswith("target#"):
            self.throttled -= 1
            raise TablesBusyError("DynamoDB is busy: ThrottlingException.")
        return super().get(key, table)


def test_throttled_tables_cost_time_only(night: Night) -> None:
    """In the middle of a step they are trouble like any other: no invocation fails, and none counts
    as a bug.
    """
    throttled = ThrottledStore()
    throttled.tables, night.store = night.store.tables, throttled
    night.night()
    night.reach(State.ACCEPTED)
    throttled.throttled = 3

    assert (State.SUCCEEDED, [], 0, []) == (
        night.run_to_the_end().state,
        night.failures,
        throttled.throttled,
        night.broken_promises(),
    )
