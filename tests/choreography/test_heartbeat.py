"""The heartbeat: it announces again, ends what nobody answers for, and is stopped by nothing that
is broken.
"""

import pytest

from chalicelib.flow.choreography import ROWS, STEPS, State
from tests.choreography.fault_injection import CrashError, raised, refused
from tests.choreography.run_night import Night

HOUR = 3600


@pytest.mark.parametrize("state", [State.COPYING, State.TARGET_DELETING, State.RESTORED])
def test_an_operation_ends_although_its_step_never_runs(night: Night, state: State) -> None:
    """The heartbeat fails an operation past its deadline after three unanswered announcements.

    The scenes `never-starts@…` try it in every state.
    """
    night.night()
    night.reach(state)
    night.deaf = {ROWS[state].step or ""}
    ended = night.run_to_the_end()

    assert (State.FAILED, state, ROWS[state].step, True, ["FAILED"], []) == (
        ended.state,
        ended.stopped_at,
        ended.failed_step,
        "did not answer" in (ended.reason or ""),
        [notice["outcome"] for notice in night.notices()],
        night.broken_promises(),
    )


@pytest.mark.parametrize(
    ("state", "call"),
    [("TARGET_DELETING", "rds."), ("RESTORED", "secretsmanager."), ("FAILING", "sns.")],
)
def test_an_operation_ends_although_its_step_always_dies(
    night: Night, state: str, call: str
) -> None:
    """Each claim pushes the due time, and none makes good the announcements: only a step that
    answers does.
    """
    night.hurt(
        refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot"
    ) if state == "FAILING" else None
    night.hurt(
        raised(CrashError()),
        state=state,
        step=ROWS[State(state)].step or "",
        call=call,
        times=10_000,
    )
    ended = night.dream()

    assert (State.FAILED, state != "FAILING", None, []) == (
        ended.state,
        ended.notified,
        night.target().locked_by,
        night.broken_promises(),
    )


def test_nobody_says_succeeded_without_having_looked(night: Night) -> None:
    """Every look at the restored cluster goes wrong until the deadline: FAILED, whatever was
    restored before.
    """
    night.hurt(
        refused("InternalFailure", 500),
        state="USERS_READY",
        call="rds.describe_db_clusters",
        times=10_000,
    )
    ended = night.dream()

    assert (State.FAILED, State.USERS_READY, True, []) == (
        ended.state,
        ended.stopped_at,
        "describe_db_clusters" in (ended.reason or ""),
        night.broken_promises(),
    )


def test_a_good_restore_ends_well_although_the_copy_cannot_be_archived(night: Night) -> None:
    """The cluster was seen; trouble with the copy that lasts until the deadline is a warning."""
    night.hurt(
        refused("InternalFailure", 500),
        state="USERS_READY",
        call="rds.add_tags_to_resource",
        times=10_000,
    )
    ended = night.dream()

    assert (State.SUCCEEDED, 1, True, []) == (
        ended.state,
        len(ended.warnings),
        "add_tags_to_resource" in ended.warnings[0],
        night.broken_promises(),
    )


def test_an_end_that_cannot_be_told_is_an_end(night: Night) -> None:
    """sns-notification never runs: SUCCEEDED, with notified=false."""
    night.deaf = {"sns-notification"}
    ended = night.dream()

    assert (State.SUCCEEDED, False, []) == (ended.state, ended.notified, night.broken_promises())


def test_an_operation_ends_although_no_step_ever_runs(night: Night) -> None:
    """Only the door and the heartbeat are alive: FAILED, nobody told, the target let go."""
    night.night()
    night.reach(State.SNAPSHOT_FOUND)
    night.deaf = set(STEPS)
    ended = night.run_to_the_end()

    assert (State.FAILED, False, []) == (ended.state, ended.notified, night.broken_promises())


def test_two_heartbeats_at_once_do_not_double(night: Night) -> None:
    """The due time is pushed conditionally: one of them announces, the other finds it done."""
    night.night()
    night.reach(State.COPYING)
    night.queue.clear()
    night.clock.advance(120)
    night.beat()
    night.beat()

    assert ["SnapshotCopyStarted"] == [envelope["detail-type"] for envelope in night.queue]


def test_a_heartbeat_between_anothers_look_and_its_write_does_not_double(night: Night) -> None:
    """Not even when it runs to its end while the other one holds the same item."""
    night.night()
    night.reach(State.COPYING)
    night.queue.clear()
    night.clock.advance(120)
    night.hurt(night.beat, step="heartbeat", call="events.put_events")
    night.beat()

    assert ["SnapshotCopyStarted"] == [envelope["detail-type"] for envelope in night.queue]


def test_an_end_stays_in_the_index_until_it_was_announced(night: Night) -> None:
    """Terminal states have an outbox, too: users hang their own steps on them."""
    night.hurt(
        refused("InternalFailure", 500), state="SUCCEEDED", call="events.put_events", times=3
    )
    night.night()
    ended = night.reach(State.SUCCEEDED)
    waits = ended.open
    night.run_to_the_end()
    announced = [one for one in night.delivered if one["detail-type"] == "RestoreSucceeded"]

    assert ("yes", None, 1) == (waits, night.only().open, len(announced))


def test_an_end_whose_announcement_has_trouble_frees_the_target_at_once(night: Night) -> None:
    """The lock goes with the state, not with its announcement."""
    night.hurt(
        refused("InternalFailure", 500), state="SUCCEEDED", call="events.put_events", times=3
    )
    night.night()
    night.reach(State.SUCCEEDED)

    assert None is night.target().locked_by


def test_a_record_that_cannot_be_read_stops_nobody_else(night: Night) -> None:
    """It is named in the log at every tick, stays as it is, and the night ends well."""
    spoilt = {
        "operation_id": "aaa-spoilt",
        "open": "yes",
        "due_at": "2026-01-01T00:00:00.000Z",
        "state": "NO_SUCH_STATE",
    }
    night.store.tables["state"]["aaa-spoilt"] = dict(spoilt)
    night.night()
    night.run(HOUR)
    states = {
        item["operation_id"]: item.get("state") for item in night.store.tables["state"].values()
    }
    del states["target#" + night.target().arn]

    assert ({"NO_SUCH_STATE", "SUCCEEDED"}, spoilt, []) == (
        set(states.values()),
        night.store.tables["state"]["aaa-spoilt"],
        night.failures,
    )


def test_waiting_in_auroras_queue_does_not_spend_the_deadline() -> None:
    """A copy without progress is queued, and its budget begins when it does."""
    night = Night({"COPY_DEADLINE": "300"})
    night.night()
    found = night.reach(State.SNAPSHOT_FOUND)
    for number in range(3):
        night.rds().copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
            KmsKeyId="alias/aurora-restore",
            TargetDBClusterSnapshotIdentifier=f"somebody-elses-{number}",
        )
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, True, []) == (
        ended.state,
        ended.durations[2].seconds > 400,
        night.broken_promises(),
    )


def test_the_guides_attempts_times_interval_are_the_budget() -> None:
    """MAX_RESTORE_ATTEMPTS x RESTORE_CHECK_INTERVAL, when set, bounds the restore instead of its
    deadline.
    """
    night = Night({"MAX_RESTORE_ATTEMPTS": "1", "RESTORE_CHECK_INTERVAL": "20"})
    night.fate = lambda name, _envelope: [] if name.startswith("DB cluster created") else [0]
    ended = night.dream()

    assert (State.FAILED, State.CLUSTER_RESTORING, True) == (
        ended.state,
        ended.stopped_at,
        "the deadline of CLUSTER_RESTORING has passed" in (ended.reason or ""),
    )
