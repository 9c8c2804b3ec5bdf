"""What people ask for and do not get: it is logged, they are told, and no operation comes of it."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import SOURCE_REGION, TARGET_REGION, TOPIC, SimulatedStage
from tests.refusals.scene import TARGET_ARN, LogOutput, RefusalScene, is_sentence


def refused(scene: RefusalScene, detail_type: str, **detail: Any) -> str:
    """Put an event that is refused; returns reason and remedy, as people are told them."""
    scene.stage.deliver()
    before, count = scene.stage.all_operations(), len(scene.stage.notices())
    event_id = scene.stage.put(detail_type, **detail)
    scene.stage.deliver()
    (notice,) = scene.stage.notices()[count:]
    (line,) = [line for line in scene.logs.lines("Refused ") if line["event_id"] == event_id]

    assert before == scene.stage.all_operations()
    assert [] == scene.stage.failures
    assert 1 == len(scene.logs.metrics("RequestRefused"))
    assert "WARNING" == line["level"]
    assert "refused" == notice["kind"]
    assert "test" == notice["stage"]
    assert event_id == notice["event_id"]
    assert detail_type == notice["detail_type"]
    assert is_sentence(notice["reason"]), notice["reason"]
    assert is_sentence(notice["remedy"]), notice["remedy"]
    assert (
        f"aurora-restore test: {detail_type} refused"
        == scene.stage.topics.published(TOPIC)[-1]["Subject"]
    )
    return f"{notice['reason']} {notice['remedy']}"


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ({"snapshot": "rds:x"}, "snapshot: Extra inputs are not permitted"),
        (
            {"target_cluster_id": "prod-cluster"},
            "target_cluster_id: Extra inputs are not permitted",
        ),
        ({"target": TARGET_ARN, "region": "us-east-1"}, "region: Extra inputs are not permitted"),
        (
            {"form_step": "delete-rds"},
            "form_step: Extra inputs are not permitted (did you mean from_step?)",
        ),
    ],
)
def test_a_request_with_fields_that_there_are_not_is_refused_with_those_that_there_are(
    scene: RefusalScene, detail: dict[str, Any], why: str
) -> None:
    """The remedy lists them: an event chooses a snapshot or a step, never what is deleted."""
    notification = refused(scene, "RestoreRequested", **detail)
    expected = (
        "these fields only: request_id, plan, snapshot_identifier, rerun_of, from_step, older, "
        "reason."
    )

    assert why in notification
    assert expected in notification


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ({"plan": 5}, "plan: Input should be a valid string"),
        ({"plan": "Default"}, "plan: String should match pattern"),
        ({"plan": ""}, "plan: String should match pattern"),
        ({"request_id": ""}, "request_id: String should have at least 1 character"),
        ({"snapshot_identifier": ["rds:x"]}, "snapshot_identifier: Input should be a valid string"),
        ({"reason": "x" * 501}, "reason: String should have at most 500 characters"),
        (
            {"rerun_of": "one", "from_step": "drop-everything"},
            "from_step: Input should be 'snapshot-check'",
        ),
        (
            {"rerun_of": "one", "from_step": "heartbeat"},
            "from_step: Input should be 'snapshot-check'",
        ),
        ({"from_step": "delete-rds"}, "from_step needs rerun_of"),
        (
            {"rerun_of": "one", "snapshot_identifier": "rds:x"},
            "rerun_of keeps the snapshot and the plan",
        ),
        ({"rerun_of": "one", "plan": "default"}, "rerun_of keeps the snapshot and the plan"),
    ],
)
def test_a_request_that_is_malformed_is_refused_with_every_field_that_is_wrong(
    scene: RefusalScene, detail: dict[str, Any], why: str
) -> None:
    """The remedy is about what is wrong: the names of the fields were not."""
    notification = refused(scene, "RestoreRequested", **detail)

    assert why in notification
    assert "Send it again with " in notification
    assert "these fields only" not in notification


@pytest.mark.parametrize(
    ("detail", "remedy"),
    [
        ({"from_step": "setup-db-user"}, "Send it again with from_step setup-db-users."),
        ({"from_step": "delete"}, "Send it again with from_step delete-rds."),
        ({"from_step": "users please"}, "Send it again with one of these steps as from_step."),
        ({"from_step": ["delete-rds"]}, "Send it again with one of these steps as from_step."),
        (
            {"from_step": "delete-rd", "stage": "dev"},
            (
                "Send it again with from_step delete-rds and with these fields only: "
                "request_id, plan, "
            ),
        ),
    ],
)
def test_a_misspelt_step_is_refused_with_the_nearest(
    scene: RefusalScene, detail: dict[str, Any], remedy: str
) -> None:
    """The reason lists the valid steps, and the remedy names the nearest if there is one."""
    notification = refused(scene, "RestoreRequested", rerun_of="one", **detail)

    assert "from_step: Input should be 'snapshot-check'" in notification
    assert remedy in notification


@pytest.mark.parametrize("detail", [{"operation": "one"}, {"operation_id": "one", "force": True}])
def test_a_cancel_that_is_malformed_is_refused(scene: RefusalScene, detail: dict[str, Any]) -> None:
    """A malformed cancel is refused with every field that is wrong."""
    assert "these fields only: operation_id, reason." in refused(scene, "CancelRequested", **detail)


@pytest.mark.parametrize("detail_type", ["CancelRequested", "RollbackRequested"])
@pytest.mark.parametrize(
    "detail",
    [{}, {"reason": "enough"}, {"operation_id": ""}, {"operation_id": " "}, {"operation_id": None}],
)
def test_a_request_that_names_no_operation_is_refused_with_a_sentence(
    scene: RefusalScene, detail_type: str, detail: dict[str, Any]
) -> None:
    """Who wants to cancel reads that nothing is in progress."""
    notification = refused(scene, detail_type, **detail)

    assert f"The event {detail_type} names no operation" in notification
    assert "String should have" not in notification
    assert "Field required" not in notification
    if detail_type == "CancelRequested":
        assert "none is in progress on any target" in notification


def test_a_cancel_that_names_no_operation_is_told_which_is_in_progress(
    scene: RefusalScene,
) -> None:
    """It can be copied from there."""
    scene.stage.night()
    running = scene.run_until(State.COPYING)
    notification = refused(scene, "CancelRequested", operation_id="")

    assert f"what is in progress: {running.operation_id} (COPYING)." in notification


@pytest.mark.parametrize(
    ("detail_type", "detail"),
    [
        ("RestoreRequested", {"rerun_of": "never-was"}),
        ("RestoreRequested", {"rerun_of": f"target#{TARGET_ARN}"}),
        ("CancelRequested", {"operation_id": "never-was"}),
        ("CancelRequested", {"operation_id": f"target#{TARGET_ARN}"}),
    ],
)
def test_an_operation_that_nobody_knows_is_refused(
    scene: RefusalScene, detail_type: str, detail: dict[str, Any]
) -> None:
    """An unknown operation is refused, also when its key is another item's."""
    scene.stage.run(60)
    notification = refused(scene, detail_type, **detail)

    assert (
        f'There is no operation "{next(iter(detail.values()))}" in the stage test.' in notification
    )
    assert (
        "`aws dynamodb scan --region us-west-2 --table-name aurora-restore-test-state "
        in notification
    )


def test_a_plan_that_the_stage_does_not_have_is_refused(scene: RefusalScene) -> None:
    """An unknown plan is refused, and the remedy says where plans are made."""
    notification = refused(scene, "RestoreRequested", plan="weekly")

    assert "There is no plan weekly in the stage test." in notification
    assert "/aurora-restore/test/plans/weekly/" in notification


def test_a_snapshot_that_does_not_exist_is_refused(scene: RefusalScene) -> None:
    """A snapshot that does not exist is refused, by its name or its ARN."""
    found = refused(scene, "RestoreRequested", snapshot_identifier="rds:nowhere")

    assert "There is no snapshot rds:nowhere in us-east-1." in found


def test_a_snapshot_of_another_cluster_is_refused(scene: RefusalScene) -> None:
    """Nobody restores another cluster's data by naming it."""
    scene.stage.make_cluster("prod-cluster-eu", SOURCE_REGION)
    scene.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster-eu", DBClusterSnapshotIdentifier="of-eu"
    )
    scene.stage.settle()
    notification = refused(scene, "RestoreRequested", snapshot_identifier="of-eu")

    assert "is of the cluster prod-cluster-eu, not of prod-cluster." in notification


def test_a_snapshot_of_an_earlier_cluster_of_the_sources_name_fails_the_operation(
    scene: RefusalScene,
) -> None:
    """The identifier is the same, the immutable resource id is not."""
    rds = scene.stage.rds(SOURCE_REGION)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="of-before"
    )
    scene.stage.settle()
    rds.delete_db_instance(DBInstanceIdentifier="prod-cluster-1", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.stage.settle()
    scene.stage.make_cluster("prod-cluster", SOURCE_REGION, encrypted=True)
    scene.stage.put("RestoreRequested", snapshot_identifier="of-before")
    operation = scene.fails(at="snapshot-check")

    assert "is of an earlier cluster called prod-cluster" in str(operation.reason)


def test_a_request_where_there_is_no_snapshot_at_all_fails_and_says_so(scene: RefusalScene) -> None:
    """A request without a snapshot's name fails if there is no usable one."""
    scene.stage.put("RestoreRequested")
    operation = scene.fails(at="snapshot-check")
    expected = (
        "There is no usable snapshot of arn:aws:rds:us-east-1:123456789012:cluster:prod-cluster."
    )

    assert expected == operation.reason


def test_a_rerun_of_what_has_not_ended_is_refused(scene: RefusalScene) -> None:
    """A rerun of an open operation is refused."""
    scene.stage.night()
    running = scene.run_until(State.COPYING)
    notification = refused(scene, "RestoreRequested", rerun_of=running.operation_id)

    assert f"The operation {running.operation_id} is COPYING, it has not ended." in notification


def test_a_rerun_of_what_succeeded_is_refused_with_the_request_that_would_do(
    scene: RefusalScene,
) -> None:
    """A rerun of a success is refused with the request that restores its snapshot."""
    scene.stage.night()
    done = scene.ends(State.SUCCEEDED)
    notification = refused(scene, "RestoreRequested", rerun_of=done.operation_id)

    assert f"ask with snapshot_identifier {done.facts.snapshot.arn}." in notification


def test_a_rerun_from_a_later_step_than_the_one_that_failed_is_refused(scene: RefusalScene) -> None:
    """A rerun cannot begin after the step that failed."""
    scene.stage.topics.delete_topic(TOPIC)
    scene.stage.night()
    failed = scene.ends(State.FAILED)
    scene.stage.topics.create_topic(TOPIC)
    notification = refused(
        scene, "RestoreRequested", rerun_of=failed.operation_id, from_step="setup-db-users"
    )

    assert "The step setup-db-users lies after the one that" in notification
    assert "(delete-rds)" in notification


@pytest.mark.parametrize(
    ("state", "why", "what_to_do"),
    [
        (
            State.ARCHIVED,
            "is ARCHIVED, which is too late to cancel.",
            "Wait for its end; nothing of it is undone.",
        ),
        (
            State.SUCCEEDED,
            "ended as SUCCEEDED, so there is nothing to cancel.",
            "look up which are open, in the index",
        ),
    ],
)
def test_a_cancel_that_comes_too_late_is_refused_and_changes_nothing(
    scene: RefusalScene, state: State, why: str, what_to_do: str
) -> None:
    """A restore that only has to be told of is past cancelling.

    Of one that has ended, that is said.
    """
    scene.stage.night()
    if state is State.ARCHIVED:
        scene.run_until(State.RESTORED)
        scene.stage.faults.fail_next("sns", "publish", "Throttling", times=3)
    else:
        scene.stage.run_to_the_end()
    operation = scene.run_until(state)
    scene.stage.deliver()
    scene.stage.faults._waiting.clear()
    notification = refused(
        scene, "CancelRequested", operation_id=operation.operation_id, reason="changed my mind"
    )

    assert f"The operation {operation.operation_id} {why}" in notification
    assert what_to_do in notification
    assert State.SUCCEEDED is scene.stage.run_to_the_end().state


def test_a_refusal_without_a_notification_is_logged_and_counted(scene: RefusalScene) -> None:
    """A refusal that cannot be published is logged and counted for an alarm."""
    scene.stage.topics.delete_topic(TOPIC)
    scene.stage.put("RestoreRequested", plan="weekly")
    scene.stage.deliver()
    found = len(
        scene.logs.lines("Nobody could be notified of the refusal: sns publish in us-west-2")
    )

    assert 1 == found
    assert 1 == len(scene.logs.metrics("NotificationLost"))
    assert [] == scene.stage.failures


def test_a_refusal_without_a_topic_in_the_environment_is_logged(logs: LogOutput) -> None:
    """A topic that only SSM names belongs to a plan, and a refused request has none."""
    stage = SimulatedStage({"SNS_TOPIC_ARN": ""})
    stage.parameters.put_parameter(Name="/aurora-restore/test/sns-topic-arn", Value=TOPIC)
    stage.put("RestoreRequested", plan="weekly")
    stage.deliver()
    found = len(logs.lines("Nobody is notified: SNS_TOPIC_ARN is not set in the environment."))

    assert 1 == found
    assert [] == stage.failures


def test_a_request_for_a_copy_of_our_own_is_refused(logs: LogOutput) -> None:
    """A copy of ours looks like a snapshot of the source and is refused because of its tag."""
    settings = {"TARGET_REGION": SOURCE_REGION, "KMS_KEY_ID": "alias/other"}
    stage = SimulatedStage(settings)
    stage.keys.create("123456789012", SOURCE_REGION, "alias/other")
    stage.night()
    scene = RefusalScene(stage, logs)
    (hop,) = scene.run_until(State.COPYING).facts.copies.hops
    notification = refused(scene, "RestoreRequested", snapshot_identifier=hop.identifier)

    assert "is a copy that aurora-restore made itself." in notification
    assert TARGET_REGION not in notification
