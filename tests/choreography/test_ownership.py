"""Whose the target is: judged when its deletion is decided and again at every look that deletes,
makes or praises.
"""

from dataclasses import replace

import pytest

from chalicelib.flow.choreography import State
from chalicelib.messages.commands import rerun_command
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION
from tests.choreography.requests import adopt, disown, protect, remove_target, target
from tests.choreography.run_night import FaultyStage, target_of
from tests.refusals.refused_operations import lose_copy
from tests.refusals.remedies import Deed

DELETIONS = ("delete_db_cluster", "delete_db_instance")


def test_tags_that_are_taken_away_in_the_middle_of_a_deletion_are_respected(
    stage: FaultyStage,
) -> None:
    """The deletion was decided and nothing deleted yet: it stays, and the remedy says how to adopt
    it.
    """
    stage.night()
    stage.reach(State.TARGET_DELETING)
    disown(stage)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert State.TARGET_DELETING == ended.stopped_at
    assert "does not carry our tag" in (ended.reason or "")
    assert [] == stage.calls_of(*DELETIONS)
    assert "available" == target(stage)["Status"]


def test_a_target_that_joins_a_global_cluster_in_the_middle_of_a_deletion_is_left_alone(
    stage: FaultyStage,
) -> None:
    """Regions beyond ours depend on it now."""
    stage.night()
    stage.reach(State.TARGET_DELETING)
    stage.rds().create_global_cluster(
        GlobalClusterIdentifier="world", SourceDBClusterIdentifier=target_of("staging-cluster")
    )
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "belongs to the global cluster world" in (ended.reason or "")
    assert [] == stage.calls_of(*DELETIONS)


def test_deletion_protection_set_by_others_is_disabled_and_reported(stage: FaultyStage) -> None:
    """The target is ours: a warning says that it was protected, and the deletion comes at the next
    look only.
    """
    protect(stage)
    ended = stage.run_night()
    methods = [
        call.method
        for call in stage.calls_of("describe_db_clusters", "modify_db_cluster", *DELETIONS)
    ]
    lifted = methods.index("modify_db_cluster")

    assert State.SUCCEEDED == ended.state
    assert 1 == len(ended.warnings)
    assert "describe_db_clusters" == methods[lifted + 1]
    assert [] == stage.broken_promises()
    assert "was protected against deletion, which no operation of ours had set" in ended.warnings[0]


def test_a_strangers_cluster_gets_no_instances_of_ours(stage: FaultyStage) -> None:
    """Somebody replaced what we had restored before its instances were made."""
    stage.night()
    stage.reach(State.CLUSTER_RESTORED)
    remove_target(stage)
    waiting = list(stage.queue)
    stage.make_cluster("staging-cluster", TARGET_REGION, members=0, tags={"owner": "somebody"})
    stage.queue.extend(waiting)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "delete-rds" == ended.rerun_from
    assert "no longer exists" in (ended.reason or "")
    assert [] == stage.created_instances()


def test_success_is_not_reported_for_a_cluster_that_is_gone(stage: FaultyStage) -> None:
    """Deleted while the copy was to be archived: FAILED, and the copy stays."""
    stage.night()
    stage.reach(State.USERS_READY)
    remove_target(stage)
    ended = stage.run_to_the_end()
    command = rerun_command(ended)

    assert "delete-rds" == ended.rerun_from
    assert State.FAILED == ended.state
    assert State.USERS_READY == ended.stopped_at
    assert "swap-target" == ended.failed_step
    assert stage.target().last_success_at is None
    assert command in stage.notices()[-1]["text"]
    assert [] == stage.broken_promises()


def test_the_source_is_known_by_its_id_under_any_name() -> None:
    """A source with the target's name and our tag is recognized by its snapshot's cluster id."""
    stage = FaultyStage({"TARGET_REGION": SOURCE_REGION, "KMS_KEY_ID": ""}, staging=False)
    stage.network.groups["sg-staging"] = f"vpc-{SOURCE_REGION}-default"
    adopt(stage, SOURCE_REGION, "prod-cluster", "default")
    stage.untouched = stage.bystanders()
    name = stage.night()
    stage.settle()
    clusters = stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters
    clusters["staging-cluster"] = clusters.pop(
        "prod-cluster"
    )  # nobody renames a cluster for us, so the model does not
    clusters["staging-cluster"].arn = replace(
        clusters["staging-cluster"].arn, identifier="staging-cluster"
    )
    stage.request("RestoreRequested", snapshot_identifier=name)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "delete-rds" == ended.failed_step
    assert "is the source cluster itself" in (ended.reason or "")
    assert [] == stage.calls_of(*DELETIONS)


def test_a_plan_whose_target_is_another_plans_source_is_unusable(stage: FaultyStage) -> None:
    """The plan is refused with the reason, even with our tag; the other plan goes on."""
    stage.make_cluster("other-prod", "eu-west-1")
    settings = {
        "source-cluster-id": "other-prod",
        "source-region": "eu-west-1",
        "target-cluster-id": "prod-cluster",
        "target-region": SOURCE_REGION,
        "vpc-security-group-ids": "sg-e",
    }
    for name, value in settings.items():
        stage.parameters.put_parameter(Name=f"/aurora-restore/test/plans/b/{name}", Value=value)
    adopt(stage, SOURCE_REGION, "prod-cluster", "b")
    stage.untouched = stage.bystanders()
    stage.request("RestoreRequested", plan="b")
    (notice,) = stage.notices()
    ended = stage.run_night()
    expected = "The target of plan b, arn:aws:rds:us-east-1:123456789012:cluster:prod-cluster"

    assert State.SUCCEEDED == ended.state
    assert ["default"] == [operation.plan_name for operation in stage.all_operations()]
    assert "refused" == notice["kind"]
    assert [] == stage.failures
    assert [] == stage.broken_promises()
    assert expected in notice["reason"]


def test_a_target_of_which_no_final_snapshot_can_be_taken_keeps_its_instances() -> None:
    """AWS would refuse the cluster's deletion after the instances were gone."""
    stage = FaultyStage({"SKIP_FINAL_SNAPSHOT": "false"})
    stage.night()
    stage.reach(State.TARGET_DELETING)
    stage.aurora.set_status(target_of("staging-cluster"), "inaccessible-encryption-credentials")
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "delete-rds" == ended.rerun_from
    assert [] == stage.calls_of(*DELETIONS)
    assert "no final snapshot can be taken" in (ended.reason or "")


def test_a_target_in_a_status_that_nobody_knows_keeps_its_instances(stage: FaultyStage) -> None:
    """No instance is deleted while the cluster's status may exclude its deletion."""
    stage.night()
    stage.reach(State.TARGET_DELETING)
    stage.aurora.set_status(
        target_of("staging-cluster"), "inaccessible-encryption-credentials-recoverable"
    )
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert State.TARGET_DELETING == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)


def disable_key(stage: FaultyStage) -> None:
    """Disable the key that the copy is under."""
    stage.keys.disable(stage.key_arn())


@pytest.mark.parametrize(
    ("change", "words"), [(lose_copy, "is gone; the old target"), (disable_key, "is Disabled")]
)
@pytest.mark.parametrize("stopped_before", [False, True])
def test_the_snapshot_is_checked_again_right_before_the_first_deletion(
    stage: FaultyStage, change: Deed, words: str, *, stopped_before: bool
) -> None:
    """The old target stays where its copy or its key was lost after the decision."""
    if stopped_before:
        stage.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
        stage.settle()
    stage.night()
    stage.reach(State.TARGET_DELETING)
    change(stage)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert State.TARGET_DELETING == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)
    assert words in str(ended.reason)


def test_the_final_snapshots_name_is_checked_again_right_before_the_first_deletion() -> None:
    """AWS would refuse the cluster's deletion after the instances were gone."""
    stage = FaultyStage({"SKIP_FINAL_SNAPSHOT": "false"})
    stage.night()
    victim = stage.reach(State.TARGET_DELETING).facts.target.old
    name = str(victim.final_snapshot_id if victim else None)
    stage.rds().create_db_cluster_snapshot(
        DBClusterIdentifier="bystander", DBClusterSnapshotIdentifier=name
    )
    ended = stage.run_to_the_end()

    assert (State.FAILED, []) == (ended.state, stage.calls_of(*DELETIONS))
    assert "has the name that the old target's final snapshot needs" in str(ended.reason)


def test_a_protection_that_comes_after_the_decision_is_respected(stage: FaultyStage) -> None:
    """Nobody was told that it would be lifted: it is not, and nothing is deleted."""
    stage.night()
    stage.reach(State.TARGET_DELETING)
    protect(stage)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert [] == stage.calls_of(*DELETIONS)
    assert target(stage)["DeletionProtection"] is True
    assert "was protected against deletion after its deletion had been decided" in str(ended.reason)
