"""What comes at the wrong time is SKIPPED: recorded, told, and nothing is touched."""

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.stage import SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene, is_sentence


def skipped(scene: RefusalScene, operation: Operation) -> str:
    """Check that an operation was skipped, with its reason told and no call made that changes.

    Returns the reason.
    """
    (notice,) = [
        notice
        for notice in scene.stage.notices()
        if notice.get("operation_id") == operation.operation_id
    ]

    assert State.SKIPPED is operation.state
    assert is_sentence(operation.reason), operation.reason
    assert "SKIPPED" == notice["outcome"]
    assert operation.reason == notice["reason"]
    assert operation.notified is True
    assert (
        f"This operation changed nothing on {operation.plan.target_cluster_arn}. "
        f"{operation.reason}" in notice["text"]
    )
    started = f"{operation.operation_id} was started by {operation.requested_by}"
    assert started in notice["text"].splitlines()[1]
    assert "Run it again" not in notice["text"]
    return str(operation.reason)


def missed_night(scene: RefusalScene) -> str:
    """Let a night pass whose events are lost; returns the snapshot's identifier."""
    identifier = scene.stage.night()
    scene.stage.settle()
    return identifier


def created_event(scene: RefusalScene, identifier: str) -> dict[str, object]:
    """Give the event of a snapshot that was lost."""
    arn = f"arn:aws:rds:us-east-1:123456789012:cluster-snapshot:{identifier}"
    detail = {
        "EventID": "RDS-EVENT-0169",
        "Message": "Automated cluster snapshot created",
        "SourceArn": arn,
    }
    return {
        "version": "0",
        "id": "late",
        "source": "aws.rds",
        "detail-type": "RDS DB Cluster Snapshot Event",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [arn],
        "detail": detail,
    }


def test_a_request_while_an_operation_runs_on_the_target_is_skipped(scene: RefusalScene) -> None:
    """A second operation on a target is skipped, and the running one is not disturbed."""
    scene.stage.night()
    running = scene.run_until(State.TARGET_DELETING)
    scene.stage.put("RestoreRequested", request_id="me too", reason="for the demo")
    scene.stage.run_to_the_end()
    first, second = scene.stage.all_operations()
    texts = [notice["text"] for notice in scene.stage.notices()]
    asked = 'was started by request "me too", with the reason "for the demo".'

    assert State.SUCCEEDED is first.state
    assert any(asked in text for text in texts)
    assert (
        f"The operation {running.operation_id} already runs on "
        f"{running.plan.target_cluster_arn}." == (skipped(scene, second))
    )


def test_a_snapshot_that_comes_while_an_operation_runs_is_skipped(scene: RefusalScene) -> None:
    """A skipped snapshot is restored when the target is free, if it is still the newest."""
    scene.stage.night()
    running = scene.run_until(State.COPYING)
    scene.stage.clock.advance(60)
    scene.stage.night()
    scene.stage.run(400)
    second = scene.stage.all_operations()[1]

    assert f"The operation {running.operation_id} already runs" in skipped(scene, second)
    (text,) = [notice["text"] for notice in scene.stage.notices()]
    assert (
        "Nothing has to be done: the snapshot is restored by itself when the target is free, if it "
        "is still the newest, unless restores are paused or REFRESH_DAYS and REFRESH_WINDOW "
        "exclude it by then." in text
    )
    assert State.COPYING is scene.stage.all_operations()[0].state


def test_a_snapshot_older_than_the_last_success_is_skipped(scene: RefusalScene) -> None:
    """A late snapshot event is skipped, since the target has newer data."""
    older = missed_night(scene)
    scene.stage.clock.advance(3600)
    scene.stage.night()
    fresh = scene.stage.run_to_the_end()
    target = scene.target_ids()
    scene.stage.queue.append(created_event(scene, older))
    reason = skipped(scene, scene.ends(State.SKIPPED))

    assert target == scene.target_ids()
    assert State.SUCCEEDED is fresh.state
    assert reason.startswith("The target already holds data of 2026-11-23T04:")


def test_a_snapshot_older_than_another_is_skipped(scene: RefusalScene) -> None:
    """The newest is worth restoring, and the one before it is not."""
    older = missed_night(scene)
    scene.stage.clock.advance(3600)
    newer = missed_night(scene)
    scene.stage.queue.append(created_event(scene, older))
    scene.stage.deliver()

    assert skipped(scene, scene.stage.only()).endswith(f"and {newer} is newer.")


def test_a_snapshot_older_than_the_limit_is_skipped(logs: LogOutput) -> None:
    """An event that comes after SNAPSHOT_AGE_MAX_HOURS starts nothing by itself."""
    stage = SimulatedStage({"SNAPSHOT_AGE_MAX_HOURS": "1"})
    scene = RefusalScene(stage, logs)
    late = missed_night(scene)
    stage.clock.advance(2 * 3600)
    stage.queue.append(created_event(scene, late))

    assert skipped(scene, scene.ends(State.SKIPPED)).endswith("older than 1 hour.")


def test_a_person_may_name_an_older_snapshot_and_sees_the_age_of_the_data(
    logs: LogOutput,
) -> None:
    """A person who asks for older data gets it, whatever the age limit or a newer success."""
    stage = SimulatedStage({"SNAPSHOT_AGE_MAX_HOURS": "1"})
    scene = RefusalScene(stage, logs)
    older = missed_night(scene)
    stage.clock.advance(3 * 3600)
    stage.night()
    stage.run_to_the_end()
    stage.put(
        "RestoreRequested", snapshot_identifier=older, older=True, reason="that night's report"
    )
    operation = scene.ends(State.SUCCEEDED)
    notice = stage.notices()[-1]

    assert str(operation.facts.snapshot.arn).endswith(older)
    assert notice["age_of_data_seconds"] > 3 * 3600
    assert "It is older than usual." in notice["text"]


def test_what_was_skipped_may_not_be_cancelled_and_may_be_asked_for_again(
    scene: RefusalScene,
) -> None:
    """A skipped operation has ended; a rerun of it starts at the beginning."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.put("RestoreRequested", request_id="me too")
    scene.stage.run_to_the_end()
    second = scene.stage.all_operations()[1]
    scene.stage.put("RestoreRequested", rerun_of=second.operation_id)

    assert second.operation_id == scene.ends(State.SUCCEEDED).rerun_of
