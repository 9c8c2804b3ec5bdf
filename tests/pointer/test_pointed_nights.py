"""Nights whose new target is found by pointers: what stands there, and what names it."""

import json

from chalicelib.flow.choreography import CANCEL_REQUESTED, State
from simulation.stage import APP, APP_SECRET, TOPIC
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import DNS_NAME, FOLDER, TARGET, A, B, PointerStage
from tests.swap.swap_stage import first_and_second


def test_a_first_night_adopts_the_target_and_points_to_the_new_cluster() -> None:
    """Nothing is renamed: the old target keeps its name until its time is over."""
    stage = PointerStage()
    old, new = first_and_second(stage)

    assert {TARGET: old, A: new} == stage.standing()
    assert stage.all_name(A) == stage.pointed()
    assert APP.items() <= stage.secret().items()
    stage.run(13 * 3600)
    assert {A: new} == stage.standing()
    assert [State.RETIRED] == [found.state for found in stage.retirements()]
    assert [] == stage.broken_promises()


def test_an_adopted_target_is_kept_as_a_snapshot_when_it_is_deleted() -> None:
    """No operation of ours made it, so its last state is kept, whatever the settings say."""
    stage = PointerStage(staging=False)
    stage.staging(tags={"aurora-restore": "test/default"})
    first_and_second(stage)
    stage.run(13 * 3600)
    found = stage.rds().describe_db_cluster_snapshots(DBClusterIdentifier=TARGET)
    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in found["DBClusterSnapshots"]]

    assert any(name.endswith("-final") for name in names)


def test_two_clusters_take_turns() -> None:
    """Each night makes the one that is not in use, and the pointers follow."""
    stage, names = PointerStage(), []
    for _ in range(3):
        ended = stage.run_night()
        names += [ended.facts.target.cluster_id]
        assert stage.all_name(names[-1]) == stage.pointed()
        stage.run(20 * 3600)

    assert [A, B, A] == names
    assert {A: stage.restores()[-1].facts.target.cluster_resource_id} == stage.standing()
    assert [] == stage.broken_promises()


def test_a_first_night_without_a_target_has_nothing_to_keep() -> None:
    """The pointers are made, and no retirement begins."""
    stage = PointerStage(staging=False)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert [A] == [*stage.standing()]
    assert stage.all_name(A) == stage.pointed()
    assert [] == stage.retirements()


def test_a_stage_without_a_record_asks_route_53_nothing() -> None:
    """The secret and the parameters are enough."""
    stage = PointerStage(TARGET_DNS_NAME="", TARGET_DNS_ZONE_ID="")
    stage.run_night()

    assert {**stage.all_name(A), "record": None} == stage.pointed()
    assert [] == [call for call in stage.made if call.service == "route53"]


def test_a_previous_target_that_is_still_kept_makes_room_for_the_next() -> None:
    """Only two clusters take turns, so it is deleted when the next restore begins."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(23 * 3600)
    first_and_second(stage)
    stage.run(23 * 3600)
    assert {TARGET, A, B} == {*stage.standing()} | {TARGET}
    before = stage.standing()[B]
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert {A: ended.facts.target.cluster_resource_id, B: before} == {
        name: found for name, found in stage.standing().items() if name != TARGET
    }


def test_a_previous_target_that_people_keep_stops_the_next_night() -> None:
    """The name is taken for good: the operation says so before it makes anything."""
    stage = PointerStage()
    for _ in range(2):
        stage.run_night()
        stage.run(20 * 3600)
    stage.run_night()
    last = stage.retirements()[-1]
    stage.request(CANCEL_REQUESTED, operation_id=last.operation_id)
    stage.run(20 * 3600)
    before = stage.standing()
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert f"{last.operation_id} did not delete it: it is CANCELLED" in (ended.reason or "")
    assert before == stage.standing()
    assert stage.all_name(A) == stage.pointed()


def test_a_cluster_of_a_night_that_failed_is_deleted_by_the_next() -> None:
    """It was never opened, and no pointer names it."""
    stage = PointerStage()
    old = stage.standing()[TARGET]
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    failed = stage.run_night()
    left = stage.standing()[A]
    stage.call_faults.clear()
    stage.run(20 * 3600)
    ended = stage.run_night()

    assert State.FAILED is failed.state
    assert State.SUCCEEDED is ended.state, ended.reason
    assert {TARGET: old, A: ended.facts.target.cluster_resource_id} == stage.standing()
    assert left != stage.standing()[A]


def test_a_left_over_cluster_that_people_begin_to_use_is_not_deleted() -> None:
    """Somebody pointed the secret to it after its deletion had been decided."""
    stage = PointerStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    stage.run_night()
    left = stage.standing()[A]
    stage.call_faults.clear()
    stage.run(20 * 3600)
    stage.night()
    stage.reach(State.TARGET_DELETING)
    value = json.dumps({**stage.secret(), "cluster_id": A})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=value)
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert "People use the cluster" in (ended.reason or "")
    assert left == stage.standing()[A]


def test_a_target_that_somebody_deleted_is_made_again_under_its_name() -> None:
    """The other name is the previous target's, which is all that people have."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    for _ in range(2):
        stage.run_night()
        stage.run(20 * 3600)
    kept = stage.standing()[A]
    stage.remove(B)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert (kept, ended.facts.target.cluster_resource_id) == (
        stage.standing()[A],
        stage.standing()[B],
    )
    assert stage.all_name(B) == stage.pointed()


def test_a_rerun_after_a_failed_publication_finishes_the_night() -> None:
    """The new cluster is kept for it."""
    stage = PointerStage()
    stage.inject(refused("AccessDenied"), step="swap-target", call="ssm.put_parameter", times=99)
    failed = stage.run_night()
    stage.call_faults.clear()
    stage.request("RestoreRequested", request_id="again", rerun_of=failed.operation_id)
    ended = stage.run_until_ended(2)

    assert (State.FAILED, State.SUCCEEDED) == (failed.state, ended.state)
    assert stage.all_name(A) == stage.pointed()
    assert failed.facts.target.cluster_resource_id == stage.standing()[A]


def test_users_that_cannot_log_in_are_never_pointed_to() -> None:
    """Nothing was published, so nothing has to be put back."""
    stage = PointerStage()
    stage.night()
    stage.reach(State.TARGET_CHOSEN)
    new = stage.standing()[A]
    stage.data.clusters[new].roles["app_user"].can_login = False
    ended = stage.run_until_ended(1)

    assert State.FAILED is ended.state
    assert "refuses app_user" in (ended.reason or "")
    assert stage.all_name(None) == stage.pointed()
    assert State.ROLLING_BACK not in [lasted.state for lasted in ended.durations]


def test_a_success_names_the_present_cluster_and_where_the_pointers_are() -> None:
    """No cluster that the notification calls fresh has the name of another."""
    stage = PointerStage()
    first_and_second(stage)
    told = json.loads(stage.topics.published(TOPIC)[-1]["sqs"])
    places = f"the secret {APP_SECRET}, the SSM parameters below {FOLDER} and the record {DNS_NAME}"

    assert told["text"].startswith(f"{told['target_cluster']} is fresh: it was restored from arn:")
    assert told["target_cluster"].endswith(f":cluster:{A}")
    assert f"\nPointers: {A} is named by {places}.\n" in told["text"]


def test_what_did_not_succeed_names_the_target_and_no_cluster() -> None:
    """The cluster under the target's own name has no part in it."""
    stage = PointerStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    stage.run_night()
    told = json.loads(stage.topics.published(TOPIC)[-1]["sqs"])

    assert told["text"].startswith(f"The restore of the target {TARGET} failed at ")
