"""Nights on which everything happens that the functions are made for: what they ask for then,
function by function.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from localaws.iam import PermissionRequest, Policy, lambdas

from aurora_restore.policies import Values
from aurora_restore.stages import FUNCTIONS
from chalicelib.flow.choreography import IN_VPC, STEPS, State
from simulation.stage import ACCOUNT, APP_SECRET, SOURCE_REGION, STAGE, TARGET_REGION
from tests.iam.filled_policies import HeldStage, arn_of

Asked = tuple[str, PermissionRequest]
FAILURES = f"arn:aws:sqs:{TARGET_REGION}:{ACCOUNT}:aurora-restore-{STAGE}-failures"
HERE = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"}
WEEKLY_TOPIC = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:weekly"
GROUPS = {
    "DB_PARAMETER_GROUP_NAME": "default.aurora-postgresql16",
    "DB_CLUSTER_PARAMETER_GROUP_NAME": "staging-postgres16",
}


@dataclass(frozen=True)
class Night:
    """What was asked for in one stage, and the policies that it is held against: those of its own
    settings.
    """

    name: str
    asked: tuple[Asked, ...]
    values: Values
    policies: Mapping[str, Policy]
    denied: tuple[str, ...]
    states: tuple[State, ...]


def _group(stage: HeldStage) -> None:
    stage.rds().create_db_cluster_parameter_group(
        DBClusterParameterGroupName="staging-postgres16",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="…",
    )


def eventful() -> HeldStage:
    """Replace a stopped, protected target with an adopted reader, which hands its tags on.

    One copy fails.
    """
    stage = HeldStage({**GROUPS, "SKIP_FINAL_SNAPSHOT": "false"})
    stage.staging()
    _group(stage)
    rds = stage.rds()
    tags = [{"Key": "aurora-restore", "Value": f"{STAGE}/default"}]
    rds.create_db_instance(
        DBInstanceIdentifier="analytics-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=tags,
    )
    stage.settle()
    rds.modify_db_cluster(
        DBClusterIdentifier="staging-cluster",
        DeletionProtection=True,
        CopyTagsToSnapshot=True,
        ApplyImmediately=True,
    )
    rds.stop_db_cluster(DBClusterIdentifier="staging-cluster")
    stage.settle()
    stage.run(120)
    for action in ("RestoreDBClusterFromSnapshot", "CreateDBInstance"):
        stage.aurora.fail_next(action, "InternalFailure", status=500, after_effect=True)
    stage.night()
    while not stage.all_operations() or stage.only().state in {
        State.ACCEPTED,
        State.SNAPSHOT_FOUND,
    }:
        stage.step_time()
    copy = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-snapshot:{stage.only().name_of_copy}"
    stage.aurora.fail_copy(copy)
    while stage.only().state is not State.RESTORED:
        stage.step_time()
    stage.aurora.fail_next("CreateDBInstance", "InternalFailure", status=500, after_effect=True)
    stage.run_to_the_end()
    return stage


def deleting_the_copy() -> HeldStage:
    """Restore into a region without a target, with ten instances, and do not keep the copy."""
    stage = HeldStage({"ARCHIVE_SNAPSHOT": "false", "INSTANCE_COUNT": "10"})
    stage.night()
    stage.run_to_the_end()
    return stage


def nearby() -> HeldStage:
    """Restore the source's own snapshot, uncopied: source and target are in one region, under one
    key.
    """
    stage = HeldStage(HERE)
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    stage.staging()
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    stage.run_to_the_end()
    return stage


def nearby_under_another_key() -> HeldStage:
    """Make a copy in the source's own region, under another key."""
    stage = HeldStage({**HERE, "KMS_KEY_ID": "alias/other"})
    stage.keys.create(ACCOUNT, TARGET_REGION, "alias/other")
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    stage.staging()
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    stage.run_to_the_end()
    return stage


def people() -> HeldStage:
    """Process requests: a manual snapshot by name, a cancel, a rerun of a failed operation.

    An invalid request is refused.
    """
    stage = HeldStage()
    stage.staging()
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="before-the-release"
    )
    stage.settle()
    stage.put("RestoreRequested", snapshot_identifier="before-the-release", request_id="cancelled")
    while not stage.all_operations() or stage.only().state is not State.COPYING:
        stage.step_time()
    stage.put("CancelRequested", operation_id=stage.only().operation_id)
    stage.run_to_the_end()
    secret = stage.secrets._values[APP_SECRET]
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString="{}")
    stage.put("RestoreRequested", snapshot_identifier="before-the-release", request_id="failed")
    failed = stage.run_to_the_end()
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=secret)
    stage.put("RestoreRequested", rerun_of=failed.operation_id)
    stage.put("RestoreRequested", snapshot_identifier="of-nobody")
    stage.put("CancelRequested", operation_id="of-nobody")
    stage.run_to_the_end()
    return stage


def corrected() -> HeldStage:
    """Fail when the cluster and its instances are made, and run again with other settings."""
    stage = HeldStage(GROUPS)
    _group(stage)
    stage.aurora.fail_next("ModifyDBCluster", "InvalidParameterCombination")
    stage.night()
    failed = stage.run_to_the_end()
    stage.environment["LOG_EXPORTS"] = "instance"
    stage.put("RestoreRequested", rerun_of=failed.operation_id)
    stage.run_to_the_end()
    return stage


def alone() -> HeldStage:
    """Lose events: the heartbeat finds the snapshot itself, and announces again what nobody
    answered.
    """
    stage = HeldStage()
    stage.staging()
    stage.run(120)
    stage.night()
    stage.settle()
    stage.run_to_the_end()
    return stage


def interrupted() -> HeldStage:
    """Cancel while each step in turn is at work: it finds out by reading the record that it may not
    write any more.
    """
    stage = HeldStage()
    for step in STEPS[:-1]:
        stage.run(120)
        stage.night()
        stage.run_until_turn_of(step)
        stage.meanwhile[step] = lambda: cancel(stage)
        stage.run_to_the_end()
    return stage


def cancel(stage: HeldStage) -> None:
    """Flag the newest operation as cancelled, as cancel-restore does."""
    newest = stage.all_operations()[-1]
    stage.operations.request_cancel(
        newest.operation_id, reason="in the middle", now=stage.clock.now()
    )


def two_plans() -> HeldStage:
    """Run a second plan, of another source in another region, with a topic of its own."""
    given = {
        "plans/weekly/source-region": "eu-west-1",
        "plans/weekly/source-cluster-id": "weekly-source",
        "plans/weekly/target-cluster-id": "weekly-cluster",
        "plans/weekly/sns-topic-arn": WEEKLY_TOPIC,
    }
    stage = HeldStage(parameters=given)
    stage.topics.create_topic(WEEKLY_TOPIC)
    stage.keys.create(ACCOUNT, "eu-west-1", "alias/aurora-restore")
    stage.make_cluster("weekly-source", "eu-west-1", encrypted=True)
    stage.night()
    stage.aurora.take_automated_snapshot("weekly-source", account=ACCOUNT, region="eu-west-1")
    stage.run_to_the_end()
    return stage


NIGHTS: tuple[Callable[[], HeldStage], ...] = (
    eventful,
    deleting_the_copy,
    nearby,
    nearby_under_another_key,
    people,
    corrected,
    alone,
    interrupted,
    two_plans,
)


@cache
def nights() -> tuple[Night, ...]:
    """Live through every night, once for all tests of a process."""
    return tuple(map(_lived, NIGHTS))


def _lived(night: Callable[[], HeldStage]) -> Night:
    stage = night()
    asked = [(str(function), ask) for (function, _), ask in stage.asked.items()]
    states = tuple(operation.state for operation in stage.all_operations())
    return Night(
        night.__name__,
        (*asked, *_of_lambda()),
        stage.values,
        stage.policies,
        tuple(stage.denied),
        states,
    )


def _of_lambda() -> Iterable[Asked]:
    """Give what Lambda asks for in the functions' names."""
    for function in FUNCTIONS:
        yield from (
            (function, ask)
            for ask in lambdas.logging(arn_of(function), "2026/11/25/[$LATEST]0123456789ab")
        )
        yield from ((function, ask) for ask in lambdas.delivering(FAILURES))
    placed = lambdas.placing(arn_of(IN_VPC), ["subnet-12345678"], ["sg-12345678"])
    yield from ((IN_VPC, ask) for ask in placed)
