"""The key of the copy and of the new cluster: resolved once, and the same for both, whatever
happens to it.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import ARCHIVED_TAG
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again
from tests.choreography.run_night import Night

OTHER = "alias/other"


def other_key(night: Night) -> str:
    """Make a second key in the target's region; returns its ARN."""
    return night.keys.create(ACCOUNT, TARGET_REGION, OTHER).arn


def key_of_target(night: Night) -> str:
    """Give the key that the target cluster is under."""
    (found,) = night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
    return str(found["KmsKeyId"])


def keys_of_copies(night: Night) -> list[str]:
    """List the keys of the copies in the target's region, as they were made."""
    return [str(call.parameters["KmsKeyId"]) for call in night.calls_of("copy_db_cluster_snapshot")]


def copies(night: Night) -> list[str]:
    """List the copies that are there."""
    found = night.rds().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    return [str(copy["DBClusterSnapshotIdentifier"]) for copy in found]


def disabled_during_the_copy(night: Night) -> Operation:
    """Let the key be disabled while the copy is made; returns the operation, which failed."""
    night.night()
    night.reach(State.COPYING)
    night.keys.disable(night.key_arn())
    return night.run_to_the_end()


def test_a_key_that_is_disabled_during_the_copy_leaves_the_old_target(night: Night) -> None:
    """The copy is there, and cannot be restored: the check before the deletion says so."""
    failed = disabled_during_the_copy(night)

    assert (State.FAILED, State.SNAPSHOT_READY, True, []) == (
        failed.state,
        failed.stopped_at,
        "Disabled" in (failed.reason or ""),
        night.calls_of("delete_db_instance", "delete_db_cluster"),
    )


@pytest.mark.parametrize("how", [{}, {"from_step": "copy-snapshot"}, {"from_step": "delete-rds"}])
def test_a_rerun_under_another_key_copies_again(night: Night, how: dict[str, str]) -> None:
    """As the remedy says: KMS_KEY_ID is set to another key, and the rerun line is pasted."""
    failed = disabled_during_the_copy(night)
    wanted, night.environment["KMS_KEY_ID"] = other_key(night), OTHER
    again(night, failed.operation_id, **how)
    ended = night.all_operations()[-1]

    assert (State.SUCCEEDED, "SNAPSHOT_FOUND", wanted, wanted, wanted, []) == (
        ended.state,
        night.path()[0],
        ended.facts.copies.kms_key_arn,
        keys_of_copies(night)[-1],
        key_of_target(night),
        night.broken_promises(),
    )


def test_a_rerun_after_the_deletion_copies_again_where_the_key_is_another(night: Night) -> None:
    """The cluster that stands is under the old key: it is made anew."""
    night.hurt(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    failed = night.dream()
    wanted, night.environment["KMS_KEY_ID"] = other_key(night), OTHER
    again(night, failed.operation_id)

    assert (State.SUCCEEDED, "SNAPSHOT_FOUND", wanted, []) == (
        night.all_operations()[-1].state,
        night.path()[0],
        key_of_target(night),
        night.broken_promises(),
    )


@pytest.mark.parametrize("state", [State.COPYING, State.SNAPSHOT_READY, State.TARGET_DELETING])
def test_an_alias_that_is_moved_meanwhile_changes_nothing(night: Night, state: State) -> None:
    """The alias was resolved once; the cluster is under the key that the copy is under."""
    night.night()
    night.reach(state)
    before = night.key_arn()
    night.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore")
    night.keys.disable(night.key_arn())
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, True, before, [before], []) == (
        ended.state,
        before != night.key_arn(),
        key_of_target(night),
        keys_of_copies(night),
        night.broken_promises(),
    )


def test_a_rerun_resolves_an_alias_that_was_moved(night: Night) -> None:
    """The setting is the same, its key is another: copied again, and the first copy is deleted in
    the end.
    """
    failed = disabled_during_the_copy(night)
    wanted = night.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore").arn
    again(night, failed.operation_id)
    ended = night.all_operations()[-1]
    night.run(600)

    assert (State.SUCCEEDED, wanted, [ended.name_of_copy], True, []) == (
        ended.state,
        key_of_target(night),
        copies(night),
        failed.name_of_copy != ended.name_of_copy,
        night.broken_promises(),
    )


def test_a_rerun_with_the_key_enabled_again_adopts_the_copy(night: Night) -> None:
    """The other half of the remedy: nothing is copied twice."""
    failed = disabled_during_the_copy(night)
    night.keys.enable(night.key_arn())
    again(night, failed.operation_id)

    assert (State.SUCCEEDED, "SNAPSHOT_READY", 1, []) == (
        night.all_operations()[-1].state,
        night.path()[0],
        len(keys_of_copies(night)),
        night.broken_promises(),
    )


@pytest.mark.parametrize("same_key", [True, False])
def test_a_copy_of_an_earlier_version_is_adopted_under_its_key_only(
    night: Night, *, same_key: bool
) -> None:
    """Its name has no key; a rerun from copy-snapshot looks what it is under."""
    night.night()
    found = night.reach(State.SNAPSHOT_FOUND)
    name = found.copy_name(None)
    night.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId=night.key_arn() if same_key else other_key(night),
        Tags=[
            {"Key": "aurora-restore", "Value": "test/default"},
            {"Key": "aurora-restore-operation", "Value": found.root_id},
        ],
    )
    night.hurt(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    failed = night.run_to_the_end()
    night.run(1800)
    again(night, failed.operation_id, from_step="copy-snapshot")
    ended = night.all_operations()[-1]

    assert (State.SUCCEEDED, same_key, night.key_arn(), []) == (
        ended.state,
        ended.name_of_copy == name,
        key_of_target(night),
        night.broken_promises(),
    )


def test_a_record_of_an_earlier_version_is_restored_under_the_key_of_its_copy(night: Night) -> None:
    """It has the key in its hops only, and its alias is moved before the restore."""
    night.night()
    ready = night.reach(State.SNAPSHOT_READY)
    facts = ready.to_item()["facts"]
    del facts["copies"]["kms_key_arn"]
    night.edit(ready.operation_id, facts=facts)
    before = night.key_arn()
    night.keys.create(ACCOUNT, TARGET_REGION, "alias/aurora-restore")
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, before, []) == (
        ended.state,
        key_of_target(night),
        night.broken_promises(),
    )


def test_a_target_whose_key_is_disabled_is_not_deleted_for_a_final_snapshot() -> None:
    """AWS would refuse the snapshot, and with it the cluster's deletion, after the instances were
    gone.
    """
    night = Night({"SKIP_FINAL_SNAPSHOT": "false"}, staging=False)
    first = night.dream()
    night.keys.disable(night.key_arn())
    wanted, night.environment["KMS_KEY_ID"] = other_key(night), OTHER
    night.run(1800)
    ended = night.dream()

    assert (State.SUCCEEDED, State.FAILED, State.SNAPSHOT_READY, wanted, True, []) == (
        first.state,
        ended.state,
        ended.stopped_at,
        ended.facts.copies.kms_key_arn,
        "SKIP_FINAL_SNAPSHOT=true" in (ended.remedy or ""),
        night.calls_of("delete_db_instance"),
    )


def runs_under_two_keys(night: Night) -> list[Operation]:
    """Let the first run fail under one key, its rerun under another, and run the first again under
    its own.
    """
    failed = disabled_during_the_copy(night)
    first = night.key_arn()
    second, night.environment["KMS_KEY_ID"] = other_key(night), OTHER
    night.request("RestoreRequested", rerun_of=failed.operation_id)
    night.reach(State.COPYING)
    night.keys.disable(second)
    night.run_to_the_end()
    night.keys.enable(first)
    night.environment["KMS_KEY_ID"] = first
    again(night, failed.operation_id)
    night.run(600)
    return night.all_operations()


def test_the_copy_under_another_key_is_deleted_when_people_go_back_to_the_first(
    night: Night,
) -> None:
    """The third run continues the first and knows nothing of the second: its copy is found by its
    tags.
    """
    first, second, third = runs_under_two_keys(night)

    assert [State.FAILED, State.FAILED, State.SUCCEEDED] == [first.state, second.state, third.state]
    assert (first.name_of_copy, [third.name_of_copy]) == (third.name_of_copy, copies(night))
    assert [] == night.broken_promises()


def snapshot_like(night: Night, name: str, made: Operation, *, owner: str, root: str) -> None:
    """Copy the snapshot once more, with the tags of our copies."""
    tags = {"aurora-restore": owner, "aurora-restore-operation": root}
    night.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=made.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=name,
        KmsKeyId=night.key_arn(),
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
    night: Night, owner: str, root: str, *, archived: bool
) -> None:
    """Neither those of others, whatever their names, nor what a success archived."""
    failed = disabled_during_the_copy(night)
    night.keys.enable(night.key_arn())
    name = f"{failed.name_of_copy[:-6]}abcdef"
    snapshot_like(night, name, failed, owner=owner, root=root or failed.root_id)
    night.settle()
    if archived:
        mark_archived(night, name)
    again(night, failed.operation_id)
    night.run(600)

    assert State.SUCCEEDED is night.all_operations()[-1].state
    assert sorted([name, failed.name_of_copy]) == sorted(copies(night))


def mark_archived(night: Night, name: str) -> None:
    """Tag a copy as archived, as a success does."""
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{name}"
    tags = [{"Key": ARCHIVED_TAG, "Value": "2026-03-01T02:00:00.000Z"}]
    night.rds().add_tags_to_resource(ResourceName=arn, Tags=tags)


@pytest.mark.parametrize("name", ["before-the-migration", "{copy}-mine"])
def test_a_snapshot_that_took_the_tags_of_the_target_stays(night: Night, name: str) -> None:
    """It has the tags of a copy of ours, and a name that people gave it."""
    failed = disabled_during_the_copy(night)
    night.keys.enable(night.key_arn())
    name = name.format(copy=failed.name_of_copy)
    snapshot_like(night, name, failed, owner="test/default", root=failed.root_id)
    night.settle()
    again(night, failed.operation_id)
    night.run(600)

    assert State.SUCCEEDED is night.all_operations()[-1].state
    assert sorted([name, failed.name_of_copy]) == sorted(copies(night))


def test_a_record_of_an_earlier_version_has_its_earlier_copies_deleted(night: Night) -> None:
    """It names them in an attribute that is not read any more."""
    failed = disabled_during_the_copy(night)
    night.keys.enable(night.key_arn())
    name = f"{failed.name_of_copy[:-6]}abcdef"
    snapshot_like(night, name, failed, owner="test/default", root=failed.root_id)
    earlier = {"region": TARGET_REGION, "identifier": name}
    facts = failed.to_item()["facts"] | {"earlier_copies": [earlier]}
    night.edit(failed.operation_id, facts=facts)
    night.settle()
    again(night, failed.operation_id)
    night.run(600)

    assert State.SUCCEEDED is night.all_operations()[-1].state
    assert [failed.name_of_copy] == copies(night)
