"""Rows of the table that a plain night does not take: other plans, other targets, other snapshots."""

from dataclasses import replace

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Hop
from simulation.stage import ACCOUNT, APP, PRODUCTION_PASSWORD, SOURCE_REGION, STAGE, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import Night, target_of

HERE = {
    "TARGET_REGION": SOURCE_REGION,
    "TARGET_CLUSTER_ID": "staging-here",
    "VPC_SECURITY_GROUP_IDS": "sg-here",
}


def nearby(**environment: str) -> Night:
    """Make a stage whose target is to be in the source's own region."""
    night = Night({**HERE, **environment}, staging=False)
    night.network.groups["sg-here"] = f"vpc-{SOURCE_REGION}-default"
    return night


def test_the_same_region_and_key_need_no_copy() -> None:
    """The source's own snapshot is restored, and archive-snapshot leaves it alone."""
    night = nearby()
    ended = night.dream()

    assert (State.SUCCEEDED, ended.facts.snapshot.arn, [], False) == (
        ended.state,
        ended.facts.copies.arn,
        night.calls_of("copy_db_cluster_snapshot", "delete_db_cluster_snapshot"),
        "COPYING" in night.path(),
    )


def test_a_source_of_a_deprecated_minor_version_is_restored_all_the_same(night: Night) -> None:
    """No list of what can be created names that version, and its snapshots can be restored."""
    region = night.aurora._state.region(ACCOUNT, SOURCE_REGION)
    region.clusters["prod-cluster"].engine_version = "16.6"

    assert State.SUCCEEDED == night.dream().state


def test_another_key_in_the_same_region_needs_a_copy() -> None:
    """The copy is made under the target's key."""
    night = nearby(KMS_KEY_ID="alias/other")
    key = night.keys.create(ACCOUNT, SOURCE_REGION, "alias/other")
    ended = night.dream()

    assert (State.SUCCEEDED, [key.arn]) == (
        ended.state,
        [hop.kms_key_id for hop in ended.facts.copies.hops],
    )


def test_an_unencrypted_source_is_copied_without_a_key(night: Night) -> None:
    """A key is refused for an unencrypted snapshot, so none is named."""
    night.make_cluster("plain-cluster", SOURCE_REGION)
    night.environment["SOURCE_CLUSTER_ID"] = "plain-cluster"
    night.aurora.take_automated_snapshot("plain-cluster", account=ACCOUNT, region=SOURCE_REGION)
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, [None]) == (
        ended.state,
        [hop.kms_key_id for hop in ended.facts.copies.hops],
    )


def test_no_target_yet_is_nothing_to_delete() -> None:
    """SNAPSHOT_READY leads to TARGET_CLEAR at once, and there is no victim."""
    night = Night(staging=False)
    ended = night.dream()

    assert (State.SUCCEEDED, None, False, []) == (
        ended.state,
        ended.facts.target.old,
        "TARGET_DELETING" in night.path(),
        night.broken_promises(),
    )


def test_a_stopped_target_is_started_to_be_deleted(night: Night) -> None:
    """A stopped cluster cannot be deleted (user guide)."""
    night.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
    night.settle()
    ended = night.dream()

    assert (State.SUCCEEDED, 1, []) == (
        ended.state,
        len(night.calls_of("start_db_cluster")),
        night.broken_promises(),
    )


def test_a_target_that_we_protected_is_unprotected_and_the_new_one_protected() -> None:
    """DELETION_PROTECTION=true keeps people from deleting it, not us."""
    night = Night({"DELETION_PROTECTION": "true"})
    night.dream()
    night.run(1800)
    ended = night.dream()
    (cluster,) = night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert (State.SUCCEEDED, True, []) == (
        ended.state,
        cluster["DeletionProtection"],
        night.broken_promises(),
    )


@pytest.mark.parametrize("status", ["backing-up", "modifying"])
def test_a_target_that_is_busy_is_waited_for(night: Night, status: str) -> None:
    """Its members may change meanwhile, so the victim is not chosen yet."""
    night.reach(State.SNAPSHOT_READY) if night.night() else None
    night.aurora.set_status(target_of("staging-cluster"), status)
    night.run(200)
    waited = night.only()
    night.aurora.set_status(target_of("staging-cluster"), "available")

    assert (State.SNAPSHOT_READY, f"The target staging-cluster is {status}.", State.SUCCEEDED) == (
        waited.state,
        waited.waiting_for,
        night.run_to_the_end().state,
    )


def test_a_final_snapshot_is_taken_when_asked_for() -> None:
    """SKIP_FINAL_SNAPSHOT=false: under a name of its own for each operation, and never taken for a
    new one.
    """
    night = Night({"SKIP_FINAL_SNAPSHOT": "false"})
    ended = night.dream()
    name = ended.facts.target.old.final_snapshot_id if ended.facts.target.old else None
    (final,) = night.rds().describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)[
        "DBClusterSnapshots"
    ]
    night.run(3600)

    assert (State.SUCCEEDED, "available", "staging-cluster", 1, []) == (
        ended.state,
        final["Status"],
        final["DBClusterIdentifier"],
        len(night.all_operations()),
        night.broken_promises(),
    )


@pytest.mark.parametrize("keep", [True, False])
def test_the_copy_is_archived_or_deleted_as_the_plan_says(keep: bool) -> None:
    """ARCHIVE_SNAPSHOT=true keeps it with a tag, false deletes it."""
    night = Night({"ARCHIVE_SNAPSHOT": str(keep).lower()})
    ended = night.dream()
    night.run(120)
    kept = night.rds().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    archived = [any("archived" in tag["Key"] for tag in snapshot["TagList"]) for snapshot in kept]

    assert (State.SUCCEEDED, keep, [True] if keep else []) == (
        ended.state,
        ended.facts.copies.archived,
        archived,
    )


def test_a_copy_that_cannot_be_archived_is_a_warning_on_a_good_restore(night: Night) -> None:
    """The restore is good: it SUCCEEDS, and people are told of the copy."""
    night.hurt(refused("AccessDenied", 403), call="rds.add_tags_to_resource", times=99)
    ended = night.dream()

    assert (State.SUCCEEDED, 1, True, []) == (
        ended.state,
        len(ended.warnings),
        "AccessDenied" in ended.warnings[0],
        night.broken_promises(),
    )


def test_a_copy_that_is_gone_is_not_said_to_be_kept(night: Night) -> None:
    """Somebody removed it in the meantime: the restore is good, and a warning says that nothing was
    kept.
    """
    night.night()
    night.reach(State.USERS_READY)
    night.rds().delete_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=night.only().facts.copies.hops[0].identifier
    )
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, None, True, []) == (
        ended.state,
        ended.facts.copies.archived,
        "cannot be kept" in " ".join(ended.warnings),
        night.broken_promises(),
    )


def test_serverless_instances_are_made_with_their_capacity() -> None:
    """The range is given to the cluster, the class to its instances."""
    night = Night(
        {
            "INSTANCE_CLASS": "db.serverless",
            "SERVERLESS_MIN_CAPACITY": "0.5",
            "SERVERLESS_MAX_CAPACITY": "4",
        }
    )
    ended = night.dream()
    (cluster,) = night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert (State.SUCCEEDED, {"MinCapacity": 0.5, "MaxCapacity": 4}) == (
        ended.state,
        {
            key: cluster["ServerlessV2ScalingConfiguration"][key]
            for key in ("MinCapacity", "MaxCapacity")
        },
    )


def test_users_get_their_rights_in_every_database(night: Night) -> None:
    """Production has several databases; every one is opened to both users."""
    cluster = next(iter(night.data.clusters.values()))
    cluster.databases.append("ledger")
    ended = night.dream()
    rights = night.cluster_at(ended.facts.target.endpoint or "").rights

    assert {(APP["app_username"], name): "write" for name in ("postgres", "shop", "ledger")} | {
        (APP["readonly_username"], name): "read" for name in ("postgres", "shop", "ledger")
    } == rights


def test_roles_that_are_to_be_kept_keep_their_login() -> None:
    """KEEP_LOGIN_ROLES is the one exception, and the trail and the notice name it."""
    night = Night({"KEEP_LOGIN_ROLES": "shop_app"})
    ended = night.dream()
    role = night.cluster_at(ended.facts.target.endpoint or "").roles["shop_app"]
    row = next(
        row for row in night.trail(ended.operation_id) if row["to_state"] == "READERS_CREATING"
    )

    told = "Kept open on purpose (KEEP_LOGIN_ROLES): shop_app." in night.notices()[-1]["text"]

    assert (State.SUCCEEDED, PRODUCTION_PASSWORD, True, ("shop_app",), True) == (
        ended.state,
        role.password,
        "kept on purpose: shop_app" in row["what"],
        ended.facts.users.logins_kept,
        told,
    )


def test_two_hops_are_made_one_after_the_other(night: Night) -> None:
    """HOP_COPIED: a copy is a list of hops; the last is kept, those on the way are deleted."""
    night.night()
    found = night.reach(State.SNAPSHOT_FOUND)
    hops = (
        Hop(region=SOURCE_REGION, identifier="first-hop", kms_key_id=night.key_arn(SOURCE_REGION)),
        Hop(region=TARGET_REGION, identifier=found.name_of_copy, kms_key_id=night.key_arn()),
    )
    night.edit(
        found.operation_id,
        facts=replace(
            found, facts=replace(found.facts, copies=replace(found.facts.copies, hops=hops))
        ).to_item()["facts"],
    )
    ended = night.run_to_the_end()
    night.run(120)
    left = night.rds(SOURCE_REGION).describe_db_cluster_snapshots(SnapshotType="manual")[
        "DBClusterSnapshots"
    ]

    assert (State.SUCCEEDED, ["COPYING", "HOP_COPIED", "COPYING", "SNAPSHOT_READY"], []) == (
        ended.state,
        night.path()[2:6],
        left,
    )


def test_a_failed_copy_is_deleted_and_begun_again(night: Night) -> None:
    """COPYING leads back to SNAPSHOT_FOUND, with an intent in the trail before the deletion."""
    night.night()
    copying = night.reach(State.COPYING)
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{copying.name_of_copy}"
    night.aurora.fail_copy(arn)
    ended = night.run_to_the_end()

    assert (
        State.SUCCEEDED,
        ["SNAPSHOT_FOUND", "COPYING", "SNAPSHOT_FOUND", "COPYING", "SNAPSHOT_READY"],
        [],
    ) == (ended.state, night.path()[1:6], night.broken_promises())


def test_a_copy_that_keeps_failing_fails_the_operation(night: Night) -> None:
    """Three failures are enough; the old target is still there."""
    night.night()
    for _ in range(3):
        copying = night.reach(State.COPYING)
        night.aurora.fail_copy(
            f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{copying.name_of_copy}"
        )
        night.step_time() if copying.facts.attempts.copy_failures < 2 else None
        night.run(30)
    ended = night.run_to_the_end()

    assert (State.FAILED, "check-copy-status", [], []) == (
        ended.state,
        ended.failed_step,
        night.calls_of("delete_db_cluster"),
        night.broken_promises(),
    )


def test_five_copies_in_progress_are_waited_for(night: Night) -> None:
    """More than five are refused by Aurora; the operation waits for its turn."""
    night.night()
    found = night.reach(State.SNAPSHOT_FOUND)
    for number in range(5):
        night.rds().copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=found.facts.snapshot.arn,
            KmsKeyId="alias/aurora-restore",
            TargetDBClusterSnapshotIdentifier=f"somebody-elses-{number}",
        )
    night.run(20)
    waiting = night.only()

    assert ("Five copies are running in us-west-2 already.", State.SUCCEEDED) == (
        waiting.waiting_for,
        night.run_to_the_end().state,
    )


def test_a_snapshot_that_is_still_being_made_is_waited_for(night: Night) -> None:
    """A person may name one that is `creating`."""
    night.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="by-hand", DBClusterIdentifier="prod-cluster"
    )
    night.put("RestoreRequested", snapshot_identifier="by-hand", request_id="wanted")
    night.deliver()
    waiting = night.only()

    assert (State.ACCEPTED, "The snapshot by-hand is creating.", State.SUCCEEDED, STAGE) == (
        waiting.state,
        waiting.waiting_for,
        night.run_to_the_end().state,
        waiting.stage,
    )
