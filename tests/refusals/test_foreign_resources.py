"""Somebody else's things that turn up in the middle, under our names: they are left alone, whatever
it costs us.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import OPERATION_TAG, OWNER_TAG
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.refusals.scene import OWNER, TARGET_ARN, LogOutput, RefusalScene, belongings


def night_and_its_copys_name(scene: RefusalScene) -> tuple[str, str]:
    """Let a night fall; returns the operation's id and the name that its copy is going to have."""
    scene.stage.night()
    operation = scene.run_until(State.SNAPSHOT_FOUND)
    return operation.operation_id, operation.copy_name(scene.stage.key_arn())


def take_snapshot(stage: SimulatedStage, name: str, tags: dict[str, str]) -> None:
    """Have somebody take a snapshot of the old target."""
    stage.rds().create_db_cluster_snapshot(
        DBClusterIdentifier="staging-cluster",
        DBClusterSnapshotIdentifier=name,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


@pytest.mark.parametrize("tags", [{}, {OWNER_TAG: OWNER, OPERATION_TAG: "another"}])
def test_a_strangers_snapshot_under_our_copys_name_is_neither_used_nor_deleted(
    scene: RefusalScene, tags: dict[str, str]
) -> None:
    """A snapshot of somebody else's, or of another operation, is neither used nor deleted."""
    _, name = night_and_its_copys_name(scene)
    take_snapshot(scene.stage, name, tags)
    operation = scene.fails(at="copy-snapshot")
    found = str(operation.reason)

    assert f"cluster-snapshot:{name} has the name of our copy but not our tags" in found
    remedy = (
        "It is left alone. Delete it if it is not needed; a snapshot cannot be renamed, only "
        "copied."
    )
    assert remedy == operation.remedy
    assert 1 == len(
        scene.stage.rds().describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)[
            "DBClusterSnapshots"
        ]
    )


def test_another_stages_snapshot_under_our_copys_name_is_said_to_be_theirs(
    scene: RefusalScene,
) -> None:
    """A snapshot of another stage is said to be that stage's, and nobody is told to delete it."""
    _, name = night_and_its_copys_name(scene)
    take_snapshot(scene.stage, name, {OWNER_TAG: "prod/default"})
    operation = scene.fails(at="copy-snapshot")

    assert f"{name} has the name of our copy and belongs to prod/default; it is left alone." in str(
        operation.reason
    )
    assert str(operation.remedy).startswith("Let whoever runs prod/default delete it")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({}, "has the name that the old target's final snapshot needs."),
        (
            {OWNER_TAG: "prod/default"},
            "whose name the final snapshot needs, belongs to prod/default, not to ",
        ),
    ],
)
def test_a_strangers_snapshot_under_the_final_snapshots_name_is_met_before_the_deletion(
    logs: LogOutput, tags: dict[str, str], reason: str
) -> None:
    """AWS would refuse the deletion when the target's instances are gone already."""
    stage = SimulatedStage({"SKIP_FINAL_SNAPSHOT": "false"})
    stage.staging()
    scene = RefusalScene(stage, logs)
    stage.night()
    take_snapshot(stage, scene.run_until(State.COPYING).name_of_final_snapshot, tags)
    before = scene.target_ids()
    operation = scene.fails(at="delete-rds")

    assert reason in str(operation.reason)
    assert before == scene.target_ids()


def test_a_snapshot_with_all_our_tags_that_is_no_copy_of_the_nights_is_not_restored(
    scene: RefusalScene,
) -> None:
    """Tags can be copied along; stale data must never be called fresh."""
    operation_id, name = night_and_its_copys_name(scene)
    take_snapshot(scene.stage, name, {OWNER_TAG: OWNER, OPERATION_TAG: operation_id})
    operation = scene.fails(at="check-copy-status")
    found = str(operation.reason)

    assert f"cluster-snapshot:{name} is not a copy of arn:aws:rds:us-east-1:" in found


def test_a_copy_with_all_our_tags_of_another_night_is_not_restored(scene: RefusalScene) -> None:
    """A tagged copy of another source snapshot is not restored."""
    earlier = scene.stage.night()
    scene.stage.settle()
    scene.stage.clock.advance(3600)
    operation_id, name = night_and_its_copys_name(scene)
    scene.stage.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster-snapshot:{earlier}",
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId="alias/aurora-restore",
        Tags=[{"Key": OWNER_TAG, "Value": OWNER}, {"Key": OPERATION_TAG, "Value": operation_id}],
    )
    operation = scene.fails(at="check-copy-status")
    found = str(operation.reason)

    assert f"but of arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster-snapshot:{earlier}." in found


def test_a_new_instance_in_the_recorded_target_stops_the_deletion(scene: RefusalScene) -> None:
    """An instance added after the decision stops the deletion, and nothing is deleted."""
    scene.stage.night()
    scene.run_until(State.TARGET_DELETING)
    scene.stage.rds().create_db_instance(
        DBInstanceIdentifier="urgent-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
    )
    before = scene.target_ids()
    operation = scene.fails(at="delete-rds")

    assert f"The target {TARGET_ARN} does not carry our tag" in str(operation.reason)
    assert "(missing on urgent-reader); it is left alone." in str(operation.reason)
    assert before == scene.target_ids()


def test_a_new_instance_with_our_tag_stops_the_deletion_as_well(scene: RefusalScene) -> None:
    """An added instance stops the deletion even with our tag."""
    scene.stage.night()
    scene.run_until(State.TARGET_DELETING)
    scene.stage.rds().create_db_instance(
        DBInstanceIdentifier="urgent-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=[{"Key": OWNER_TAG, "Value": OWNER}],
    )
    before = scene.target_ids()
    operation = scene.fails(at="delete-rds")
    expected = "The target staging-cluster has new instances, urgent-reader; it is left alone."

    assert expected == operation.reason
    assert "delete-rds" == operation.rerun_from
    assert before == scene.target_ids()


def test_a_cluster_made_under_the_targets_name_right_after_the_deletion_is_left_alone(
    scene: RefusalScene,
) -> None:
    """A cluster with another resource id than the deleted target's is left alone."""
    scene.stage.night()
    scene.run_until(State.TARGET_DELETING)
    scene.stage.deliver()
    scene.stage.settle()
    scene.stage.make_cluster("staging-cluster", TARGET_REGION)
    operation = scene.fails(at="delete-rds")

    assert "The name staging-cluster now belongs to another cluster" in str(operation.reason)
    assert "Find out who made it, and delete it if it is not needed." == operation.remedy


@pytest.mark.parametrize(
    "tags", [{}, {OWNER_TAG: OWNER}, {OWNER_TAG: OWNER, OPERATION_TAG: "another"}]
)
def test_a_cluster_made_under_the_targets_name_before_the_restore_is_left_alone(
    scene: RefusalScene, tags: dict[str, str]
) -> None:
    """`Already exists` is success only for what this operation made itself."""
    scene.stage.night()
    scene.run_until(State.TARGET_CLEAR)
    scene.stage.make_cluster("staging-cluster", TARGET_REGION, tags=tags)
    before = scene.target_ids()
    operation = scene.fails(at="restore-snapshot")
    found = str(operation.reason)

    assert f"A cluster {TARGET_ARN} appeared under the target's name meanwhile" in found
    assert before == scene.target_ids()


def test_another_stages_cluster_under_the_targets_name_is_said_to_be_theirs(
    scene: RefusalScene,
) -> None:
    """The refusal names the stage of a cluster that appeared after the deletion."""
    scene.stage.night()
    scene.run_until(State.TARGET_CLEAR)
    scene.stage.make_cluster("staging-cluster", TARGET_REGION, tags={OWNER_TAG: "prod/default"})
    operation = scene.fails(at="restore-snapshot")
    expected = f"which appeared under the target's name, belongs to prod/default, not to {OWNER}"

    assert expected in str(operation.reason)
    assert "add-tags" not in str(operation.remedy)


def test_an_instance_name_that_somebody_took_is_refused(scene: RefusalScene) -> None:
    """Instance names are the region's, not the cluster's."""
    scene.stage.night()
    scene.run_until(State.CLUSTER_RESTORING)
    scene.stage.rds().create_db_cluster(
        DBClusterIdentifier="quick-one",
        Engine="aurora-postgresql",
        EngineVersion="16.11",
        MasterUsername="master",
        MasterUserPassword="somebody-elses",
        DatabaseName="shop",
    )
    scene.stage.move_to(scene.stage.aurora.next_transition() or scene.stage.clock.now())
    scene.stage.rds().create_db_instance(
        DBInstanceIdentifier="staging-cluster-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="quick-one",
    )
    operation = scene.fails(at="restore-snapshot")
    found = str(operation.reason)

    assert "The instance name staging-cluster-1 is taken by arn:aws:rds:us-west-2" in found
    assert "staging-cluster-1" in scene.target_ids()


@pytest.mark.parametrize(
    ("state", "step", "rerun_from"),
    [
        (State.CLUSTER_RESTORING, "check-restore-status", "delete-rds"),
        (State.CLUSTER_RESTORED, "restore-snapshot", "delete-rds"),
        (State.INSTANCES_CREATING, "check-restore-status", "delete-rds"),
        (State.RESTORED, "setup-db-users", "delete-rds"),
        (State.USERS_READY, "swap-target", "delete-rds"),
        (State.TARGET_OPEN, "archive-snapshot", None),
    ],
)
def test_a_restored_cluster_that_somebody_replaced_is_not_taken_for_ours(
    scene: RefusalScene, state: State, step: str, rerun_from: str | None
) -> None:
    """The cluster of that name has another resource id: nothing is created in it or said of it.

    Once people had the restored one, only a new restore may replace what is there.
    """
    scene.stage.night()
    operation = scene.run_until(state)
    region = scene.stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    region.clusters["staging-cluster"].resource_id = "cluster-SOMEBODYELSES"
    failed = scene.fails(at=step)

    assert (
        f"The restored cluster {operation.facts.target.cluster_resource_id} no longer exists"
        in str(failed.reason)
    )
    assert "the cluster cluster-SOMEBODYELSES now has its name." in str(failed.reason)
    assert rerun_from == failed.rerun_from


def test_a_restored_cluster_that_somebody_removed_is_missed(scene: RefusalScene) -> None:
    """A restored cluster without instances that a person deletes fails the operation."""
    scene.stage.night()
    scene.run_until(State.CLUSTER_RESTORED)
    scene.stage.deliver()
    scene.run_until(State.INSTANCES_CREATING)
    del scene.stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters["staging-cluster"]
    operation = scene.ends(State.FAILED)

    assert "no cluster now has its name." in str(operation.reason)


def test_a_strangers_snapshot_under_the_old_copys_name_is_not_put_away(
    logs: LogOutput,
) -> None:
    """ARCHIVE_SNAPSHOT=false deletes a copy of ours, never somebody's snapshot.

    A good restore stays good.
    """
    stage = SimulatedStage({"ARCHIVE_SNAPSHOT": "false"})
    scene = RefusalScene(stage, logs)
    stage.night()
    name = scene.run_until(State.RESTORED).name_of_copy
    stage.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    stage.aurora.lose_snapshot(f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{name}")
    take_snapshot(stage, name, {})
    operation = scene.ends(State.SUCCEEDED)

    assert "has the name of our copy but not our tags" in operation.warnings[0]
    assert any(arn.endswith(name) for arn in belongings(stage))
