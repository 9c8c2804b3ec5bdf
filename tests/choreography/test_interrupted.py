"""One example for each kind of fault at a call, and at a delivery.

Every fault at every call is tried by tests/simulation/test_schedules.py and `make prove`.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import TablesBusyError
from chalicelib.records.store import Item, TableName
from simulation.injector import placed
from simulation.instrumented import RecordingStore
from simulation.run import play
from simulation.scenarios import SCENARIOS
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage

DELETES = "delete-rds in TARGET_DELETING: rds.delete_db_cluster/1"
COPIES = "copy-snapshot in SNAPSHOT_FOUND: rds.copy_db_cluster_snapshot/1"
ADVANCES = "copy-snapshot in SNAPSHOT_FOUND: dynamodb._write_state/1"
SWEEPS = "heartbeat in COPYING: dynamodb._due/1"
ANNOUNCES = "restore-snapshot in INSTANCES_CREATING: events.put_events/1"
LOCKS_OUT = "setup-db-users in RESTORED: postgresql.revoke_production_logins/1"
DELIVERY = "the bus in CLUSTER_RESTORED: ClusterRestored"
DEADLY = (
    "crash-before",
    "crash-after",
    "raced-everything",
)  # the last outlives a function's time-out
TICK = "the clock in COPYING: a tick"


@pytest.mark.parametrize(
    ("fault", "site"),
    [
        pytest.param("throttled", DELETES, id="a call is throttled"),
        pytest.param("error", DELETES, id="a call fails before it has an effect"),
        pytest.param("lost", COPIES, id="a call has its effect, and the reply is lost"),
        pytest.param("repeated", ADVANCES, id="botocore repeats a write whose reply was lost"),
        pytest.param("untaken", ANNOUNCES, id="PutEvents answers 200 and takes no entry"),
        pytest.param("crash-before", COPIES, id="a function dies before a call"),
        pytest.param("crash-after", LOCKS_OUT, id="a function dies after a call"),
        pytest.param("raced-duplicate", COPIES, id="a duplicate runs inside a call"),
        pytest.param("raced-heartbeat", DELETES, id="the heartbeat runs inside a call"),
        pytest.param("raced-everything", DELETES, id="all that follows runs inside a call"),
        pytest.param("stale", SWEEPS, id="an index shows what stood there a write ago"),
        pytest.param("lagging", DELETES, id="a status from before is described for a while"),
        pytest.param("dropped", DELIVERY, id="an event is lost"),
        pytest.param("doubled", DELIVERY, id="an event is delivered twice"),
        pytest.param("late", DELIVERY, id="an event is minutes late"),
        pytest.param("dropped", TICK, id="a tick of the heartbeat is lost"),
        pytest.param("doubled", TICK, id="a tick of the heartbeat comes twice"),
    ],
)
def test_one_fault_only_delays_a_night(fault: str, site: str) -> None:
    """A night with one fault succeeds with every promise kept, however the fault is handled."""
    injector = placed([(site, fault)])
    run = play(SCENARIOS["night"], injector, keep=True)
    assert run.simulation is not None
    operation = run.simulation.stage.only()

    assert [] == injector.unplaced
    assert ([], State.SUCCEEDED, ()) == (run.broken, operation.state, operation.warnings)
    assert (fault in DEADLY) == (run.simulation.functions.crashes == 1)


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
    stage: FaultyStage, state: str, call: str, code: str, times: int
) -> None:
    """RDS's answers are eventually consistent: what was just made may not be found for a while."""
    stage.inject(refused(code, 404), state=state, call=call, times=times)
    ended = stage.run_night()

    assert (State.SUCCEEDED, ()) == (ended.state, stage.only().warnings)
    assert 1 == len(stage.calls_of("copy_db_cluster_snapshot"))
    assert [] == stage.broken_promises()


class ThrottledStore(RecordingStore):
    """Tables whose next `throttled` reads of a target's item are answered as under load."""

    throttled = 0

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, or refuse to."""
        if self.throttled and key.startswith("target#"):
            self.throttled -= 1
            raise TablesBusyError("DynamoDB is busy: ThrottlingException.")
        return super().get(key, table)


def test_throttled_tables_only_delay_a_night(stage: FaultyStage) -> None:
    """A step that DynamoDB throttles is tried again: its invocation neither fails nor is a bug."""
    throttled = ThrottledStore(stage.recorder.wrote)
    throttled.tables, stage.store = stage.store.tables, throttled
    stage.night()
    stage.reach(State.ACCEPTED)
    throttled.throttled = 3
    ended = stage.run_to_the_end()

    assert (State.SUCCEEDED, [], 0) == (ended.state, stage.failures, throttled.throttled)
    assert [] == stage.broken_promises()
