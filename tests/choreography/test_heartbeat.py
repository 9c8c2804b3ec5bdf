"""The heartbeat: it announces again, ends what nobody answers for, and is stopped by nothing that
is broken.
"""

import pytest

from chalicelib.flow.choreography import ROWS, STEPS, State
from tests.choreography.fault_injection import CrashError, raised, refused
from tests.choreography.run_night import FaultyStage

HOUR = 3600


@pytest.mark.parametrize("state", [State.COPYING, State.TARGET_DELETING, State.RESTORED])
def test_an_operation_ends_although_its_step_never_runs(stage: FaultyStage, state: State) -> None:
    """The heartbeat fails an operation past its deadline after three unanswered announcements.

    The scenes `never-starts@…` try it in every state.
    """
    stage.night()
    stage.reach(state)
    stage.disabled = {ROWS[state].step or ""}
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert state == ended.stopped_at
    assert ROWS[state].step == ended.failed_step
    assert "did not answer" in (ended.reason or "")
    assert ["FAILED"] == [notice["outcome"] for notice in stage.notices()]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    ("state", "call"),
    [("TARGET_DELETING", "rds."), ("RESTORED", "secretsmanager."), ("FAILING", "sns.")],
)
def test_an_operation_ends_although_its_step_always_dies(
    stage: FaultyStage, state: str, call: str
) -> None:
    """Each claim pushes the due time, and none makes good the announcements: only a step that
    answers does.
    """
    stage.inject(
        refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot"
    ) if state == "FAILING" else None
    stage.inject(
        raised(CrashError()),
        state=state,
        step=ROWS[State(state)].step or "",
        call=call,
        times=10_000,
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert (state != "FAILING") == ended.notified
    assert stage.target().locked_by is None
    assert [] == stage.broken_promises()


def test_success_is_only_reported_after_a_check(stage: FaultyStage) -> None:
    """Every look at the restored cluster goes wrong until the deadline: FAILED, whatever was
    restored before.
    """
    stage.inject(
        refused("InternalFailure", 500),
        state="USERS_READY",
        call="rds.describe_db_clusters",
        times=10_000,
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.USERS_READY == ended.stopped_at
    assert "describe_db_clusters" in (ended.reason or "")
    assert [] == stage.broken_promises()


def test_a_restore_succeeds_although_the_copy_cannot_be_archived(stage: FaultyStage) -> None:
    """The cluster was seen; trouble with the copy that lasts until the deadline is a warning."""
    stage.inject(
        refused("InternalFailure", 500),
        state="TARGET_OPEN",
        call="rds.add_tags_to_resource",
        times=10_000,
    )
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert 1 == len(ended.warnings)
    assert "add_tags_to_resource" in ended.warnings[0]
    assert [] == stage.broken_promises()


def test_an_operation_ends_although_its_notification_cannot_be_sent(stage: FaultyStage) -> None:
    """sns-notification never runs: SUCCEEDED, with notified=false."""
    stage.disabled = {"sns-notification"}
    ended = stage.run_night()

    assert (State.SUCCEEDED, False, []) == (ended.state, ended.notified, stage.broken_promises())


def test_an_operation_ends_although_no_step_ever_runs(stage: FaultyStage) -> None:
    """Router and heartbeat alone end the operation FAILED, notify nobody and free the target."""
    stage.night()
    stage.reach(State.SNAPSHOT_FOUND)
    stage.disabled = set(STEPS)
    ended = stage.run_to_the_end()

    assert (State.FAILED, False, []) == (ended.state, ended.notified, stage.broken_promises())


def test_two_concurrent_heartbeats_announce_once(stage: FaultyStage) -> None:
    """The due time is pushed conditionally: one of them announces, the other finds it done."""
    stage.night()
    stage.reach(State.COPYING)
    stage.queue.clear()
    stage.clock.advance(120)
    stage.beat()
    stage.beat()

    assert ["SnapshotCopyStarted"] == [envelope["detail-type"] for envelope in stage.queue]


def test_a_heartbeat_between_the_read_and_write_of_another_announces_nothing_twice(
    stage: FaultyStage,
) -> None:
    """A tick that runs whole inside another tick, at the same item, announces nothing twice."""
    stage.night()
    stage.reach(State.COPYING)
    stage.queue.clear()
    stage.clock.advance(120)
    stage.inject(stage.beat, step="heartbeat", call="events.put_events")
    stage.beat()

    assert ["SnapshotCopyStarted"] == [envelope["detail-type"] for envelope in stage.queue]


def test_an_end_stays_in_the_index_until_it_was_announced(stage: FaultyStage) -> None:
    """Terminal states have an outbox, too: users hang their own steps on them."""
    stage.inject(
        refused("InternalFailure", 500), state="SUCCEEDED", call="events.put_events", times=3
    )
    stage.night()
    ended = stage.reach(State.SUCCEEDED)
    waits = ended.open
    stage.run_to_the_end()
    announced = [
        envelope for envelope in stage.delivered if envelope["detail-type"] == "RestoreSucceeded"
    ]

    assert ("yes", None, 1) == (waits, stage.only().open, len(announced))


def test_an_end_frees_the_target_although_its_announcement_fails(stage: FaultyStage) -> None:
    """The lock goes with the state, not with its announcement."""
    stage.inject(
        refused("InternalFailure", 500), state="SUCCEEDED", call="events.put_events", times=3
    )
    stage.night()
    stage.reach(State.SUCCEEDED)

    assert None is stage.target().locked_by


def test_a_record_that_cannot_be_read_stops_nobody_else(stage: FaultyStage) -> None:
    """Each tick logs the unreadable record and leaves it alone; the night succeeds."""
    spoilt = {
        "operation_id": "aaa-spoilt",
        "open": "yes",
        "due_at": "2026-01-01T00:00:00.000Z",
        "state": "NO_SUCH_STATE",
    }
    stage.store.tables["state"]["aaa-spoilt"] = dict(spoilt)
    stage.night()
    stage.run(HOUR)
    states = {
        item["operation_id"]: item.get("state") for item in stage.store.tables["state"].values()
    }
    del states["target#" + stage.target().arn]

    assert {"NO_SUCH_STATE", "SUCCEEDED"} == set(states.values())
    assert spoilt == stage.store.tables["state"]["aaa-spoilt"]
    assert [] == stage.failures


def test_time_in_auroras_copy_queue_does_not_count_towards_the_deadline() -> None:
    """A copy without progress is queued, and its budget begins when it does."""
    stage = FaultyStage({"COPY_DEADLINE": "300"})
    stage.night()
    found = stage.reach(State.SNAPSHOT_FOUND)
    for number in range(3):
        stage.rds().copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
            KmsKeyId="alias/aurora-restore",
            TargetDBClusterSnapshotIdentifier=f"somebody-elses-{number}",
        )
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert ended.durations[2].seconds > 400
    assert [] == stage.broken_promises()


def test_the_guides_attempts_times_interval_are_the_budget() -> None:
    """MAX_RESTORE_ATTEMPTS x RESTORE_CHECK_INTERVAL, when set, bounds the restore instead of its
    deadline.
    """
    stage = FaultyStage({"MAX_RESTORE_ATTEMPTS": "1", "RESTORE_CHECK_INTERVAL": "20"})
    stage.delivery_fault = lambda name, _envelope: (
        [] if name.startswith("DB cluster created") else [0]
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.CLUSTER_RESTORING == ended.stopped_at
    assert "the deadline of CLUSTER_RESTORING has passed" in (ended.reason or "")
