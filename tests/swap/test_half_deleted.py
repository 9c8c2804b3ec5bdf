"""A cluster whose deletion stopped half-way is not what people had, and nobody goes back to it."""

from dataclasses import replace

import pytest

from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OWNER_TAG
from chalicelib.records.targets import ClusterNote
from simulation.stage import ACCOUNT, STAGE, TARGET_REGION
from tests.choreography.fault_injection import after_the_first, refused
from tests.choreography.requests import again
from tests.pointer.pointer_stage import PointerStage
from tests.swap.different_target import DifferentStage, like, succeeded
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600
STAGES = (SwapStage, PointerStage)


def stop_half_way(stage: SwapStage) -> None:
    """Let AWS delete instances, and refuse to delete their cluster.

    It answers the first request for that by saying that the cluster still has instances.
    """
    denied = after_the_first(refused("AccessDenied", 403))
    stage.inject(denied, call="rds.delete_db_cluster", times=99)


def half_deleted(stage: SwapStage) -> Operation:
    """Let a night delete all instances of the target, and no more."""
    stop_half_way(stage)
    failed = stage.run_night()
    stage.call_faults.clear()
    stage.run(HOUR)
    assert (State.FAILED, State.TARGET_DELETING) == (failed.state, failed.stopped_at)
    assert not like(stage).instances
    return failed


def half_retired(stage: SwapStage) -> None:
    """Let the retirement of a previous target delete its instances, and no more."""
    stop_half_way(stage)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    assert State.FAILED is stage.retirements()[-1].state
    assert State.PREVIOUS_DELETING is stage.retirements()[-1].stopped_at


def test_the_night_after_a_deletion_that_stopped_makes_the_target_before_it() -> None:
    """The cluster without instances does not count: there are three again, each as it was."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    half_deleted(stage)

    assert succeeded(stage.run_night())
    assert before == like(stage)


def test_the_rerun_of_a_deletion_that_stopped_makes_the_target_before_it() -> None:
    """It decides anew what to delete, and knows what was there."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    again(stage, half_deleted(stage).operation_id)

    assert succeeded(stage.run_until_ended(2))
    assert before == like(stage)


def test_a_target_that_lost_a_part_of_its_instances_is_not_taken_for_the_whole() -> None:
    """AWS refuses the deletion of the second one, so two are left."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    denied = after_the_first(refused("AccessDenied", 403))
    stage.inject(denied, call="rds.delete_db_instance", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    stage.run(HOUR)
    assert 2 == len(like(stage).instances)

    assert succeeded(stage.run_night())
    assert before == like(stage)


def test_a_night_of_another_replacement_makes_the_target_before_it_too() -> None:
    """The half-deleted cluster becomes the previous target, to which nobody goes back."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    half_deleted(stage)
    stage.environment["REPLACEMENT"] = "swap"
    ended = stage.run_night()

    assert succeeded(ended)
    assert before == like(stage)
    refused_rollback(stage, ended)


def test_a_deletion_that_never_began_leaves_the_target_as_people_have_it() -> None:
    """AWS refuses before an instance is deleted; what people change since is captured. Only the
    protection, which the operation has lifted, is as it was before.
    """
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    stage.inject(refused("AccessDenied", 403), call="rds.delete_db_cluster", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, ApplyImmediately=True, BackupRetentionPeriod=3
    )
    stage.run(HOUR)

    assert succeeded(stage.run_night())
    assert before.deletion_protection
    assert replace(before, backup_retention_days=3) == like(stage)


def refused_rollback(stage: SwapStage, ended: Operation, **detail: str) -> None:
    """Ask for the previous target: the request is refused, and nothing is renamed or moved."""
    standing, count = stage.standing(), len(stage.restores())
    stage.ask_back(ended, **detail)
    stage.run(600)

    assert "was being deleted when that stopped" in stage.notices()[-1]["reason"]
    assert (standing, count) == (stage.standing(), len(stage.restores()))


@pytest.mark.parametrize("make", STAGES)
def test_nobody_goes_back_to_a_previous_target_that_is_half_deleted(
    make: type[SwapStage],
) -> None:
    """It may still have a writer, and has no longer all that it had."""
    stage = make(INSTANCE_COUNT="2")
    first_and_second(stage)
    denied = after_the_first(refused("AccessDenied", 403))
    stage.inject(denied, call="rds.delete_db_instance", times=99)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    assert State.FAILED is stage.retirements()[-1].state

    refused_rollback(stage, stage.restores()[0])


@pytest.mark.parametrize("make", STAGES)
def test_nobody_goes_forth_to_a_cluster_that_is_half_deleted(make: type[SwapStage]) -> None:
    """What a rollback has replaced is a previous target, too."""
    stage = make()
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)
    half_retired(stage)

    refused_rollback(stage, back)


def test_a_retirement_that_was_refused_whole_leaves_a_way_back() -> None:
    """AWS refuses before an instance is deleted, so the previous target is as it was."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    stage.inject(refused("AccessDenied", 403), call="rds.delete_db_cluster", times=99)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    assert State.FAILED is stage.retirements()[-1].state
    stage.ask_back(stage.restores()[0])

    assert succeeded(stage.run_until_ended(2))
    assert old == stage.standing()[TARGET]


@pytest.mark.parametrize("make", STAGES)
def test_a_retirement_whose_first_instance_was_refused_leaves_a_way_back(
    make: type[SwapStage],
) -> None:
    """AWS deletes no instance, so the previous target is as it was, and a rollback brings it back.

    Where a part of it was deleted before, it stays half-deleted.
    """
    stage = make()
    old, _ = first_and_second(stage)
    stage.inject(refused("AccessDenied", 403), call="rds.delete_db_instance", times=99)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    assert State.PREVIOUS_DELETING is stage.retirements()[-1].stopped_at
    stage.ask_back(stage.restores()[0])

    assert succeeded(stage.run_until_ended(2))
    assert old == stage.target().opened_id
    assert not stage.target().notes[ClusterNote.HALF_DELETED]


def test_people_may_go_back_to_a_half_deleted_cluster_that_they_repaired() -> None:
    """They gave it as many instances as it had."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    half_retired(stage)
    stage.settle(600)
    refused_rollback(stage, stage.restores()[0])
    repair(stage, PREVIOUS, 2)
    stage.ask_back(stage.restores()[0])

    assert succeeded(stage.run_until_ended(2))
    assert old == stage.standing()[TARGET]
    assert not stage.target().notes[ClusterNote.HALF_DELETED]


def repair(stage: SwapStage, cluster: str, count: int) -> None:
    """Let people create instances in a cluster, with our tag."""
    for number in range(1, count + 1):
        stage.rds().create_db_instance(
            DBInstanceIdentifier=f"repaired-{number}",
            DBClusterIdentifier=cluster,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            Tags=[{"Key": OWNER_TAG, "Value": f"{STAGE}/default"}],
        )
    stage.settle(HOUR)


def test_people_may_go_forth_to_a_half_deleted_cluster_that_they_repaired() -> None:
    """A rollback has replaced it, which knows how many instances it had."""
    stage = SwapStage()
    _, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)
    half_retired(stage)
    refused_rollback(stage, back)
    repair(stage, NEXT, 1)
    refused_rollback(stage, back, request_id="again")
    repair_the_rest(stage, NEXT)
    stage.ask_back(back, request_id="once-more")

    assert succeeded(stage.run_until_ended(3))
    assert new == stage.standing()[TARGET]


def repair_the_rest(stage: SwapStage, cluster: str) -> None:
    """Create the second instance."""
    stage.rds().create_db_instance(
        DBInstanceIdentifier="repaired-2",
        DBClusterIdentifier=cluster,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    stage.settle(HOUR)


def test_a_repaired_cluster_counts_when_its_writer_is_available() -> None:
    """There are as many instances as before, and nobody can log in to one of them."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    half_retired(stage)
    repair(stage, PREVIOUS, 2)
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=PREVIOUS)["DBClusters"]
    (writer,) = (one for one in found["DBClusterMembers"] if one["IsClusterWriter"])
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:{writer['DBInstanceIdentifier']}"
    stage.aurora.set_status(arn, "creating")
    refused_rollback(stage, stage.restores()[0])
    assert "when its writer is available." in stage.notices()[-1]["remedy"]
    stage.aurora.set_status(arn, "available")
    stage.ask_back(stage.restores()[0], request_id="again")

    assert succeeded(stage.run_until_ended(2))
    assert old == stage.standing()[TARGET]


def with_longer_backups(stage: SwapStage) -> None:
    """Let people change the target."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, ApplyImmediately=True, BackupRetentionPeriod=3
    )
    stage.settle(HOUR)


def test_a_half_deleted_target_that_people_repaired_and_changed_is_what_the_next_is_like() -> None:
    """It has as many instances as before, so it is what people have; no note of it is left."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    half_deleted(stage)
    repair(stage, TARGET, len(before.instances))
    with_longer_backups(stage)

    assert succeeded(stage.run_night())
    assert 3 == like(stage).backup_retention_days
    assert len(before.instances) == len(like(stage).instances)


def test_a_repaired_target_is_looked_at_for_minutes_before_it_counts() -> None:
    """A rerun may begin at once: AWS may still show the instances that are gone."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    before = like(stage)
    failed = half_deleted(stage)
    repair(stage, TARGET, len(before.instances))
    with_longer_backups(stage)
    again(stage, failed.operation_id)
    ended = stage.run_until_ended(2)

    assert succeeded(ended)
    assert ABSENT_FOR.total_seconds() <= ended.durations[0].seconds
    assert 3 == like(stage).backup_retention_days


def test_a_target_that_came_back_is_protected_as_it_was() -> None:
    """Its retirement had lifted the protection, and was refused then."""
    stage = DifferentStage()
    assert succeeded(stage.run_night())
    stage.inject(refused("AccessDenied", 403), call="rds.delete_db_cluster", times=99)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    stage.ask_back(stage.restores()[0])
    assert succeeded(stage.run_until_ended(2))

    assert not like(stage).deletion_protection
    stage.run(20 * HOUR)
    assert succeeded(stage.run_night())
    assert like(stage).deletion_protection


def test_a_target_whose_deletion_was_refused_is_protected_as_it_was() -> None:
    """The operation had lifted the protection, and was refused then."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    trouble = refused("AccessDenied", 403)
    stage.inject(trouble, state="TARGET_DELETING", call="rds.delete_db_cluster", times=99)
    stage.inject(trouble, state="TARGET_DELETING", call="rds.delete_db_instance", times=99)
    assert State.TARGET_DELETING is stage.run_night().stopped_at
    stage.call_faults.clear()
    assert not like(stage).deletion_protection
    stage.run(20 * HOUR)
    assert succeeded(stage.run_night())
    assert like(stage).deletion_protection


def unprotect(stage: SwapStage) -> None:
    """Take the protection away from the target, as people do."""
    rds = stage.rds()
    rds.modify_db_cluster(
        DBClusterIdentifier=TARGET, DeletionProtection=False, ApplyImmediately=True
    )
    stage.settle()


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_a_protection_that_people_removed_after_a_failed_night_stays_away(
    replacement: str,
) -> None:
    """That night noted what the target is like, and replaced nothing."""
    stage = DifferentStage(REPLACEMENT=replacement)
    stage.inject(refused("AccessDenied", 403), step="setup-db-users", call=".", times=99)
    assert State.PREFLIGHT_PASSED is stage.run_night().stopped_at
    stage.call_faults.clear()
    unprotect(stage)
    stage.run(20 * HOUR)

    assert succeeded(stage.run_night())
    assert not like(stage).deletion_protection


def test_a_protection_that_people_removed_after_a_rollback_stays_away() -> None:
    """The night before the rollback noted it for the same cluster."""
    stage = DifferentStage(KEEP_PREVIOUS_HOURS="48")
    stage.ask_back(stage.run_night())
    assert succeeded(stage.run_until_ended(2))
    unprotect(stage)
    stage.run(20 * HOUR)

    assert succeeded(stage.run_night())
    assert not like(stage).deletion_protection


def test_a_half_deleted_previous_target_that_people_use_is_not_what_the_next_is_like() -> None:
    """They gave it the target's name by hand, since they had lost the other one."""
    stage = DifferentStage()
    before = like(stage)
    assert succeeded(stage.run_night())
    half_retired(stage)
    rds = stage.rds()
    for name, to in ((TARGET, "elsewhere"), (PREVIOUS, TARGET)):
        rds.modify_db_cluster(
            DBClusterIdentifier=name, NewDBClusterIdentifier=to, ApplyImmediately=True
        )
        stage.settle(600)

    assert succeeded(stage.run_night())
    assert before == like(stage)


def test_a_left_over_cluster_that_is_made_whole_and_opened_is_a_target_like_any_other() -> None:
    """A night deletes its instances; the rerun of its own operation gives it new ones."""
    stage = SwapStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    first = stage.run_night()
    stage.call_faults.clear()
    left = stage.standing()[NEXT]
    stop_half_way(stage)
    stage.run(20 * HOUR)
    assert State.TARGET_DELETING is stage.run_night().stopped_at
    stage.call_faults.clear()
    stage.run(HOUR)
    stage.request(REQUESTED, rerun_of=first.operation_id)
    assert succeeded(stage.run_until_ended(3))
    assert left == stage.standing()[TARGET]
    assert not stage.target().notes[ClusterNote.HALF_DELETED]
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, ApplyImmediately=True, BackupRetentionPeriod=3
    )
    stage.run(20 * HOUR)
    ended = stage.run_night()

    assert succeeded(ended)
    assert 3 == like(stage).backup_retention_days
    stage.ask_back(ended)
    assert succeeded(stage.run_until_ended(len(stage.restores())))
    assert left == stage.standing()[TARGET]
