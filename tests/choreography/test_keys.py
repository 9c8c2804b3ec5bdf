"""The key of the copy and of the new cluster: resolved once, and the same for both, whatever
happens to it.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import ARCHIVED_TAG
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage

OTHER = "alias/other"


def other_key(stage: FaultyStage) -> str:
    """Make a second key in the target's region; returns its ARN."""
    return stage.keys.create(ACCOUNT, TARGET_REGION, OTHER).arn


def key_of_target(stage: FaultyStage) -> str:
    """Give the key that the target cluster is under."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
    return str(found["KmsKeyId"])


def keys_of_copies(stage: FaultyStage) -> list[str]:
    """List the keys of the copies in the target's region, as they were made."""
    return [str(call.parameters["KmsKeyId"]) for call in stage.calls_of("copy_db_cluster_snapshot")]


def copies(stage: FaultyStage) -> list[str]:
    """List the copies that are there."""
    found = stage.rds().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    return [str(copy["DBClusterSnapshotIdentifier"]) for copy in found]


def disabled_during_the_copy(stage: FaultyStage) -> Operation:
    """Let the key be disabled while the copy is made; returns the operation, which failed."""
    stage.night()
    stage.reach(State.COPYING)
    stage.keys.disable(stage.key_arn())
    return stage.run_to_the_end()


def test_a_key_that_is_disabled_during_the_copy_leaves_the_old_target(stage: FaultyStage) -> None:
    """The copy is there, and cannot be restored: the check before the deletion says so."""
    failed = disabled_during_the_copy(stage)

    assert State.FAILED == failed.state
    assert State.SNAPSHOT_READY == failed.stopped_at
    assert "Disabled" in (failed.reason or "")
    assert [] == stage.calls_of("delete_db_instance", "delete_db_cluster")


@pytest.mark.parametrize("how", [{}, {"from_step": "copy-snapshot"}, {"from_step": "delete-rds"}])
def test_a_rerun_under_another_key_copies_again(stage: FaultyStage, how: dict[str, str]) -> None:
    """A rerun after a change of KMS_KEY_ID, which the remedy names, makes another copy."""
    failed = disabled_during_the_copy(stage)
    wanted, stage.environment["KMS_KEY_ID"] = other_key(stage), OTHER
    again(stage, failed.operation_id, **how)
    ended = stage.all_operations()[-1]

    assert State.SUCCEEDED == ended.state
    assert "SNAPSHOT_FOUND" == stage.path()[0]
    assert wanted == ended.facts.copies.kms_key_arn
    assert wanted == keys_of_copies(stage)[-1]
    assert wanted == key_of_target(stage)
    assert [] == stage.broken_promises()


def test_a_rerun_after_the_deletion_copies_again_where_the_key_is_another(
    stage: FaultyStage,
) -> None:
    """The cluster that stands is under the old key: it is made anew."""
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    failed = stage.run_night()
    wanted, stage.environment["KMS_KEY_ID"] = other_key(stage), OTHER
    again(stage, failed.operation_id)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert "SNAPSHOT_FOUND" == stage.path()[0]
    assert wanted == key_of_target(stage)
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", [State.COPYING, State.SNAPSHOT_READY, State.TARGET_DELETING])
def test_an_alias_that_is_moved_meanwhile_changes_nothing(stage: FaultyStage, state: State) -> None:
    """The alias was resolved once; the cluster is under the key that the copy is under."""
    stage.night()
    stage.reach(state)
    before = stage.key_arn()
    stage.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore")
    stage.keys.disable(stage.key_arn())
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert before != stage.key_arn()
    assert before == key_of_target(stage)
    assert [before] == keys_of_copies(stage)
    assert [] == stage.broken_promises()


def test_a_rerun_resolves_an_alias_that_was_moved(stage: FaultyStage) -> None:
    """The setting is the same, its key is another: copied again, and the first copy is deleted in
    the end.
    """
    failed = disabled_during_the_copy(stage)
    wanted = stage.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore").arn
    again(stage, failed.operation_id)
    ended = stage.all_operations()[-1]
    stage.run(600)

    assert State.SUCCEEDED == ended.state
    assert wanted == key_of_target(stage)
    assert [ended.name_of_copy] == copies(stage)
    assert failed.name_of_copy != ended.name_of_copy
    assert [] == stage.broken_promises()


def test_a_rerun_with_the_key_enabled_again_adopts_the_copy(stage: FaultyStage) -> None:
    """The other half of the remedy: nothing is copied twice."""
    failed = disabled_during_the_copy(stage)
    stage.keys.enable(stage.key_arn())
    again(stage, failed.operation_id)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert "SNAPSHOT_READY" == stage.path()[0]
    assert 1 == len(keys_of_copies(stage))
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("same_key", [True, False])
def test_a_copy_of_an_earlier_version_is_adopted_under_its_key_only(
    stage: FaultyStage, *, same_key: bool
) -> None:
    """A copy without a key in its name is adopted only if its key is the plan's."""
    stage.night()
    found = stage.reach(State.SNAPSHOT_FOUND)
    name = found.copy_name(None)
    stage.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId=stage.key_arn() if same_key else other_key(stage),
        Tags=[
            {"Key": "aurora-restore", "Value": "test/default"},
            {"Key": "aurora-restore-operation", "Value": found.root_id},
        ],
    )
    stage.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    failed = stage.run_to_the_end()
    stage.run(1800)
    again(stage, failed.operation_id, from_step="copy-snapshot")
    ended = stage.all_operations()[-1]

    assert State.SUCCEEDED == ended.state
    assert same_key == (ended.name_of_copy == name)
    assert stage.key_arn() == key_of_target(stage)
    assert [] == stage.broken_promises()


def test_a_record_of_an_earlier_version_is_restored_under_the_key_of_its_copy(
    stage: FaultyStage,
) -> None:
    """A record that has its key in its hops only is restored under that key."""
    stage.night()
    ready = stage.reach(State.SNAPSHOT_READY)
    facts = ready.to_item()["facts"]
    del facts["copies"]["kms_key_arn"]
    stage.edit(ready.operation_id, facts=facts)
    before = stage.key_arn()
    stage.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore")
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert before == key_of_target(stage)
    assert [] == stage.broken_promises()


def test_a_target_whose_key_is_disabled_is_not_deleted_for_a_final_snapshot() -> None:
    """AWS would refuse the snapshot, and with it the cluster's deletion, after the instances were
    gone.
    """
    stage = FaultyStage({"SKIP_FINAL_SNAPSHOT": "false"}, staging=False)
    first = stage.run_night()
    stage.keys.disable(stage.key_arn())
    wanted, stage.environment["KMS_KEY_ID"] = other_key(stage), OTHER
    stage.run(1800)
    ended = stage.run_night()

    assert State.SUCCEEDED == first.state
    assert State.FAILED == ended.state
    assert State.SNAPSHOT_READY == ended.stopped_at
    assert wanted == ended.facts.copies.kms_key_arn
    assert "SKIP_FINAL_SNAPSHOT=true" in (ended.remedy or "")
    assert [] == stage.calls_of("delete_db_instance")


def runs_under_two_keys(stage: FaultyStage) -> list[Operation]:
    """Let the first run fail under one key, its rerun under another, and run the first again under
    its own.
    """
    failed = disabled_during_the_copy(stage)
    first = stage.key_arn()
    second, stage.environment["KMS_KEY_ID"] = other_key(stage), OTHER
    stage.request("RestoreRequested", rerun_of=failed.operation_id)
    stage.reach(State.COPYING)
    stage.keys.disable(second)
    stage.run_to_the_end()
    stage.keys.enable(first)
    stage.environment["KMS_KEY_ID"] = first
    again(stage, failed.operation_id)
    stage.run(600)
    return stage.all_operations()


def test_the_copy_under_another_key_is_deleted_when_people_go_back_to_the_first(
    stage: FaultyStage,
) -> None:
    """The third run continues the first and knows nothing of the second: its copy is found by its
    tags.
    """
    first, second, third = runs_under_two_keys(stage)

    assert [State.FAILED, State.FAILED, State.SUCCEEDED] == [first.state, second.state, third.state]
    assert (first.name_of_copy, [third.name_of_copy]) == (third.name_of_copy, copies(stage))
    assert [] == stage.broken_promises()


def snapshot_like(stage: FaultyStage, name: str, made: Operation, *, owner: str, root: str) -> None:
    """Copy the snapshot once more, with the tags of our copies."""
    tags = {"aurora-restore": owner, "aurora-restore-operation": root}
    stage.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=made.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId=stage.key_arn(),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


@pytest.mark.parametrize(
    ("owner", "root", "archived"),
    [
        ("test/default", "another-root", False),
        ("test/second", "", False),
        ("other/default", "", False),
        ("test/default", "", True),
    ],
    ids=["another root", "another plan", "another stage", "archived by a success"],
)
def test_a_rerun_deletes_no_copy_but_those_of_its_chain(
    stage: FaultyStage, owner: str, root: str, *, archived: bool
) -> None:
    """A rerun keeps the copies of other chains and those that a success archived."""
    failed = disabled_during_the_copy(stage)
    stage.keys.enable(stage.key_arn())
    name = f"{failed.name_of_copy[:-6]}abcdef"
    snapshot_like(stage, name, failed, owner=owner, root=root or failed.root_id)
    stage.settle()
    if archived:
        mark_archived(stage, name)
    again(stage, failed.operation_id)
    stage.run(600)

    assert State.SUCCEEDED is stage.all_operations()[-1].state
    assert sorted([name, failed.name_of_copy]) == sorted(copies(stage))


def mark_archived(stage: FaultyStage, name: str) -> None:
    """Tag a copy as archived, as a success does."""
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{name}"
    tags = [{"Key": ARCHIVED_TAG, "Value": "2026-03-01T02:00:00.000Z"}]
    stage.rds().add_tags_to_resource(ResourceName=arn, Tags=tags)


@pytest.mark.parametrize("name", ["before-the-migration", "{copy}-mine"])
def test_a_snapshot_that_took_the_tags_of_the_target_stays(stage: FaultyStage, name: str) -> None:
    """A snapshot with our copy's tags stays when people gave it its name."""
    failed = disabled_during_the_copy(stage)
    stage.keys.enable(stage.key_arn())
    name = name.format(copy=failed.name_of_copy)
    snapshot_like(stage, name, failed, owner="test/default", root=failed.root_id)
    stage.settle()
    again(stage, failed.operation_id)
    stage.run(600)

    assert State.SUCCEEDED is stage.all_operations()[-1].state
    assert sorted([name, failed.name_of_copy]) == sorted(copies(stage))


def test_a_record_of_an_earlier_version_has_its_earlier_copies_deleted(stage: FaultyStage) -> None:
    """Copies that only an obsolete attribute names are deleted."""
    failed = disabled_during_the_copy(stage)
    stage.keys.enable(stage.key_arn())
    name = f"{failed.name_of_copy[:-6]}abcdef"
    snapshot_like(stage, name, failed, owner="test/default", root=failed.root_id)
    earlier = {"region": TARGET_REGION, "identifier": name}
    facts = failed.to_item()["facts"] | {"earlier_copies": [earlier]}
    stage.edit(failed.operation_id, facts=facts)
    stage.settle()
    again(stage, failed.operation_id)
    stage.run(600)

    assert State.SUCCEEDED is stage.all_operations()[-1].state
    assert [failed.name_of_copy] == copies(stage)
