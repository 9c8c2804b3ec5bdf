"""Paths that a plain night does not take: other plans, other targets, other snapshots."""

from dataclasses import replace

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Hop
from simulation.stage import ACCOUNT, APP, PRODUCTION_PASSWORD, SOURCE_REGION, STAGE, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage, target_of

HERE = {
    "TARGET_REGION": SOURCE_REGION,
    "TARGET_CLUSTER_ID": "staging-here",
    "VPC_SECURITY_GROUP_IDS": "sg-here",
}


def nearby(**environment: str) -> FaultyStage:
    """Make a stage whose target is to be in the source's own region."""
    stage = FaultyStage({**HERE, **environment}, staging=False)
    stage.network.groups["sg-here"] = f"vpc-{SOURCE_REGION}-default"
    return stage


def test_the_same_region_and_key_need_no_copy() -> None:
    """The source's own snapshot is restored, and archive-snapshot leaves it alone."""
    stage = nearby()
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert ended.facts.snapshot.arn == ended.facts.copies.arn
    assert [] == stage.calls_of("copy_db_cluster_snapshot", "delete_db_cluster_snapshot")
    assert "COPYING" not in stage.path()


def test_a_source_of_a_deprecated_minor_version_is_restored_all_the_same(
    stage: FaultyStage,
) -> None:
    """No list of what can be created names that version, and its snapshots can be restored."""
    region = stage.aurora._state.region(ACCOUNT, SOURCE_REGION)
    region.clusters["prod-cluster"].engine_version = "16.6"

    assert State.SUCCEEDED == stage.run_night().state


def test_another_key_in_the_same_region_needs_a_copy() -> None:
    """The copy is made under the target's key."""
    stage = nearby(KMS_KEY_ID="alias/other")
    key = stage.keys.create(ACCOUNT, SOURCE_REGION, "alias/other")
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert [key.arn] == [hop.kms_key_id for hop in ended.facts.copies.hops]


def test_an_unencrypted_source_is_copied_without_a_key(stage: FaultyStage) -> None:
    """A key is refused for an unencrypted snapshot, so none is named."""
    stage.make_cluster("plain-cluster", SOURCE_REGION)
    stage.environment["SOURCE_CLUSTER_ID"] = "plain-cluster"
    stage.aurora.take_automated_snapshot("plain-cluster", account=ACCOUNT, region=SOURCE_REGION)
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert [None] == [hop.kms_key_id for hop in ended.facts.copies.hops]


def test_no_target_yet_is_nothing_to_delete() -> None:
    """SNAPSHOT_READY leads to TARGET_CLEAR at once, and there is no victim."""
    stage = FaultyStage(staging=False)
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert ended.facts.target.old is None
    assert "TARGET_DELETING" not in stage.path()
    assert [] == stage.broken_promises()


def test_a_stopped_target_is_started_to_be_deleted(stage: FaultyStage) -> None:
    """A stopped cluster cannot be deleted (user guide)."""
    stage.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
    stage.settle()
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert 1 == len(stage.calls_of("start_db_cluster"))
    assert [] == stage.broken_promises()


def test_a_target_that_we_protected_is_unprotected_and_the_new_one_protected() -> None:
    """DELETION_PROTECTION=true keeps people from deleting it, not us."""
    stage = FaultyStage({"DELETION_PROTECTION": "true"})
    stage.run_night()
    stage.run(1800)
    ended = stage.run_night()
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert State.SUCCEEDED == ended.state
    assert cluster["DeletionProtection"] is True
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("status", ["backing-up", "modifying"])
def test_a_target_that_is_busy_is_waited_for(stage: FaultyStage, status: str) -> None:
    """The old target is chosen only when its members can no longer change."""
    stage.reach(State.SNAPSHOT_READY) if stage.night() else None
    stage.aurora.set_status(target_of("staging-cluster"), status)
    stage.run(200)
    waited = stage.only()
    stage.aurora.set_status(target_of("staging-cluster"), "available")

    assert State.SNAPSHOT_READY == waited.state
    assert f"The target staging-cluster is {status}." == waited.waiting_for
    assert State.SUCCEEDED == stage.run_to_the_end().state


def test_a_final_snapshot_is_taken_when_asked_for() -> None:
    """SKIP_FINAL_SNAPSHOT=false: under a name of its own for each operation, and never taken for a
    new one.
    """
    stage = FaultyStage({"SKIP_FINAL_SNAPSHOT": "false"})
    ended = stage.run_night()
    name = ended.facts.target.old.final_snapshot_id if ended.facts.target.old else None
    (final,) = stage.rds().describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)[
        "DBClusterSnapshots"
    ]
    stage.run(3600)

    assert State.SUCCEEDED == ended.state
    assert "available" == final["Status"]
    assert "staging-cluster" == final["DBClusterIdentifier"]
    assert 1 == len(stage.all_operations())
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("keep", [True, False])
def test_the_copy_is_archived_or_deleted_as_the_plan_says(keep: bool) -> None:
    """ARCHIVE_SNAPSHOT=true keeps it with a tag, false deletes it."""
    stage = FaultyStage({"ARCHIVE_SNAPSHOT": str(keep).lower()})
    ended = stage.run_night()
    stage.run(120)
    kept = stage.rds().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    archived = [any("archived" in tag["Key"] for tag in snapshot["TagList"]) for snapshot in kept]

    assert State.SUCCEEDED == ended.state
    assert keep == ended.facts.copies.archived
    assert ([True] if keep else []) == archived


def test_a_copy_that_cannot_be_archived_is_a_warning_on_a_good_restore(stage: FaultyStage) -> None:
    """The restore is good: it SUCCEEDS, and people are told of the copy."""
    stage.inject(refused("AccessDenied", 403), call="rds.add_tags_to_resource", times=99)
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert 1 == len(ended.warnings)
    assert "AccessDenied" in ended.warnings[0]
    assert [] == stage.broken_promises()


def test_a_copy_that_is_gone_is_not_reported_as_kept(stage: FaultyStage) -> None:
    """Somebody removed it in the meantime: the restore is good, and a warning says that nothing was
    kept.
    """
    stage.night()
    stage.reach(State.USERS_READY)
    stage.rds().delete_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=stage.only().facts.copies.hops[0].identifier
    )
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert ended.facts.copies.archived is None
    assert "cannot be kept" in " ".join(ended.warnings)
    assert [] == stage.broken_promises()


def test_serverless_instances_are_made_with_their_capacity() -> None:
    """The range is given to the cluster, the class to its instances."""
    stage = FaultyStage(
        {
            "INSTANCE_CLASS": "db.serverless",
            "SERVERLESS_MIN_CAPACITY": "0.5",
            "SERVERLESS_MAX_CAPACITY": "4",
        }
    )
    ended = stage.run_night()
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert State.SUCCEEDED == ended.state
    assert {"MinCapacity": 0.5, "MaxCapacity": 4} == (
        {
            key: cluster["ServerlessV2ScalingConfiguration"][key]
            for key in ("MinCapacity", "MaxCapacity")
        }
    )


def test_users_get_their_rights_in_every_database(stage: FaultyStage) -> None:
    """Production has several databases; every one is opened to both users."""
    cluster = next(iter(stage.data.clusters.values()))
    cluster.databases.append("ledger")
    ended = stage.run_night()
    rights = stage.cluster_at(ended.facts.target.endpoint or "").rights

    assert {(APP["app_username"], name): "write" for name in ("postgres", "shop", "ledger")} | {
        (APP["readonly_username"], name): "read" for name in ("postgres", "shop", "ledger")
    } == rights


def test_roles_that_are_to_be_kept_keep_their_login() -> None:
    """KEEP_LOGIN_ROLES is the one exception, and the trail and the notice name it."""
    stage = FaultyStage({"KEEP_LOGIN_ROLES": "shop_app"})
    ended = stage.run_night()
    role = stage.cluster_at(ended.facts.target.endpoint or "").roles["shop_app"]
    row = next(
        row for row in stage.trail(ended.operation_id) if row["to_state"] == "READERS_CREATING"
    )

    told = "Kept open on purpose (KEEP_LOGIN_ROLES): shop_app." in stage.notices()[-1]["text"]

    assert State.SUCCEEDED == ended.state
    assert PRODUCTION_PASSWORD == role.password
    assert "kept on purpose: shop_app" in row["what"]
    assert ("shop_app",) == ended.facts.users.logins_kept
    assert told is True


def test_two_hops_are_made_one_after_the_other(stage: FaultyStage) -> None:
    """HOP_COPIED: a copy is a list of hops; the last is kept, those on the way are deleted."""
    stage.night()
    found = stage.reach(State.SNAPSHOT_FOUND)
    hops = (
        Hop(region=SOURCE_REGION, identifier="first-hop", kms_key_id=stage.key_arn(SOURCE_REGION)),
        Hop(region=TARGET_REGION, identifier=found.name_of_copy, kms_key_id=stage.key_arn()),
    )
    stage.edit(
        found.operation_id,
        facts=replace(
            found, facts=replace(found.facts, copies=replace(found.facts.copies, hops=hops))
        ).to_item()["facts"],
    )
    ended = stage.run_to_the_end()
    stage.run(120)
    left = stage.rds(SOURCE_REGION).describe_db_cluster_snapshots(SnapshotType="manual")[
        "DBClusterSnapshots"
    ]

    assert State.SUCCEEDED == ended.state
    assert ["COPYING", "HOP_COPIED", "COPYING", "SNAPSHOT_READY"] == stage.path()[2:6]
    assert [] == left


def test_a_failed_copy_is_deleted_and_begun_again(stage: FaultyStage) -> None:
    """COPYING leads back to SNAPSHOT_FOUND, with an intent in the trail before the deletion."""
    stage.night()
    copying = stage.reach(State.COPYING)
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{copying.name_of_copy}"
    stage.aurora.fail_copy(arn)
    ended = stage.run_to_the_end()
    expected = [
        "SNAPSHOT_FOUND",
        "COPYING",
        "SNAPSHOT_FOUND",
        "COPYING",
        "SNAPSHOT_READY",
    ]

    assert State.SUCCEEDED == ended.state
    assert expected == stage.path()[1:6]
    assert [] == stage.broken_promises()


def test_a_copy_that_keeps_failing_fails_the_operation(stage: FaultyStage) -> None:
    """Three failures are enough; the old target is still there."""
    stage.night()
    for _ in range(3):
        copying = stage.reach(State.COPYING)
        stage.aurora.fail_copy(
            f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{copying.name_of_copy}"
        )
        stage.step_time() if copying.facts.attempts.copy_failures < 2 else None
        stage.run(30)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "check-copy-status" == ended.failed_step
    assert [] == stage.calls_of("delete_db_cluster")
    assert [] == stage.broken_promises()


def test_five_copies_in_progress_are_waited_for(stage: FaultyStage) -> None:
    """More than five are refused by Aurora; the operation waits for its turn."""
    stage.night()
    found = stage.reach(State.SNAPSHOT_FOUND)
    for number in range(5):
        stage.rds().copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
            KmsKeyId="alias/aurora-restore",
            TargetDBClusterSnapshotIdentifier=f"somebody-elses-{number}",
        )
    stage.run(20)
    waiting = stage.only()

    assert "Five copies are running in us-west-2 already." == waiting.waiting_for
    assert State.SUCCEEDED == stage.run_to_the_end().state


def test_a_snapshot_that_is_still_being_made_is_waited_for(stage: FaultyStage) -> None:
    """A person may name one that is `creating`."""
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="by-hand", DBClusterIdentifier="prod-cluster"
    )
    stage.put("RestoreRequested", snapshot_identifier="by-hand", request_id="wanted")
    stage.deliver()
    waiting = stage.only()

    assert State.ACCEPTED == waiting.state
    assert "The snapshot by-hand is creating." == waiting.waiting_for
    assert State.SUCCEEDED == stage.run_to_the_end().state
    assert STAGE == waiting.stage


def test_the_last_state_of_an_adopted_target_is_kept() -> None:
    """No operation of ours made it, so it has a final snapshot, whatever SKIP_FINAL_SNAPSHOT is."""
    stage = FaultyStage(staging=False)
    stage.staging(tags={"aurora-restore": f"{STAGE}/default"})
    first = stage.run_night()
    names = stage.final_snapshots()
    stage.run(1800)
    stage.run_night()

    assert State.SUCCEEDED == first.state
    assert [first.name_of_final_snapshot] == names == stage.final_snapshots()
