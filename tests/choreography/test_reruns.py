"""Running an operation again: where it stood, from a step, and never onto what another one made
since.
"""

import pytest

from chalicelib.flow.choreography import ROWS, State, states_of
from tests.choreography.fault_injection import refused
from tests.choreography.recorded_run import of_steps
from tests.choreography.requests import again, stopped
from tests.choreography.run_night import FaultyStage

FAILING_STATES = [
    state
    for state in dict.fromkeys(State(call.state) for call in of_steps())
    if ROWS[state].on_giving_up is State.FAILING
]
LOOKS_AGAIN_AT = {  # what happened since it stood there is unknown
    State.PREFLIGHT_PASSED: State.SNAPSHOT_READY,
    State.NETWORK_REACHED: State.SNAPSHOT_READY,
    State.TARGET_DELETING: State.SNAPSHOT_READY,
    State.TARGET_CLEAR: State.SNAPSHOT_READY,
    State.INSTANCES_CREATING: State.CLUSTER_RESTORED,
    State.RESTORED: State.CLUSTER_RESTORED,
    State.READERS_CREATING: State.CLUSTER_RESTORED,
    State.USERS_READY: State.CLUSTER_RESTORED,
}


def failed_in(stage: FaultyStage, state: State) -> str:
    """Let a night fail in a state; returns the operation's id."""
    first = next(call for call in of_steps() if call.state == state)
    stage.inject_at(first, refused("AccessDenied", 403))
    return stage.run_night().operation_id


@pytest.mark.parametrize("state", FAILING_STATES)
def test_a_rerun_continues_at_the_failed_step(stage: FaultyStage, state: State) -> None:
    """A rerun uses what was made before, so there is one copy."""
    first = failed_in(stage, state)
    again(stage, first)
    before, after = stage.all_operations()
    copies = stage.rds().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]

    assert State.FAILED == before.state
    assert State.SUCCEEDED == after.state
    assert LOOKS_AGAIN_AT.get(state, state) == stage.path()[0]
    assert first == after.rerun_of
    assert first == after.root_id
    assert 1 == len(copies)
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    "state", [State.COPYING, State.TARGET_DELETING, State.INSTANCES_CREATING, State.USERS_READY]
)
def test_a_cancelled_operation_is_continued_where_it_stood(
    stage: FaultyStage, state: State
) -> None:
    """Cancelling keeps what was made, so a rerun can go on from there."""
    stage.night()
    again(stage, stopped(stage, state))

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert LOOKS_AGAIN_AT.get(state, state) == stage.path()[0]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    "step", ["snapshot-check", "copy-snapshot", "delete-rds", "restore-snapshot"]
)
def test_a_rerun_may_begin_at_an_earlier_step(stage: FaultyStage, step: str) -> None:
    """A rerun from an earlier step replaces or adopts what exists, and succeeds."""
    first = failed_in(stage, State.INSTANCES_CREATING)
    again(stage, first, from_step=step)
    begins = states_of(step)[0]

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert LOOKS_AGAIN_AT.get(begins, begins) == stage.path()[0]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("how", [{}, {"from_step": "restore-snapshot"}])
def test_a_rerun_never_adopts_what_another_rerun_of_its_chain_left(
    stage: FaultyStage, how: dict[str, str]
) -> None:
    """A cluster of another rerun, which had other settings, is replaced."""
    first = failed_in(stage, State.TARGET_CLEAR)
    stage.environment |= {"PORT": "5555", "INSTANCE_COUNT": "3"}
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    again(stage, first)
    left = stage.all_operations()[-1]
    stage.environment |= {"PORT": "5432", "INSTANCE_COUNT": "2"}
    again(stage, first, **how)
    ended = stage.all_operations()[-1]
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]

    assert [State.FAILED, State.SUCCEEDED] == [left.state, ended.state]
    assert (5432, 2) == (found["Port"], len(found["DBClusterMembers"]))
    assert left.facts.target.cluster_resource_id != found["DbClusterResourceId"]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"from_step": "setup-db-users"}, "lies after the one that"),
        ({"from_step": "no-such-step"}, "from_step"),
        ({"snapshot_identifier": "another"}, "rerun_of keeps the snapshot"),
        ({"plan": "default"}, "rerun_of keeps the snapshot"),
        ({"target_cluster_id": "prod-cluster"}, "target_cluster_id"),
        ({"rerun_of": "nobody-knows"}, 'There is no operation "nobody-knows"'),
    ],
)
def test_a_rerun_that_makes_no_sense_is_refused(
    stage: FaultyStage, detail: dict[str, str], words: str
) -> None:
    """People are told why; there is no second operation."""
    first = failed_in(stage, State.COPYING)
    stage.request("RestoreRequested", **{"rerun_of": first, **detail})

    assert "refused" == stage.notices()[-1]["kind"]
    assert words in stage.notices()[-1]["reason"]
    assert 1 == len(stage.all_operations())


def test_a_step_without_an_operation_is_refused(stage: FaultyStage) -> None:
    """from_step needs rerun_of: an event never chooses to skip the checks."""
    stage.request("RestoreRequested", from_step="restore-snapshot")

    assert ["refused"] == [notice["kind"] for notice in stage.notices()]
    assert [] == stage.all_operations()


def test_an_operation_that_has_not_ended_is_not_run_again(stage: FaultyStage) -> None:
    """A rerun of an open operation is refused: cancel it or wait."""
    stage.night()
    running = stage.reach(State.COPYING)
    stage.request("RestoreRequested", rerun_of=running.operation_id)
    found = stage.notices()[-1]["reason"]

    assert f"The operation {running.operation_id} is COPYING, it has not ended." == found


def test_an_operation_that_succeeded_is_not_run_again(stage: FaultyStage) -> None:
    """A rerun of a success is refused; the remedy says how to restore its snapshot once more."""
    ended = stage.run_night()
    stage.request("RestoreRequested", rerun_of=ended.operation_id)

    assert ended.facts.snapshot.arn in stage.notices()[-1]["remedy"]
    assert 1 == len(stage.all_operations())


@pytest.mark.parametrize("state", [State.TARGET_DELETING, State.CLUSTER_RESTORING, State.RESTORED])
def test_a_rerun_older_than_the_last_success_begins_with_the_deletion(
    stage: FaultyStage, state: State
) -> None:
    """A rerun older than the last success repeats preflight and the choice of the old target."""
    first = failed_in(stage, state)
    stage.run(1800)
    stage.run_night()
    again(stage, first, older=True)
    since = stage.all_operations()[-2]
    last = stage.all_operations()[-1]

    assert State.SUCCEEDED == since.state
    assert State.SUCCEEDED == last.state
    assert State.SNAPSHOT_READY == stage.path()[0]
    assert since.facts.target.cluster_resource_id == (
        last.facts.target.old.resource_id if last.facts.target.old else None
    )
    assert [] == stage.broken_promises()


def test_the_same_rerun_twice_is_one_operation(stage: FaultyStage) -> None:
    """A request id makes the request the same, however often it is put."""
    first = failed_in(stage, State.COPYING)
    stage.request("RestoreRequested", rerun_of=first, request_id="once")
    again(stage, first, request_id="once")

    assert 2 == len(stage.all_operations())
    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert [] == stage.broken_promises()


def test_a_rerun_of_a_rerun_adopts_the_first_ones_copy(stage: FaultyStage) -> None:
    """Names derive from the first of the chain."""
    first = failed_in(stage, State.TARGET_CLEAR)
    stage.inject_at(
        next(call for call in of_steps() if call.state == "CLUSTER_RESTORED"),
        refused("AccessDenied", 403),
    )
    again(stage, first)
    again(stage, stage.all_operations()[-1].operation_id)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert first == stage.all_operations()[-1].root_id
    assert 1 == len(stage.calls_of("copy_db_cluster_snapshot"))
    assert [] == stage.broken_promises()
