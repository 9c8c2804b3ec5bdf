"""RollbackRequested where pointers lead to the target: they name the previous one again."""

import json

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from simulation.stage import ACCOUNT, APP_SECRET, STAGE, TARGET_REGION, TOPIC
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import DNS_NAME, FOLDER, TARGET, A, B, PointerStage
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import first_and_second


@pytest.mark.parametrize("stop", ["false", "true"])
def test_the_previous_target_comes_back_on_request(stop: str) -> None:
    """It is started if it was stopped, and the one that people did not want is kept for a while."""
    stage = PointerStage(STOP_PREVIOUS=stop)
    old, new = first_and_second(stage)
    stage.run(1800)
    stage.ask_back(stage.restores()[0], reason="broken")
    ended = stage.run_until_ended(2)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert {TARGET: old, A: new} == stage.standing()
    assert stage.all_name(TARGET) == stage.pointed()
    stage.run(20 * 3600)
    assert {TARGET: old} == stage.standing()
    assert [State.CANCELLED, State.RETIRED] == [found.state for found in stage.retirements()]
    assert [] == stage.broken_promises()


def test_the_night_after_a_rollback_makes_the_other_cluster() -> None:
    """What people did not want makes room."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    yesterday, _ = stage.standing()[A], first_and_second_of(stage)
    stage.ask_back(stage.restores()[-1])
    ended = stage.run_until_ended(3)
    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()
    last = stage.run_night()

    assert State.SUCCEEDED is last.state, last.reason
    assert {A: yesterday, B: last.facts.target.cluster_resource_id} == stage.standing()
    assert stage.all_name(B) == stage.pointed()


def test_refusals_call_the_cluster_the_target_that_pointers_name() -> None:
    """It has another name than the setting."""
    stage = PointerStage()
    first = stage.run_night()
    stage.run(20 * 3600)
    stage.run_night()
    stage.ask_back(first)
    not_last = stage.notices()[-1]["reason"]
    stage.request(REQUESTED, snapshot_identifier=first.facts.snapshot.arn)
    older = stage.notices()[-1]["reason"]
    stage.run(20 * 3600)
    third = stage.run_night()
    stage.request(REQUESTED, rerun_of=first.operation_id, from_step="setup-db-users")
    replaced = stage.notices()[-1]["reason"]

    assert f":cluster:{B} last, so" in not_last
    assert older.startswith(f"The target {B} holds data of ")
    assert f":cluster:{A} ({third.facts.target.cluster_resource_id}) now." in replaced
    assert replaced.endswith(f"The last success on it is {third.operation_id}.")


def first_and_second_of(stage: PointerStage) -> str:
    """Run a night; returns the resource id of its cluster."""
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    return str(ended.facts.target.cluster_resource_id)


def test_a_rollback_can_be_rolled_back() -> None:
    """The pointers go there and back."""
    stage = PointerStage()
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    rolled_back = stage.run_until_ended(2)
    stage.ask_back(rolled_back)
    ended = stage.run_until_ended(3)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert {TARGET: old, A: new} == stage.standing()
    assert stage.all_name(A) == stage.pointed()


def test_a_rollback_that_fails_leaves_people_the_present_target() -> None:
    """The pointers are put back to it."""
    stage = PointerStage()
    first_and_second(stage)
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert stage.all_name(A) == stage.pointed()


def test_a_previous_target_that_is_gone_cannot_come_back() -> None:
    """The request is refused with a sentence."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.ask_back(stage.restores()[0])

    assert 1 == len(stage.restores())
    assert "gone" in stage.notices()[-1]["text"]
    assert stage.all_name(A) == stage.pointed()


def test_a_previous_target_that_fails_to_start_changes_nothing() -> None:
    """Nothing was published before the proof."""
    stage = PointerStage(STOP_PREVIOUS="true")
    first_and_second(stage)
    stage.run(1800)
    stage.inject(lambda: stage.fail(TARGET), call="rds.start_db_cluster", after_effect=True)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert stage.all_name(A) == stage.pointed()


def test_a_rollback_while_an_older_target_is_deleted_names_that_deletion() -> None:
    """It begins when it is asked for again."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(6 * 3600)
    first_and_second_of(stage)
    while stage.retirements()[0].state is not State.PREVIOUS_DELETING:
        stage.step_time()
        stage.deliver()
    deleting, second = stage.retirements()[0], stage.restores()[-1]
    stage.ask_back(second, request_id="back")
    stage.deliver()
    skipped, text = stage.restores()[-1], stage.notices()[-1]["text"]
    stage.run(3600)
    stage.ask_back(second, request_id="back")
    ended = stage.run_until_ended(4)
    reason = f"The operation {deleting.operation_id} deletes a previous cluster of the target"

    assert State.SKIPPED is skipped.state
    assert f"did not begin. {reason} {TARGET} ({B}) now." in text
    assert "When it has ended, ask again." in text
    assert f'{skipped.operation_id} was started by request "back".' in text
    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()


def test_a_deletion_whose_record_is_gone_holds_up_no_rollback() -> None:
    """Its note in the target's item is forgotten, as a lock is."""
    stage = PointerStage()
    first_and_second(stage)
    operation = stage.restores()[0]
    item = stage.store.tables["state"][f"target#{operation.plan.target_cluster_arn}"]
    item["deleted_by"] = "retire-gone"
    stage.ask_back(operation)

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert stage.all_name(TARGET) == stage.pointed()


def test_subjects_name_the_cluster_that_is_the_target() -> None:
    """There is none of the target's own name, once both take turns."""
    stage = PointerStage(NOTICE_MINUTES="5")
    first_and_second(stage)
    stage.run(20 * 3600)
    first_and_second_of(stage)
    stage.ask_back(stage.restores()[-1])
    stage.run_until_ended(3)
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    failed = stage.run_night()
    subjects = [found["Subject"] for found in stage.topics.published(TOPIC)]
    told = [one.removeprefix(f"aurora-restore {STAGE}: ") for one in subjects]
    text = stage.notices()[-1]["text"]

    assert State.FAILED is failed.state
    assert [
        f"{TARGET} will be replaced",
        f"{A} SUCCEEDED",
        f"{A} will be replaced",
        f"{B} SUCCEEDED",
        f"{A} SUCCEEDED",
        f"{A} will be replaced",
        f"{A} FAILED",
    ] == [one for one in told if "CANCELLED" not in one]
    assert text.startswith(f"The restore of the target {TARGET} ({A}) failed at swap-target: ")


def test_pointers_that_stand_half_way_are_moved_on_and_then_back() -> None:
    """The way back does not finish; the notice leads to the page, which names both requests."""
    stage = PointerStage()
    denied = refused("AccessDenied")
    stage.inject(denied, state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    stage.inject(denied, state="ROLLING_BACK", call="secretsmanager.", times=9)
    failed = stage.run_night()
    text, half_way = stage.notices()[-1]["text"], stage.pointed()
    stage.call_faults.clear()
    go_on(stage, text)
    ended = stage.run_until_ended(2)
    moved_on = stage.pointed()
    stage.ask_back(ended)
    back = stage.run_until_ended(3)

    assert (State.FAILED, State.ROLLING_BACK) == (failed.state, failed.stopped_at)
    assert "The rollback did not finish: " in text
    assert f"At that time, the secret {APP_SECRET} could not be read; " in text
    assert f"the SSM parameters below {FOLDER} name no cluster; the record {DNS_NAME} leads" in text
    assert "docs/runbook.md#pointers-that-were-not-moved-everywhere" in text
    assert (A, None) == (half_way["secret"], half_way["parameters"])
    assert (State.SUCCEEDED, State.SUCCEEDED) == (ended.state, back.state)
    assert stage.all_name(A) == moved_on
    assert stage.all_name(TARGET) == stage.pointed()


def half_way(stage: PointerStage) -> tuple[str, str]:
    """Give what the places name after a way back that did not finish, and what it is to be."""
    new, old = stage.endpoint(A), stage.endpoint(TARGET)
    named = (
        f"At that time, the secret {APP_SECRET} names {A} at {new}; the SSM parameters below "
        f"{FOLDER} name no cluster; the record {DNS_NAME} leads to {old}."
    )
    by_hand = f"To lead clients to {TARGET} by hand, write host={old}, reader_host="
    return named, by_hand


def test_a_way_back_that_aws_refuses_says_what_the_pointers_name_and_what_to_write() -> None:
    """Each place is named with the cluster that clients find there by now."""
    stage = PointerStage()
    denied = refused("AccessDenied")
    stage.inject(denied, state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    stage.inject(denied, state="ROLLING_BACK", call="secretsmanager.put_secret_value", times=9)
    failed = stage.run_night()
    named, by_hand = half_way(stage)

    assert (State.FAILED, State.ROLLING_BACK) == (failed.state, failed.stopped_at)
    assert "AccessDenied" in str(failed.reason)
    assert named in str(failed.reason)
    assert by_hand in str(failed.remedy)
    assert f"and let the record {DNS_NAME} lead to that host." in str(failed.remedy)
    assert "Run it again: " in stage.notices()[-1]["text"]


def test_a_way_back_whose_time_is_over_says_what_the_pointers_name() -> None:
    """AWS is too busy to write the secret, until the deadline has passed."""
    stage = PointerStage(SWAP_DEADLINE="300")
    denied, busy = refused("AccessDenied"), refused("Throttling")
    stage.inject(denied, state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    stage.inject(busy, state="ROLLING_BACK", call="secretsmanager.put_secret_value", times=999)
    failed = stage.run_night()
    named, by_hand = half_way(stage)

    assert (State.FAILED, State.ROLLING_BACK) == (failed.state, failed.stopped_at)
    assert "the deadline of ROLLING_BACK has passed" in str(failed.reason)
    assert named.rstrip(".") in str(failed.reason)
    assert by_hand in str(failed.remedy)


def test_a_way_back_that_waits_for_route_53_in_vain_says_what_the_pointers_name() -> None:
    """Its servers do not have the change when the deadline passes."""
    stage = PointerStage(SWAP_DEADLINE="30")
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="ssm.put_parameter", times=9)
    failed = stage.run_night()

    assert (State.FAILED, State.ROLLING_BACK) == (failed.state, failed.stopped_at)
    assert "Route 53 takes the change" in str(failed.reason)
    named = f"the secret {APP_SECRET} names {TARGET} at {stage.endpoint(TARGET)}"
    assert f"At that time, {named}" in str(failed.reason)


def test_a_way_back_says_what_somebody_else_has_written_meanwhile() -> None:
    """That stays, so not all places name the old cluster."""
    stage = PointerStage()
    operation = stage.proving()
    stage.deliver_one(stage.queue.popleft())
    other = json.dumps({**stage.secret(), "host": "by-hand", "cluster_id": "by-hand"})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=other)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)
    old = ended.facts.target.old

    assert State.CANCELLED is ended.state
    assert "by-hand" == stage.pointed()["secret"]
    assert old is not None
    assert (
        f"the pointers name {TARGET}, {old.resource_id}; others have changed the secret "
        f"{APP_SECRET} since, which stays so." in str(ended.reason)
    )


def test_a_first_night_that_is_cancelled_blames_nobody_for_pointers_that_it_never_made() -> None:
    """No place names a cluster, before and after."""
    stage = PointerStage()
    operation = stage.proving()
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)

    assert State.CANCELLED is ended.state
    assert stage.all_name(None) == stage.pointed()
    assert "the pointers name no cluster." in str(ended.reason)


def test_a_first_night_that_cannot_write_all_pointers_says_which_name_nothing() -> None:
    """The parameters cannot be written; the others lead to the target that was there."""
    stage = PointerStage()
    stage.proving()
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call="ssm.put_parameter", times=99)
    ended = stage.run_until_ended(1)

    assert (State.FAILED, TARGET) == (ended.state, stage.pointed()["secret"])
    assert f"; the SSM parameters below {FOLDER} name no cluster." in str(ended.reason)
    assert "others" not in str(ended.reason)


def test_a_way_back_without_either_cluster_does_not_claim_that_nothing_is_named() -> None:
    """Both are gone, and the pointers still name what was there."""
    stage = PointerStage()
    operation = stage.proving()
    stage.deliver_one(stage.queue.popleft())
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    for name in (TARGET, A):
        region.clusters.pop(name)
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)

    assert State.CANCELLED is ended.state
    assert "the pointers are as they were, because neither cluster is found." in str(ended.reason)
