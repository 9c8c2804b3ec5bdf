"""Who asks for something is told once when nothing new comes of it, and never of an event that
merely came twice.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import lambdas
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import SettingsError
from chalicelib.ports import Ports
from chalicelib.settings import Settings
from simulation.stage import TOPIC, SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene, is_sentence


def notified_reasons(stage: SimulatedStage) -> list[str]:
    """List what people were told of events that were not obeyed."""
    return [notice["reason"] for notice in stage.notices() if notice["kind"] == "refused"]


def test_a_repeated_request_is_answered_with_its_operation(scene: RefusalScene) -> None:
    """A repeated request of a failed operation starts nothing and is told of the failure."""
    scene.stage.night()
    scene.stage.settle()
    scene.stage.aurora.fail_next("CopyDBClusterSnapshot", "InvalidParameterValue")
    for _ in range(2):
        scene.stage.put("RestoreRequested", request_id="lunch-break")
        failed = scene.stage.run_to_the_end()
    (reason,) = notified_reasons(scene.stage)

    assert (
        f'The request "lunch-break" was made before. Its operation {failed.operation_id} ended '
        f"as FAILED: {failed.reason}"
    ) == reason
    remedy = scene.stage.notices()[-1]["remedy"]
    assert "Use another request_id to ask for another operation." == remedy
    assert is_sentence(reason)


def test_a_request_that_was_skipped_is_made_when_it_is_put_again(scene: RefusalScene) -> None:
    """The target was busy, so nothing came of it.

    Once something did, it is a request made before.
    """
    scene.stage.night()
    scene.run_until(State.COPYING)
    for _ in range(2):
        scene.stage.put("RestoreRequested", request_id="lunch-break")
        scene.stage.deliver()
    scene.stage.run_to_the_end()
    for _ in range(2):
        scene.stage.put("RestoreRequested", request_id="lunch-break")
        scene.stage.run_to_the_end()
    asked_for = [
        operation.state for operation in scene.stage.all_operations() if not operation.automatic
    ]
    (reason,) = notified_reasons(scene.stage)

    assert [State.SKIPPED, State.SKIPPED, State.SUCCEEDED] == sorted(asked_for)
    assert reason.endswith("ended as SUCCEEDED.")


def test_the_event_of_a_skipped_request_that_comes_twice_is_no_second_one(
    scene: RefusalScene,
) -> None:
    """Not even when the target is free: nobody asked again. Another event is somebody asking."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.put("RestoreRequested", request_id="lunch-break")
    event = scene.stage.queue.pop()
    scene.stage.deliver_one(event)
    scene.ends(State.SKIPPED)
    scene.stage.deliver_one(event)

    assert 2 == len(scene.stage.all_operations())
    assert [] == notified_reasons(scene.stage)

    for _ in range(2):
        scene.stage.deliver_one({**event, "id": "another"})
        scene.ends(State.SUCCEEDED)

    assert 3 == len(scene.stage.all_operations())
    assert [] == notified_reasons(scene.stage)


def test_a_request_while_an_operation_runs_is_answered_with_a_remedy(scene: RefusalScene) -> None:
    """A request during another operation is skipped, and its sender is told to ask again."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.put("RestoreRequested", request_id="lunch-break")
    scene.stage.deliver()
    (notice,) = scene.stage.notices()

    assert ("SKIPPED", "When it has ended, ask again.") == (notice["outcome"], notice["remedy"])
    assert f"What to do: {notice['remedy']}" in notice["text"]


def test_a_repeated_request_is_reported_as_in_progress(scene: RefusalScene) -> None:
    """A request that comes again while its operation runs is reported as under way."""
    scene.stage.night()
    scene.stage.settle()
    scene.stage.put("RestoreRequested", request_id="once")
    operation = scene.run_until(State.COPYING)
    scene.stage.put("RestoreRequested", request_id="once")
    scene.stage.deliver()

    assert [
        f'The request "once" was made before. Its operation {operation.operation_id} is COPYING.'
    ] == (notified_reasons(scene.stage))


def test_an_event_that_comes_twice_is_no_second_request(scene: RefusalScene) -> None:
    """EventBridge and Lambda deliver at least once: nobody asked again, so nobody is told."""
    scene.stage.night()
    scene.stage.settle()
    scene.stage.put("RestoreRequested", request_id="once")
    event = scene.stage.queue[0]
    scene.stage.deliver_one(event)
    done = scene.ends(State.SUCCEEDED)
    scene.stage.deliver_one(event)

    assert done == scene.stage.only()
    assert [] == notified_reasons(scene.stage)


def test_a_cancel_that_comes_twice_is_no_second_one(scene: RefusalScene) -> None:
    """A repeated event is not a second cancel, but another event after the end is refused."""
    scene.stage.night()
    operation = scene.run_until(State.COPYING)
    scene.stage.put("CancelRequested", operation_id=operation.operation_id)
    event = scene.stage.queue[-1]
    scene.ends(State.CANCELLED)
    scene.stage.deliver_one(event)

    assert [] == notified_reasons(scene.stage)

    scene.stage.deliver_one({**event, "id": "another"})

    why = (
        f"The operation {operation.operation_id} ended as CANCELLED, so there is nothing to cancel."
    )
    assert [why] == notified_reasons(scene.stage)


@pytest.mark.parametrize(
    ("detail_type", "detail"),
    [
        ("RestoreRequested", {"request_id": "next-year"}),
        ("CancelRequested", {"operation_id": "any"}),
    ],
)
def test_a_request_of_the_future_is_refused(
    scene: RefusalScene, detail_type: str, detail: dict[str, str]
) -> None:
    """A request with a time in the future is refused."""
    scene.stage.put(detail_type, **detail)
    event = scene.stage.queue.popleft()
    next_year = scene.stage.clock.now() + timedelta(days=365)
    scene.stage.deliver_one({**event, "time": next_year.isoformat()})
    (reason,) = notified_reasons(scene.stage)

    assert [] == scene.stage.all_operations()
    assert reason.startswith("The event was not accepted: it is of 2027-11-23T")
    assert reason.endswith(", which has not come yet.")


@pytest.mark.parametrize(
    "detail",
    [{}, {"plan": "default"}, {"snapshot_identifier": "nightly"}, {"rerun_of": "last-night"}],
)
def test_invalid_settings_are_reported_to_the_requester(
    logs: LogOutput, detail: dict[str, str]
) -> None:
    """The invocation ends well: the event would fail again, and the sentence is for who put it."""
    stage = SimulatedStage({"INSTANCE_COUNT": "abc"})
    stage.store.tables["state"]["last-night"] = failed_record()
    stage.put("RestoreRequested", **detail)
    stage.deliver()
    (reason,) = notified_reasons(stage)

    assert [] == stage.failures
    assert "INSTANCE_COUNT" in reason
    assert "abc" in reason
    assert 1 == len(logs.metrics("RequestRefused"))


def test_several_problems_of_the_settings_are_reported_one_per_line(logs: LogOutput) -> None:
    """Problems of the settings are lines of the text and a list for programs."""
    stage = SimulatedStage({"INSTANCE_COUNT": "abc", "PORT": "80"})
    stage.put("RestoreRequested")
    stage.deliver()
    notice = stage.notices()[-1]

    assert "The settings of plan default cannot be used:" == notice["reason"]
    assert 2 == len(notice["problems"]) == notice["text"].count("\n- ")


def failed_record() -> dict[str, Any]:
    """Make the record of an operation that failed while the settings were good."""
    stage = SimulatedStage()
    stage.aurora.fail_next("CopyDBClusterSnapshot", "InvalidParameterValue")
    stage.night()
    return replace(
        stage.run_to_the_end(), operation_id="last-night", root_id="last-night"
    ).to_item()


def test_invalid_settings_raise_an_alarm_when_there_is_no_requester(
    logs: LogOutput,
) -> None:
    """The snapshot's event fails its function, and the heartbeat counts the plan as unusable."""
    stage = SimulatedStage({"INSTANCE_COUNT": "abc"})
    stage.night()
    stage.run(600)

    assert {SettingsError} == {type(failure) for failure in stage.failures}
    assert len(logs.metrics("PlanUnusable")) >= 1


class ChaliceEvent:
    """An event as Chalice gives it to a function."""

    context = None

    def __init__(self, envelope: dict[str, Any]) -> None:
        self._envelope = envelope

    def to_dict(self) -> dict[str, Any]:
        """Give the envelope."""
        return self._envelope


def test_invalid_settings_of_a_stage_are_reported_to_the_requester(
    logs: LogOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no table then, but there may be a topic.

    An event that nobody put fails the function.
    """
    monkeypatch.setenv("SNS_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("ENVIRONMENT", "test")
    stage = SimulatedStage({"HEARTBEAT_INTERVAL": "often"})

    def compose(_context: object, settings: Settings | None = None) -> Ports:
        if settings is None:
            return stage.ports()
        return replace(SimulatedStage().ports(), settings=settings, clients=stage.client)

    stage.put("RestoreRequested")
    lambdas.answer("snapshot-check", ChaliceEvent(stage.queue.popleft()), compose)

    assert ["HEARTBEAT_INTERVAL" in reason for reason in notified_reasons(stage)] == [True]
    with pytest.raises(SettingsError):
        lambdas.answer("snapshot-check", ChaliceEvent({"detail-type": "SnapshotFound"}), compose)
    assert logs.metrics("RequestRefused")


@pytest.mark.parametrize("topic", ["people", "arn:aws:sns"])
def test_a_topic_that_is_no_arn_fails_no_function(logs: LogOutput, topic: str) -> None:
    """A topic that is no ARN raises an alarm and fails no function."""
    stage = SimulatedStage({"SNS_TOPIC_ARN": topic})
    stage.put("RestoreRequested", plan="weekly")
    stage.deliver()

    assert [] == stage.failures
    assert 1 == len(logs.metrics("NotificationLost"))


def test_a_transient_error_is_reported_and_does_not_fail_the_function(scene: RefusalScene) -> None:
    """Who asked waits in front of the screen; nothing repeats a person's event."""
    scene.stage.night()
    scene.stage.settle()
    scene.stage.aurora.fail_next("DescribeDBClusterSnapshots", "Throttling")
    scene.stage.put("RestoreRequested", snapshot_identifier="rds:prod-cluster-2026-11-23-03-09")
    scene.stage.deliver()
    (notice,) = scene.stage.notices()

    assert [] == scene.stage.failures
    assert "was answered Throttling" in notice["reason"]
    assert "Send the event again in a few minutes." == notice["remedy"]


def test_an_unreadable_record_is_reported(scene: RefusalScene) -> None:
    """An unreadable record is reported and counted by the metric that an alarm watches."""
    scene.stage.store.tables["state"]["broken"] = {"operation_id": "broken", "state": "NO_SUCH"}
    scene.stage.put("CancelRequested", operation_id="broken")
    scene.stage.deliver()
    (reason,) = notified_reasons(scene.stage)

    assert [] == scene.stage.failures
    assert "The record 'broken' cannot be read" in reason
    assert 1 == len(scene.logs.metrics("RecordUnreadable"))
