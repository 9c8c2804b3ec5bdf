"""Success is said of a cluster that can be used: what became of it before that is judged first."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from localaws.aurora import Durations

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again, delete_reader, protect, stop_target, target
from tests.choreography.run_night import FaultyStage, target_of
from tests.refusals.refused_operations import other_group

Deed = Callable[[FaultyStage], None]
TARGET = target_of("staging-cluster")
READER = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:staging-cluster-2"
LONG_DELETION = replace(Durations().scaled(10), cluster_delete=400)


def before_success(stage: FaultyStage, deed: Deed) -> Operation:
    """Let somebody do something when only archive-snapshot is left, and the operation end."""
    stage.night()
    stage.reach(State.USERS_READY)
    deed(stage)
    return stage.run_to_the_end()


def delete_instances(stage: FaultyStage) -> None:
    """Delete both instances, and wait until they are gone."""
    waiting = list(stage.queue)
    for name in ("staging-cluster-2", "staging-cluster-1"):
        stage.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    stage.settle()
    stage.queue.extend(waiting)


def delete_slowly(stage: FaultyStage) -> None:
    """Begin the deletion of the target, which takes a while."""
    for name in ("staging-cluster-2", "staging-cluster-1"):
        stage.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    stage.rds().delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)


def replace_reader(*, public: bool, tags: bool) -> Deed:
    """Have somebody put another instance in the reader's place."""

    def put(stage: FaultyStage) -> None:
        (found,) = stage.rds().describe_db_instances(DBInstanceIdentifier="staging-cluster-2")[
            "DBInstances"
        ]
        delete_reader(stage)
        waiting = list(stage.queue)
        stage.rds().create_db_instance(
            DBInstanceIdentifier="staging-cluster-2",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="staging-cluster",
            PubliclyAccessible=public,
            Tags=found["TagList"] if tags else [],
        )
        stage.settle()
        stage.queue.extend(waiting)

    return put


@pytest.mark.parametrize(
    ("deed", "told", "from_step"),
    [
        (delete_slowly, "is deleting, which does not get better by itself", "delete-rds"),
        (
            delete_instances,
            "missing: staging-cluster-1, staging-cluster-2.",
            "check-restore-status",
        ),
        (delete_reader, "missing: staging-cluster-2.", "check-restore-status"),
        (stop_target, "The restored cluster staging-cluster is stopped.", None),
        (other_group, "its cluster parameter group is tuned16", "delete-rds"),
        (replace_reader(public=True, tags=False), "which this operation did not make", None),
        (replace_reader(public=True, tags=True), "it is publicly accessible", "delete-rds"),
    ],
    ids=["deleting", "no instance", "no reader", "stopped", "other group", "stranger", "public"],
)
def test_success_is_not_reported_for_an_unusable_cluster(
    deed: Deed, told: str, from_step: str | None
) -> None:
    """The operation fails at its last look, and says what is wrong and where a rerun begins."""
    groups = {"DB_CLUSTER_PARAMETER_GROUP_NAME": "default.aurora-postgresql16"}
    stage = FaultyStage(groups, durations=LONG_DELETION)
    ended = before_success(stage, deed)

    assert State.FAILED == ended.state
    assert "swap-target" == ended.failed_step
    assert from_step == ended.rerun_from
    assert told in str(ended.reason)


@pytest.mark.parametrize("arn", [TARGET, READER])
def test_success_is_reported_only_when_nothing_is_in_progress(stage: FaultyStage, arn: str) -> None:
    """A cluster or an instance that is modifying is looked at again until it is available."""
    stage.night()
    stage.reach(State.USERS_READY)
    stage.aurora.set_status(arn, "modifying")
    stage.run(300)
    waiting = stage.only()
    stage.aurora.set_status(arn, "available")

    assert State.USERS_READY == waiting.state
    assert "modifying." == str(waiting.waiting_for).split()[-1]
    assert State.SUCCEEDED is stage.run_to_the_end().state


def test_a_change_in_progress_at_the_deadline_fails_the_operation(stage: FaultyStage) -> None:
    """A change that never finishes fails the operation at its deadline, not as a success."""
    ended = before_success(stage, lambda stage: stage.aurora.set_status(TARGET, "modifying"))

    assert (State.FAILED, "swap-target") == (ended.state, ended.failed_step)
    assert "is modifying, and the deadline of USERS_READY has passed." in str(ended.reason)


def put_away_again(stage: FaultyStage) -> Operation:
    """Ask for the copy of the last success to be archived again."""
    again(stage, "last", from_step="archive-snapshot")
    return stage.all_operations()[-1]


def test_a_repeated_step_accepts_settings_that_people_changed(stage: FaultyStage) -> None:
    """After a success the cluster is theirs: protection and a parameter group are not judged."""
    stage.run_night()
    protect(stage)
    replace_reader(public=True, tags=True)(stage)

    assert State.SUCCEEDED is put_away_again(stage).state


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (delete_instances, "missing: staging-cluster-1, staging-cluster-2."),
        (stop_target, "is stopped."),
    ],
    ids=["no instance", "stopped"],
)
def test_a_repeated_step_reports_no_success_for_an_unusable_cluster(
    stage: FaultyStage, deed: Deed, told: str
) -> None:
    """A repeated set-up succeeds only if the cluster and its writer are available."""
    stage.run_night()
    deed(stage)
    ended = put_away_again(stage)

    assert (State.FAILED, True) == (ended.state, told in str(ended.reason))


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (delete_reader, "no longer has the instances staging-cluster-2"),
        (replace_reader(public=False, tags=False), None),
        (lambda stage: stage.aurora.set_status(READER, "deleting"), None),
    ],
    ids=["deleted", "created again", "on its way out"],
)
def test_a_repeated_step_accepts_a_reader_that_people_changed(
    stage: FaultyStage, deed: Deed, told: str | None
) -> None:
    """After a success its readers are theirs: one that is gone is a warning."""
    stage.run_night()
    deed(stage)
    ended = put_away_again(stage)

    assert (State.SUCCEEDED, 1 if told else 0) == (ended.state, len(ended.warnings))
    assert all(str(told) in warning for warning in ended.warnings)


def add_reader(stage: FaultyStage) -> None:
    """Have somebody create a reader of another name in the target."""
    waiting = list(stage.queue)
    stage.rds().create_db_instance(
        DBInstanceIdentifier="analytics",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
    )
    stage.settle()
    stage.queue.extend(waiting)


def test_an_instance_that_the_operation_did_not_create_is_a_warning(stage: FaultyStage) -> None:
    """A foreign instance stays, and a warning says what it means for the next restore."""
    ended = before_success(stage, add_reader)
    (warning,) = ended.warnings

    assert (State.SUCCEEDED, 3) == (ended.state, len(target(stage)["DBClusterMembers"]))
    assert "has instances that this operation did not create: analytics." in warning


def test_a_rerun_on_a_stopped_cluster_is_refused_within_minutes() -> None:
    """A stopped cluster does not start by itself, so nobody waits for the deadline of the
    instances.
    """
    stage = FaultyStage({"INSTANCE_DEADLINE": "7200"})
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    first = stage.run_night()
    stop_target(stage)
    again(stage, first.operation_id)
    ended = stage.all_operations()[-1]
    took = (ended.ended_at or stage.clock.now()) - ended.created_at

    assert State.FAILED == ended.state
    assert "start-db-cluster" in str(ended.remedy)
    assert took.total_seconds() < 600


def test_a_cluster_that_is_stopped_while_its_instances_are_made_is_refused(
    stage: FaultyStage,
) -> None:
    """The same holds for the step that waits for the instances."""
    stage.night()
    stage.reach(State.INSTANCES_CREATING)
    stage.settle()
    stop_target(stage)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "check-restore-status" == ended.failed_step
    assert "is stopped." in str(ended.reason)
