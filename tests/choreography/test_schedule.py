"""Nights that are not restored by themselves: paused plans, other days, other hours."""

from datetime import datetime

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, RESTORE_ANNOUNCED, State
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PAUSED", "true", "Restores are paused (PAUSED=true)"),
        ("REFRESH_DAYS", "tue,wed", "REFRESH_DAYS is tue,wed, and today is mon (UTC)"),
        ("REFRESH_WINDOW", "22:00-03:00", "REFRESH_WINDOW is 22:00-03:00, and it is 03:04 UTC"),
        ("REFRESH_WINDOW", "04:00-05:00", "REFRESH_WINDOW is 04:00-05:00, and it is 03:04 UTC"),
    ],
)
def test_a_snapshot_at_another_time_is_skipped(variable: str, value: str, told: str) -> None:
    """The operation ends as skipped, says why, and leaves the target as it was."""
    stage = FaultyStage({variable: value})
    ended = stage.run_night()

    assert State.SKIPPED == ended.state
    assert (ended.reason or "").startswith(told)
    assert [] == stage.calls_of("copy_db_cluster_snapshot", "delete_db_cluster")
    stage.run(7200)
    assert 1 == len(stage.all_operations())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PAUSED", "false"),
        ("REFRESH_DAYS", "mon"),
        ("REFRESH_WINDOW", "03:00-04:00"),
        ("REFRESH_WINDOW", "22:00-04:00"),
    ],
)
def test_a_snapshot_at_its_time_is_restored(variable: str, value: str) -> None:
    """Days and hours that include the present moment hold nothing up."""
    assert State.SUCCEEDED == FaultyStage({variable: value}).run_night().state


def test_a_request_is_obeyed_although_the_plan_is_paused() -> None:
    """Whoever asks for a restore knows what time it is."""
    stage = FaultyStage({"PAUSED": "true"})
    stage.run_night()
    stage.request(REQUESTED, request_id="now")

    assert State.SUCCEEDED == stage.run_to_the_end().state


def test_a_plan_that_is_resumed_waits_for_the_next_snapshot() -> None:
    """A night that was skipped is not caught up in the middle of the day."""
    stage = FaultyStage({"PAUSED": "true"})
    stage.run_night()
    stage.environment["PAUSED"] = "false"
    stage.run(7200)
    assert 1 == len(stage.all_operations())
    stage.run(20 * 3600)

    assert State.SUCCEEDED == stage.run_night().state


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_a_replacement_is_announced_with_the_command_that_prevents_it(replacement: str) -> None:
    """People have NOTICE_MINUTES; until then they work with the target that they have."""
    stage = FaultyStage({"REPLACEMENT": replacement, "NOTICE_MINUTES": "10"})
    stage.night()
    stage.run(1800)
    (announced,) = (
        event["detail"] for event in stage.delivered if event["detail-type"] == RESTORE_ANNOUNCED
    )
    (told,) = (notice for notice in stage.notices() if notice["kind"] == "announcement")
    operation = stage.all_operations()[0]
    state = State.SWAPPING if replacement == "swap" else State.PREFLIGHT_PASSED
    replaced_at = next(left.started_at for left in operation.durations if left.state is state)

    assert announced["cancel"] == told["cancel"]
    assert "PAUSED, REFRESH_DAYS and REFRESH_WINDOW only hold up what has not begun" in told["text"]
    assert operation.operation_id in told["text"]
    assert datetime.fromisoformat(announced["replaced_at"]) <= replaced_at


@pytest.mark.parametrize(
    ("replacement", "announced_in"),
    [
        ("swap", State.USERS_READY),
        ("pointer", State.USERS_READY),
        ("delete-first", State.SNAPSHOT_READY),
    ],
)
def test_the_minutes_of_a_notice_are_no_work_of_ours(replacement: str, announced_in: State) -> None:
    """People asked for them, and the notification of the end tells how long the app took."""
    settings = {"REPLACEMENT": replacement, "NOTICE_MINUTES": "20", "DELETE_DEADLINE": "7200"}
    stage = FaultyStage(settings)
    stage.night()
    stage.run(3600)
    durations = stage.all_operations()[0].durations
    (announced,) = (left for left in durations if left.state is announced_in)

    assert announced.seconds >= 20 * 60
    assert 0 <= announced.own_seconds <= 120  # a tick of the heartbeat before the time and after it


@pytest.mark.parametrize(
    ("replacement", "state"),
    [
        ("swap", State.SWAPPING),
        ("pointer", State.TARGET_CHOSEN),
        ("delete-first", State.PREFLIGHT_PASSED),
    ],
)
def test_nothing_is_replaced_before_people_were_told(replacement: str, state: State) -> None:
    """The topic takes nothing at first: NOTICE_MINUTES begin when it has taken the announcement."""
    settings = {"REPLACEMENT": replacement, "NOTICE_MINUTES": "10", "DELETE_DEADLINE": "7200"}
    stage = FaultyStage(settings)
    stage.inject(refused("Throttling"), call="sns.publish", times=2)
    stage.night()
    stage.run(3600)
    operation = stage.all_operations()[0]
    told = [notice for notice in stage.notices() if notice["kind"] == "announcement"]
    replaced_at = next(left.started_at for left in operation.durations if left.state is state)

    assert State.SUCCEEDED is operation.state
    assert [datetime.fromisoformat(one["replaced_at"]) <= replaced_at for one in told] == [True]


def test_a_replacement_that_nobody_can_be_told_of_does_not_take_place() -> None:
    """The topic refuses: the operation fails, and the target stays."""
    stage = FaultyStage({"REPLACEMENT": "swap", "NOTICE_MINUTES": "10"})
    stage.inject(refused("AuthorizationError", 403), call="sns.publish")
    ended = stage.run_night()

    assert (State.FAILED, State.USERS_READY) == (ended.state, ended.stopped_at)
    assert "sns publish" in (ended.reason or "")


def test_a_requested_replacement_is_announced_too() -> None:
    """Whoever asked for it is not the only one who uses the target."""
    stage = FaultyStage({"REPLACEMENT": "swap", "NOTICE_MINUTES": "10", "PAUSED": "true"})
    stage.night()
    stage.run_to_the_end()
    stage.request(REQUESTED, request_id="now")
    stage.run(7200)
    _skipped, ended, _retirement = stage.all_operations()
    (announced,) = (
        event["detail"] for event in stage.delivered if event["detail-type"] == RESTORE_ANNOUNCED
    )
    (swapped,) = (left for left in ended.durations if left.state is State.SWAPPING)

    assert State.SUCCEEDED is ended.state
    assert datetime.fromisoformat(announced["replaced_at"]) <= swapped.started_at


def test_a_replacement_that_people_prevent_does_not_take_place() -> None:
    """The command of the announcement cancels the operation, and the target stays."""
    stage = FaultyStage({"REPLACEMENT": "swap", "NOTICE_MINUTES": "10"})
    before = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")
    stage.night()
    operation = stage.reach(State.USERS_READY)
    stage.run(120)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_to_the_end()
    after = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")

    assert State.CANCELLED == ended.state
    assert [cluster["DbClusterResourceId"] for cluster in before["DBClusters"]] == [
        cluster["DbClusterResourceId"] for cluster in after["DBClusters"]
    ]
