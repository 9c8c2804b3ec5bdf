"""What people are told to do is right, and people are told when a topic is gone."""

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import Retry
from chalicelib.flow.operation import Operation
from chalicelib.messages.advice import next_command
from simulation.stage import ACCOUNT, TARGET_REGION, TOPIC, SimulatedStage
from tests.choreography import fault_injection
from tests.choreography.requests import disown, protect, stopped, target
from tests.choreography.run_night import FaultyStage
from tests.refusals.refused_operations import urgent_reader
from tests.refusals.remedies import Deed, answering, go_on, next_snapshot
from tests.refusals.scene import LogOutput, RefusalScene
from tests.refusals.test_remedies import refused

PLANS_TOPIC = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:plans-own"
DENIAL = (
    "User: arn:aws:sts::123456789012:assumed-role/copy/copy is not authorized to perform: "
    "rds:AddTagsToResource on resource: arn:aws:rds:us-west-2:123456789012:cluster-snapshot:copy "
    "because no identity-based policy allows the rds:AddTagsToResource action"
)


def follow_command(stage: SimulatedStage) -> Operation:
    """Put the event that the last notice's last command puts, as it stands there.

    Returns the operation of it.
    """
    text = stage.notices()[-1]["text"]
    (command,) = re.findall(r"aws events put-events .*$", text, re.MULTILINE)
    program, service, verb, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    (entry,) = json.loads(given["--entries"])
    assert ["aws", "events", "put-events", TARGET_REGION] == [
        program,
        service,
        verb,
        given["--region"],
    ]
    stage.put_event(entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))
    return stage.run_to_the_end()


def told_by(stage: SimulatedStage, topic: str) -> list[dict[str, Any]]:
    """List what machines were told by a topic."""
    return [json.loads(message["sqs"]) for message in stage.topics.published(topic)]


def test_a_denied_call_names_the_action_that_aws_names() -> None:
    """The remedy names the action that AWS denied, such as that of a copy's tags."""
    error = refused("rds", "describe_db_clusters", "AccessDenied", message=DENIAL)

    assert error.remedy.startswith(
        "Allow rds:AddTagsToResource in us-west-2 in the policy of the function's role."
    )


def test_an_explicit_deny_is_not_answered_by_allowing_more() -> None:
    """The remedy for an explicit Deny asks for no Allow, which would not outweigh it."""
    message = DENIAL.replace(
        "because no identity-based policy allows",
        "with an explicit deny in a service control policy",
    )
    error = refused("rds", "describe_db_clusters", "AccessDenied", message=message)
    expected = (
        "Take away what denies rds:AddTagsToResource in us-west-2: the answer says in which kind "
        "of policy that is."
    )

    assert error.remedy == expected


def test_a_lack_of_capacity_says_what_to_change(logs: LogOutput) -> None:
    """After a lack of capacity another instance class leads to a success."""
    stage = SimulatedStage({"STEP_DEADLINE": "900"})
    stage.aurora.fail_next("CreateDBInstance", "InsufficientDBInstanceCapacity", times=100)
    stage.night()
    failed = RefusalScene(stage, logs).fails(at="restore-snapshot")
    stage.aurora._state.faults.refusals.clear()  # which are about the class
    stage.environment["INSTANCE_CLASS"] = "db.r6g.xlarge"

    assert "set INSTANCE_CLASS to another class" in str(failed.remedy)
    assert State.SUCCEEDED is follow_command(stage).state


def test_a_missing_source_snapshot_is_answered_with_the_newest_one(logs: LogOutput) -> None:
    """A rerun keeps the snapshot, so the notice's command is a new request, which succeeds."""
    stage = SimulatedStage()
    stage.night()
    stage.aurora.fail_next("CopyDBClusterSnapshot", "DBClusterSnapshotNotFoundFault", status=404)
    failed = RefusalScene(stage, logs).fails(at="copy-snapshot")
    again = follow_command(stage)
    expected = "The snapshot is gone, so it cannot be restored any more: another one has to be."

    assert expected == failed.remedy
    assert (State.SUCCEEDED, None) == (again.state, again.rerun_of)


def test_a_command_whose_operation_was_skipped_works_when_it_is_sent_again() -> None:
    """The target was busy with what failed, too; the doctor goes on to tell the same command."""
    stage = FaultyStage()
    answering("rds.copy_db_cluster_snapshot", "AccessDenied")(stage)
    failed = stage.run_night()
    next_snapshot(stage)
    stage.request("RestoreRequested", request_id="another")
    go_on(stage, str(next_command(failed)))
    stage.run_to_the_end()
    stage.call_faults.clear()
    go_on(stage, str(next_command(failed)))
    stage.run_to_the_end()
    found = sorted([operation.state for operation in stage.all_operations()])

    assert [State.FAILED, State.FAILED, State.SKIPPED, State.SUCCEEDED] == found


def test_a_new_request_is_for_the_same_plan(logs: LogOutput) -> None:
    """The command of a notice names the plan, unless it is the stage's own."""
    stage = SimulatedStage()
    stage.night()
    failed = replace(stage.run_to_the_end(), plan_name="weekly", retry=Retry.NEW_REQUEST)
    details = [
        json.loads(json.loads(shlex.split(next_command(operation))[-1])[0]["Detail"])
        for operation in (failed, replace(failed, plan_name="default"))
    ]

    assert ["weekly", None] == [detail.get("plan") for detail in details]


def test_a_copy_that_is_gone_is_made_again(logs: LogOutput) -> None:
    """The restore finds that somebody deleted it; the notice's command begins with the copy."""
    stage = SimulatedStage()
    stage.night()
    scene = RefusalScene(stage, logs)
    copy = scene.run_until(State.TARGET_CLEAR).name_of_copy
    stage.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=copy)
    failed = scene.fails(at="restore-snapshot")
    again = follow_command(stage)

    assert ("copy-snapshot", State.SUCCEEDED) == (failed.rerun_from, again.state)


def test_a_cancel_before_the_deletion_says_that_the_target_is_unchanged() -> None:
    """A cancel before the deletion says that nothing was deleted."""
    stage = FaultyStage()
    stage.night()
    stopped(stage, State.COPYING)

    assert (
        "This operation deleted nothing, and did not change the target."
        in stage.notices()[-1]["text"]
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            State.CLUSTER_RESTORING,
            "There is no target now: the old one is gone, and the new one is not finished.",
        ),
    ],
)
def test_a_cancel_during_the_deletion_does_not_say_that_everything_is_kept(
    state: State, words: str
) -> None:
    """A cancel during the deletion says that the target is being deleted."""
    stage = FaultyStage()
    stage.night()
    stopped(stage, state)
    text = stage.notices()[-1]["text"]

    assert (True, False) == (words in text, "What was made is kept" in text)


@pytest.mark.parametrize("changes", [disown, urgent_reader])
def test_a_target_that_stays_is_not_reported_as_being_deleted(
    changes: Deed,
) -> None:
    """A target that may no longer be deleted is not described as being deleted."""
    stage = FaultyStage()
    stage.night()
    stage.reach(State.TARGET_DELETING)
    changes(stage)
    failed = stage.run_to_the_end()
    text = stage.notices()[-1]["text"]

    assert "it is left alone" in str(failed.reason)
    assert "is being deleted" not in text
    assert "Nothing of the old target" in text


def test_protection_is_not_reported_as_disabled_before_it_is() -> None:
    """A cancel between the decision and the act leaves it as it was."""
    stage = FaultyStage()
    protect(stage)
    stage.night()
    stopped(stage, State.TARGET_DELETING)
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]
    (warning,) = stage.notices()[-1]["warnings"]

    assert cluster["DeletionProtection"]
    assert "the protection is lifted before the deletion" in warning
    assert "was lifted" not in warning


def test_no_warning_on_a_success_sends_people_to_a_rerun(logs: LogOutput) -> None:
    """No warning of a success asks for a rerun, which would be refused."""
    stage = SimulatedStage()
    stage.night()
    stage.aurora.fail_next("AddTagsToResource", "InvalidParameterValue")
    operation = RefusalScene(stage, logs).ends(State.SUCCEEDED)
    (warning,) = operation.warnings

    assert "again" not in warning
    assert warning.endswith("Correct what the answer names.")


def stage_whose_plan_has_a_topic() -> SimulatedStage:
    """Make a stage whose plan tells another topic than the stage's own."""
    stage = SimulatedStage()
    stage.staging()
    stage.topics.create_topic(PLANS_TOPIC)
    stage.parameters.put_parameter(Name="/aurora-restore/test/sns-topic-arn", Value=PLANS_TOPIC)
    return stage


@pytest.mark.parametrize("end", [State.SUCCEEDED, State.FAILED])
def test_a_missing_topic_of_a_plan_is_replaced_by_the_stages_own(
    logs: LogOutput, end: State
) -> None:
    """People are told there how it ended, and that the plan's topic could not be had."""
    stage = stage_whose_plan_has_a_topic()
    stage.night()
    scene = RefusalScene(stage, logs)
    scene.run_until(State.TARGET_CLEAR if end is State.SUCCEEDED else State.SNAPSHOT_FOUND)
    stage.topics.delete_topic(PLANS_TOPIC)
    operation = scene.ends(end)
    (notification,) = told_by(stage, TOPIC)

    assert (end, True) == (notification["outcome"], operation.notified)
    assert operation.warnings == tuple(notification["warnings"])
    assert operation.warnings[-1].startswith(
        f"sns-notification: the plan's topic {PLANS_TOPIC} could not be notified, so the stage's "
        f"own topic, {TOPIC}, is used. "
    )
    assert f"Warning: {operation.warnings[-1]}" in notification["text"]
    assert [] == logs.metrics("NotificationLost")


def test_a_throttled_topic_of_a_plan_is_waited_for_and_then_replaced(logs: LogOutput) -> None:
    """A plan's topic that throttles is retried until the deadline, then the stage's is used."""
    stage = stage_whose_plan_has_a_topic()
    stage.faults.fail_next("sns", "publish", "Throttling", times=3)
    stage.night()
    operation = RefusalScene(stage, logs).ends(State.SUCCEEDED)

    assert () == operation.warnings
    assert 1 == len(told_by(stage, PLANS_TOPIC))
    assert 0 == len(told_by(stage, TOPIC))


def test_when_both_topics_are_gone_the_record_says_that_nobody_was_notified(
    logs: LogOutput,
) -> None:
    """Without both topics the record says that nobody was told, and a metric is there."""
    stage = stage_whose_plan_has_a_topic()
    stage.night()
    scene = RefusalScene(stage, logs)
    scene.run_until(State.TARGET_CLEAR)
    stage.topics.delete_topic(PLANS_TOPIC)
    stage.topics.delete_topic(TOPIC)
    operation = scene.ends(State.SUCCEEDED)

    assert (False, 1) == (operation.notified, len(logs.metrics("NotificationLost")))


def test_a_cancel_before_the_first_deletion_says_that_nothing_was_deleted() -> None:
    """The deletion was decided, and AWS was not asked for it yet."""
    stage = FaultyStage()
    stage.night()
    stopped(stage, State.TARGET_DELETING)

    assert "Nothing of the old target" in stage.notices()[-1]["text"]
    assert "available" == target(stage)["Status"]


@pytest.mark.parametrize(
    ("code", "left"),
    [("AccessDenied", 2), ("KMSKeyNotAccessibleFault", 2), ("InvalidDBClusterStateFault", 0)],
)
def test_a_cluster_whose_deletion_is_refused_is_not_said_to_be_on_its_way_out(
    code: str, left: int
) -> None:
    """A refusal is met before the first instance is deleted, unless it is of the cluster's state.

    That one is what AWS answers to every cluster that has instances.
    """
    stage = FaultyStage()
    stage.inject(fault_injection.refused(code), call="rds.delete_db_cluster", times=999)
    failed = stage.run_night()
    stage.settle()
    text = stage.notices()[-1]["text"]

    assert State.FAILED == failed.state
    assert "available" == target(stage)["Status"]
    assert left == len(target(stage)["DBClusterMembers"])
    assert "has not confirmed the deletion of its cluster" in text
    assert "is being deleted" not in text


def test_a_cancel_after_the_deletion_was_accepted_says_that_there_is_no_target() -> None:
    """Aurora finishes it, whatever becomes of the operation."""
    stage = FaultyStage()
    stage.night()
    operation = stage.reach(State.TARGET_DELETING)
    stage.deliver_one(stage.queue.pop())
    stage.request("CancelRequested", operation_id=operation.operation_id)
    stage.run_to_the_end()

    assert "is being deleted, so there is no target until" in stage.notices()[-1]["text"]
