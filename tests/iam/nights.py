"""Nights on which everything happens that the functions are made for: what they ask for then,
function by function.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from localaws.iam import PermissionRequest, Policy, lambdas

from aurora_restore.policies import Values
from aurora_restore.stages import FUNCTIONS
from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import IN_VPC, ROLLBACK_REQUESTED, STEPS, State
from simulation.in_memory_services import ZONE
from simulation.stage import ACCOUNT, APP_SECRET, SOURCE_REGION, STAGE, TARGET_REGION
from tests.iam.filled_policies import HeldStage, arn_of

HOUR = 3600
Asked = tuple[str, PermissionRequest]
FAILURES = f"arn:aws:sqs:{TARGET_REGION}:{ACCOUNT}:aurora-restore-{STAGE}-failures"
HERE = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"}
WEEKLY_TOPIC = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:weekly"
RECORD = {"TARGET_DNS_NAME": "staging.db.example", "TARGET_DNS_ZONE_ID": ZONE}
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


CANCELLED_STEPS = tuple(step for step in STEPS[:-1] if step != "archive-snapshot")


def eventful() -> HeldStage:
    """Replace a stopped, protected target with an adopted reader, which hands its tags on.

    One copy fails.
    """
    tags = "CostCenter=42,team:name=data"
    stage = HeldStage({**GROUPS, "SKIP_FINAL_SNAPSHOT": "false", "EXTRA_TAGS": tags})
    stage.staging()
    _group(stage)
    rds = stage.rds()
    owned = [{"Key": "aurora-restore", "Value": f"{STAGE}/default"}]
    rds.create_db_instance(
        DBInstanceIdentifier="analytics-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=owned,
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
    """Restore into a region without a target, with ten instances, which need a reboot, and do not
    keep the copy.
    """
    stage = HeldStage({**GROUPS, "ARCHIVE_SNAPSHOT": "false", "INSTANCE_COUNT": "10"})
    _group(stage)
    stage.night()
    stage.run_until_state(State.USERS_READY)
    _need_reboots(stage)
    stage.run_to_the_end()
    return stage


def _need_reboots(stage: HeldStage) -> None:
    """Change a parameter that takes effect with a reboot, as a person does."""
    change = {
        "ParameterName": "max_connections",
        "ParameterValue": "500",
        "ApplyMethod": "pending-reboot",
    }
    stage.rds().modify_db_cluster_parameter_group(
        DBClusterParameterGroupName="staging-postgres16", Parameters=[change]
    )


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

    An invalid request is refused, also one to cancel that names no operation.
    """
    stage = HeldStage()
    stage.staging()
    stage.put("CancelRequested", operation_id="")
    stage.step_time()
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


def corrected(replacement: str = "delete-first") -> HeldStage:
    """Fail when the cluster and its instances are made, and run again with other settings."""
    stage = HeldStage({**GROUPS, "REPLACEMENT": replacement})
    _group(stage)
    stage.aurora.fail_next("ModifyDBCluster", "InvalidParameterCombination")
    stage.night()
    failed = stage.run_to_the_end()
    stage.environment["LOG_EXPORTS"] = "instance"
    stage.put("RestoreRequested", rerun_of=failed.operation_id)
    stage.run_to_the_end()
    return stage


def corrected_beside() -> HeldStage:
    """Do the same to a cluster that does not have the target's name yet."""
    return corrected("swap")


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
    write any more. It is too late for that once the target has opened: there the writer is deleted.
    """
    stage = HeldStage()
    for step in CANCELLED_STEPS:
        stage.run(120)
        stage.night()
        stage.run_until_turn_of(step)
        stage.meanwhile[step] = lambda: cancel(stage)
        stage.run_to_the_end()
    stage.run(120)
    stage.night()
    stage.run_until_turn_of("archive-snapshot")
    stage.rds().delete_db_instance(
        DBInstanceIdentifier=stage.all_operations()[-1].facts.target.instances[0],
        SkipFinalSnapshot=True,
    )
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


def swapped() -> HeldStage:
    """Swap a stopped, protected target, beside what a failed restore left, which is protected, too;
    delete the previous one with a final snapshot.

    The certificate of the new cluster does not fit until it was restarted.
    """
    settings = {**GROUPS, "INSTANCE_COUNT": "10", "SKIP_FINAL_SNAPSHOT": "false"}
    stage = HeldStage({**settings, "REPLACEMENT": "swap"})
    stage.staging()
    _group(stage)
    stage.aurora.fail_next("CreateDBInstance", "InvalidParameterCombination")
    stage.night()
    stage.run_to_the_end()
    for name in ("staging-cluster", "staging-cluster-next"):
        protect(stage, name)
    stage.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
    stage.settle()
    stage.run(20 * HOUR)
    stage.night()
    stage.run_until_state(State.USERS_READY)
    _need_reboots(stage)
    stage.run_until_state(State.TARGET_RENAMED)
    new = stage.newest().facts.target.cluster_resource_id or ""
    stage.data.clusters[new].trouble = CertificateNameError("It has another name.", "Restart it.")
    stage.run_until_state(State.TARGET_RESTARTING)
    stage.data.clusters[new].trouble = None
    stage.run_to_the_end()
    return stage


def swapped_again() -> HeldStage:
    """Swap as announced, and again while the previous target still has the name that is needed."""
    stage = HeldStage({"REPLACEMENT": "swap", "NOTICE_MINUTES": "5"})
    stage.staging()
    stage.night()
    stage.run_until_state(State.TARGET_OPEN)
    stage.run(2 * HOUR)
    stage.night()
    stage.run_until_state(State.TARGET_OPEN)
    stage.run_to_the_end()
    return stage


def rolled_back() -> HeldStage:
    """Swap, go back to the previous target, which was stopped meanwhile, and delete the other.

    That one is encrypted, as its final snapshot is. Both have the Data API. A deletion of the
    previous target was begun, and all its instances are there.
    """
    settings = {"STOP_PREVIOUS": "true", "SKIP_FINAL_SNAPSHOT": "false"}
    stage = HeldStage({"REPLACEMENT": "swap", **settings})
    stage.rds().enable_http_endpoint(ResourceArn=stage.staging())
    stage.night()
    stage.run(2 * HOUR)
    restored = stage.all_operations()[0]
    if old := restored.facts.target.old:
        item = stage.store.tables["state"][f"target#{restored.plan.target_cluster_arn}"]
        item["half_deleted"] = [old.resource_id]
    stage.put(ROLLBACK_REQUESTED, operation_id=restored.operation_id, request_id="back")
    stage.run_to_the_end()
    return stage


def swapped_in_vain() -> HeldStage:
    """Roll a swap back by itself, since the new cluster's users cannot log in at the name.

    The old one has the Data API.
    """
    stage = HeldStage({"REPLACEMENT": "swap"})
    stage.rds().enable_http_endpoint(ResourceArn=stage.staging())
    stage.night()
    stage.run_until_state(State.TARGET_RENAMED)
    new = stage.newest().facts.target.cluster_resource_id or ""
    stage.data.clusters[new].roles["app_user"].can_login = False
    stage.run_to_the_end()
    return stage


def adopting(source: str = "prod-cluster", **environment: str) -> HeldStage:
    """Delete a target, as announced, with a reader of auto scaling, and one that a person made
    elsewhere.
    """
    stage = HeldStage({"ADOPT_READERS": "true", "NOTICE_MINUTES": "5", **environment})
    stage.staging()
    scaled = {"Key": "application-autoscaling:resourceId", "Value": "cluster:staging-cluster"}
    readers = {"application-autoscaling-1": [scaled]}
    if source == "prod-cluster":
        readers["analytics-reader"] = []
    for name, tags in readers.items():
        stage.rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="staging-cluster",
            Tags=tags,
        )
    region = environment.get("SOURCE_REGION", SOURCE_REGION)
    if region == TARGET_REGION:
        stage.make_cluster(source, region, encrypted=True)
    stage.settle()
    stage.aurora.take_automated_snapshot(source, account=ACCOUNT, region=region)
    stage.run_to_the_end()
    return stage


def adopting_nearby() -> HeldStage:
    """Delete a target with a reader of auto scaling in the region of the source."""
    return adopting("near-cluster", **HERE)


def like_the_one_before(replacement: str = "swap") -> HeldStage:
    """Replace a target with tags of its own, enhanced monitoring, the Data API, a role and an
    endpoint.
    """
    role = f"arn:aws:iam::{ACCOUNT}:role/ops/monitoring"
    settings = {"MONITORING_ROLE_ARN": role, "KEEP_ASSOCIATED_ROLES": "true"}
    stage = HeldStage({**settings, "REPLACEMENT": replacement})
    made = {"aurora-restore": f"{STAGE}/default", "aurora-restore-operation": "earlier"}
    arn = stage.staging(tags={**made, "cost centre": "42"})
    for number in (1, 2):
        stage.rds().modify_db_instance(
            DBInstanceIdentifier=f"staging-cluster-{number}",
            MonitoringInterval=30,
            MonitoringRoleArn=role,
            ApplyImmediately=True,
        )
    stage.rds().enable_http_endpoint(ResourceArn=arn)
    stage.rds().create_db_cluster_endpoint(
        DBClusterEndpointIdentifier="analytics",
        DBClusterIdentifier="staging-cluster",
        EndpointType="READER",
        Tags=[
            {"Key": "aurora-restore", "Value": f"{STAGE}/default"},
            {"Key": "cost centre", "Value": "42"},
        ],
    )
    stage.rds().add_role_to_db_cluster(
        DBClusterIdentifier="staging-cluster",
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/to-s3",
        FeatureName="s3Export",
    )
    stage.rds().create_db_proxy(
        DBProxyName="pool", EngineFamily="POSTGRESQL", RoleArn=role, VpcSubnetIds=["subnet-1"]
    )
    stage.settle()
    stage.night()
    stage.run_to_the_end()
    return stage


def like_the_one_that_is_deleted() -> HeldStage:
    """Delete such a target first."""
    return like_the_one_before("delete-first")


def pointed() -> HeldStage:
    """Let two clusters take turns, each of them made in two runs, with a secret, parameters and a
    record that name the target; go back from one to the other, and forth again.

    The first night of all is cancelled when it has published, so that nothing is named any more.
    """
    settings = {"STOP_PREVIOUS": "true", "SKIP_FINAL_SNAPSHOT": "false", **GROUPS, **RECORD}
    stage = HeldStage({"REPLACEMENT": "pointer", **settings})
    _group(stage)
    stage.night()
    stage.run_until_state(State.TARGET_PROVEN)
    stage.put("CancelRequested", operation_id=stage.newest().operation_id)
    stage.run_to_the_end()
    for logs in ("instance", "postgresql"):
        stage.run(20 * HOUR)
        stage.aurora.fail_next("ModifyDBCluster", "InvalidParameterCombination")
        stage.night()
        stage.run_until_state(State.FAILED)
        stage.environment["LOG_EXPORTS"] = logs
        stage.put("RestoreRequested", rerun_of=stage.newest().operation_id, request_id=logs)
        stage.run_until_state(State.SUCCEEDED)
        stage.run(HOUR)
    for number in (1, 2):
        request = {"operation_id": stage.newest().operation_id, "request_id": f"back-{number}"}
        stage.put(ROLLBACK_REQUESTED, **request)
        stage.run(HOUR)
    stage.run_to_the_end()
    return stage


def taking_turns() -> HeldStage:
    """Delete the two clusters in turn, when the time of each as the previous target is over.

    Each gets the first one's endpoint, its Data API and its mode of insights.
    """
    stage = HeldStage({"REPLACEMENT": "pointer", **RECORD})
    arn = stage.staging()
    stage.rds().enable_http_endpoint(ResourceArn=arn)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster",
        DatabaseInsightsMode="advanced",
        EnablePerformanceInsights=True,
        PerformanceInsightsRetentionPeriod=465,
        ApplyImmediately=True,
    )
    stage.settle()
    stage.rds().create_db_cluster_endpoint(
        DBClusterEndpointIdentifier="analytics",
        DBClusterIdentifier="staging-cluster",
        EndpointType="READER",
        Tags=[
            {"Key": "aurora-restore", "Value": f"{STAGE}/default"},
            {"Key": "cost centre", "Value": "42"},
        ],
    )
    stage.settle()
    for _ in range(3):
        stage.night()
        stage.run(20 * HOUR)
    stage.run_to_the_end()
    return stage


def pointed_before() -> HeldStage:
    """Delete a previous target with a scaled reader, after REPLACEMENT was changed and deployed."""
    settings = {**HERE, **RECORD, "ADOPT_READERS": "true"}
    stage = HeldStage({"REPLACEMENT": "pointer", **settings})
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    _restored_nearby(stage)
    _scale(stage, "staging-cluster-a")
    _restored_nearby(stage)
    stage.deploy(REPLACEMENT="swap")
    stage.run(20 * HOUR)
    return stage


def swapped_before() -> HeldStage:
    """Roll a swap back, after REPLACEMENT was changed and deployed."""
    stage = HeldStage({"REPLACEMENT": "swap"})
    stage.staging()
    stage.night()
    stage.run(2 * HOUR)
    stage.deploy(REPLACEMENT="pointer", **RECORD)
    restored = stage.all_operations()[0]
    stage.put(ROLLBACK_REQUESTED, operation_id=restored.operation_id, request_id="back")
    stage.run_to_the_end()
    return stage


def _restored_nearby(stage: HeldStage) -> None:
    """Restore a snapshot of the cluster in the target's region."""
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    stage.run(2 * HOUR)
    assert State.SUCCEEDED is stage.newest().state, stage.newest().reason


def _scale(stage: HeldStage, cluster: str) -> None:
    """Have Aurora Auto Scaling add a reader."""
    stage.rds().create_db_instance(
        DBInstanceIdentifier="application-autoscaling-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier=cluster,
        Tags=[{"Key": "application-autoscaling:resourceId", "Value": f"cluster:{cluster}"}],
    )
    stage.settle()


def protect(stage: HeldStage, name: str) -> None:
    """Protect a cluster against deletion, as a person does."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=name, DeletionProtection=True, ApplyImmediately=True
    )
    stage.settle()


NIGHTS: tuple[Callable[[], HeldStage], ...] = (
    eventful,
    deleting_the_copy,
    nearby,
    nearby_under_another_key,
    people,
    corrected,
    corrected_beside,
    alone,
    interrupted,
    two_plans,
    swapped,
    swapped_again,
    rolled_back,
    swapped_in_vain,
    adopting,
    adopting_nearby,
    like_the_one_before,
    like_the_one_that_is_deleted,
    pointed,
    taking_turns,
    pointed_before,
    swapped_before,
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
