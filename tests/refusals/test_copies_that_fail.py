"""Copies that cannot be made: the old target stays, whatever the cause."""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene


def fails_with_the_target_as_it_was(scene: RefusalScene, *, at: str) -> str:
    """Let the operation fail before anything was deleted; returns reason and remedy."""
    before = scene.target_ids()
    operation = scene.fails(at=at)

    assert before == scene.target_ids()
    return f"{operation.reason} {operation.remedy}"


def copy_arn(scene: RefusalScene) -> str:
    """Name the copy of the only operation."""
    return (
        f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{scene.stage.only().name_of_copy}"
    )


def test_a_key_that_is_missing_is_named(logs: LogOutput) -> None:
    """A copy to another region without a key there is refused."""
    stage = SimulatedStage({"KMS_KEY_ID": "alias/typo"})
    stage.staging()
    stage.night()
    notification = fails_with_the_target_as_it_was(RefusalScene(stage, logs), at="copy-snapshot")

    assert notification.endswith(
        "There is no key alias/typo in us-west-2. Create it, or correct KMS_KEY_ID, which names it."
    )


def test_a_key_of_the_source_region_is_no_key_of_the_targets(scene: RefusalScene) -> None:
    """A key whose ARN is of the source region is refused for the target's."""
    stage = SimulatedStage({"KMS_KEY_ID": scene.stage.key_arn(SOURCE_REGION)})
    stage.staging()
    stage.night()
    found = fails_with_the_target_as_it_was(RefusalScene(stage, scene.logs), at="copy-snapshot")

    assert f"There is no key {stage.environment['KMS_KEY_ID']} in us-west-2." in found


def test_a_key_that_is_disabled_is_refused_with_its_state(scene: RefusalScene) -> None:
    """A disabled key is refused before the copy is queued."""
    scene.stage.keys.disable(scene.stage.key_arn())
    scene.stage.night()
    notification = fails_with_the_target_as_it_was(scene, at="copy-snapshot")

    assert (
        f"The key {scene.stage.key_arn()} is Disabled, so nothing can be encrypted with it."
        in notification
    )
    assert "Enable it, or set KMS_KEY_ID to another key of the target's region." in notification


def test_a_key_that_is_disabled_during_the_copy_is_found_before_the_target_is_deleted(
    scene: RefusalScene,
) -> None:
    """The preflight looks again: the restore needs the key as well."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.keys.disable(scene.stage.key_arn())

    assert "is Disabled" in fails_with_the_target_as_it_was(scene, at="delete-rds")


def test_a_source_key_that_is_disabled_ends_the_copy(scene: RefusalScene) -> None:
    """A copy ends when nobody can read the snapshot any more."""
    scene.stage.night()
    scene.run_until(State.ACCEPTED)
    scene.stage.keys.disable(scene.stage.key_arn(SOURCE_REGION))
    found = fails_with_the_target_as_it_was(scene, at="copy-snapshot")

    assert "was answered KMSKeyNotAccessibleFault" in found


def test_an_encrypted_snapshot_without_a_key_to_copy_it_under_is_refused(
    logs: LogOutput,
) -> None:
    """An encrypted copy across regions needs a key of its own, for which there is no default."""
    stage = SimulatedStage({"KMS_KEY_ID": ""})
    stage.staging()
    stage.night()
    notification = fails_with_the_target_as_it_was(RefusalScene(stage, logs), at="copy-snapshot")

    assert "is encrypted, and KMS_KEY_ID names no key of us-west-2." in notification
    assert "set KMS_KEY_ID." in notification


def test_a_snapshot_that_vanishes_while_it_is_copied_ends_the_operation(
    scene: RefusalScene,
) -> None:
    """The copy fails, is deleted and begun again; the second one finds nothing to copy."""
    identifier = scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.aurora.lose_snapshot(
        f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster-snapshot:{identifier}"
    )
    notification = fails_with_the_target_as_it_was(scene, at="copy-snapshot")
    expected = (
        "rds copy_db_cluster_snapshot in us-west-2 was answered DBClusterSnapshotNotFoundFault"
    )

    assert expected in notification
    assert identifier in notification
    scene.stage.settle()
    found = scene.stage.rds().describe_db_cluster_snapshots(SnapshotType="manual")[
        "DBClusterSnapshots"
    ]

    assert [] == found


def test_a_copy_that_fails_once_is_deleted_and_made_again(scene: RefusalScene) -> None:
    """A failed copy is made again within the deadline of the first."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.aurora.fail_copy(copy_arn(scene))
    operation = scene.ends(State.SUCCEEDED)

    assert 1 == operation.facts.attempts.copy_failures


def test_a_copy_that_fails_three_times_ends_the_operation(scene: RefusalScene) -> None:
    """The third failure of a copy ends the operation, and only the last copy is left."""
    scene.stage.night()
    for following in (State.SNAPSHOT_FOUND, State.SNAPSHOT_FOUND, State.FAILING):
        scene.run_until(State.COPYING)
        scene.stage.aurora.fail_copy(copy_arn(scene))
        scene.run_until(following)
    notification = fails_with_the_target_as_it_was(scene, at="check-copy-status")

    assert "is failed, at attempt 3." in notification
    assert "See whether the source's snapshot still exists and both keys are usable" in notification


def test_a_copy_that_somebody_deletes_is_begun_again(scene: RefusalScene) -> None:
    """A copy that somebody deleted is made again instead of waited for."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.deliver()
    scene.stage.aurora.lose_snapshot(copy_arn(scene))
    operation = scene.ends(State.SUCCEEDED)

    assert 1 == operation.facts.attempts.copy_failures


def test_a_copy_that_is_gone_before_the_deletion_saves_the_old_target(scene: RefusalScene) -> None:
    """The copy is checked again before anything is deleted."""
    scene.stage.night()
    scene.run_until(State.SNAPSHOT_READY)
    scene.stage.aurora.lose_snapshot(copy_arn(scene))
    notification = fails_with_the_target_as_it_was(scene, at="delete-rds")

    assert "is gone; the old target was left as it is." in notification
    assert notification.endswith("The source's snapshot is copied again, while that exists.")


def test_a_full_quota_of_manual_snapshots_ends_the_operation(scene: RefusalScene) -> None:
    """RDS uses one code for this and for five running copies; how many run tells them apart."""
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).manual_cluster_snapshots = 0
    scene.stage.night()
    notification = fails_with_the_target_as_it_was(scene, at="copy-snapshot")
    expected = "was answered SnapshotQuotaExceeded: Cannot create more than 0 manual snapshots."

    assert expected in notification


@pytest.mark.parametrize("state", [State.TARGET_CLEAR, State.CLUSTER_RESTORING])
def test_a_copy_that_vanishes_once_the_target_is_gone_fails_where_it_is_missed(
    scene: RefusalScene, state: State
) -> None:
    """Before the restore began it is missed; after that Aurora has read it."""
    scene.stage.night()
    scene.run_until(state)
    scene.stage.aurora.lose_snapshot(copy_arn(scene))
    if state is State.TARGET_CLEAR:
        reason = str(scene.fails(at="restore-snapshot").reason)
        expected = (
            "rds restore_db_cluster_from_snapshot in us-west-2 was answered "
            "DBClusterSnapshotNotFoundFault"
        )

        assert expected in reason
    else:
        assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state
