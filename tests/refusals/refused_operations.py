"""Every refusal that ends an operation while it copies, deletes, restores and tells.

Each with its remedy as a deed.
"""

import re
import shlex
from dataclasses import replace

from chalicelib.aws.client import UnreachableError
from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import IN_VPC, State
from chalicelib.flow.ownership import OPERATION_TAG, OWNER_TAG
from simulation.in_memory_database import InMemoryCluster
from simulation.stage import ACCOUNT, MASTER_SECRET, SOURCE_REGION, STAGE, TARGET_REGION
from tests.choreography.fault_injection import raised
from tests.choreography.requests import delete_reader, disown, protect, remove_target, stop_target
from tests.choreography.run_night import FaultyStage
from tests.refusals.remedies import (
    Deed,
    RefusalCase,
    answering,
    both,
    next_snapshot,
    nothing,
    secret,
    setting,
    snapshot_arn,
)
from tests.refusals.scene import TARGET_ARN, WRITER_ARN

OURS = {OWNER_TAG: f"{STAGE}/default"}
THEIRS = {OWNER_TAG: "prod/default"}
DENIAL = "User: arn:… is not authorized to perform: rds:AddTagsToResource on resource: arn:… {}"


def copy_name(stage: FaultyStage) -> str:
    """Name the copy of the newest operation."""
    operation = stage.all_operations()[-1]
    return (
        operation.name_of_copy
        if operation.facts.copies.hops
        else operation.copy_name(stage.key_arn())
    )


def snapshot_under_the_copys_name(tags: dict[str, str], *, chained: bool = False) -> Deed:
    """Have somebody take a snapshot of the old target under the name of the operation's copy."""

    def take(stage: FaultyStage) -> None:
        root = {OPERATION_TAG: stage.all_operations()[-1].root_id} if chained else {}
        labels = [{"Key": key, "Value": value} for key, value in (tags | root).items()]
        stage.rds().create_db_cluster_snapshot(
            DBClusterIdentifier="staging-cluster",
            DBClusterSnapshotIdentifier=copy_name(stage),
            Tags=labels,
        )

    return take


def copy_under_another_key(stage: FaultyStage) -> None:
    """Have somebody copy the snapshot with the copy's name and tags, but another key."""
    operation = stage.all_operations()[-1]
    stage.keys.create(ACCOUNT, TARGET_REGION, "alias/theirs")
    tags = OURS | {OPERATION_TAG: operation.root_id}
    stage.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=operation.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=copy_name(stage),
        KmsKeyId="alias/theirs",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def delete_copy(stage: FaultyStage) -> None:
    """Delete the snapshot under the copy's name."""
    stage.settle()
    stage.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=copy_name(stage))
    stage.settle()


def lose_copy(stage: FaultyStage) -> None:
    """Have somebody delete the copy behind the operation's back."""
    stage.aurora.lose_snapshot(snapshot_arn(TARGET_REGION, copy_name(stage)))


def lose_source_snapshot(stage: FaultyStage) -> None:
    """Have Aurora's retention take the source's snapshot."""
    stage.aurora.lose_snapshot(str(stage.all_operations()[-1].facts.snapshot.arn))


def strangers_cluster(stage: FaultyStage) -> None:
    """Have somebody make a cluster under the target's name, when that is free."""
    waiting = list(stage.queue)
    stage.make_cluster("staging-cluster", TARGET_REGION, members=0)
    stage.queue.extend(waiting)


def delete_cluster(stage: FaultyStage) -> None:
    """Delete the cluster under the target's name."""
    remove_target(stage)


def replaced_while_deleting(stage: FaultyStage) -> None:
    """Let the old target go, and somebody else's come under its name."""
    while stage.queue:
        stage.deliver_one(stage.queue.popleft())
    stage.settle()
    strangers_cluster(stage)


def urgent_reader(stage: FaultyStage) -> None:
    """Add an instance with our tag to the old target."""
    stage.rds().create_db_instance(
        DBInstanceIdentifier="urgent-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=[{"Key": key, "Value": value} for key, value in OURS.items()],
    )


def unprotect(stage: FaultyStage) -> None:
    """Take the target's deletion protection away."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=False, ApplyImmediately=True
    )
    stage.settle()


def delete_instance(name: str) -> Deed:
    """Delete an instance."""

    def delete(stage: FaultyStage) -> None:
        stage.settle()
        stage.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        stage.settle()

    return delete


def name_taken(name: str) -> Deed:
    """Have somebody give an instance of theirs one of our names."""

    def take(stage: FaultyStage) -> None:
        waiting = list(stage.queue)
        stage.make_cluster("quick-one", TARGET_REGION, members=0)
        stage.queue.extend(waiting)
        stage.rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="quick-one",
        )

    return take


def run_the_command(stage: FaultyStage) -> None:
    """Run the loop of the remedy that adopts the target, as a shell would."""
    (arns, call) = re.findall(
        r"for arn in (.+); do aws (.+); done", str(stage.all_operations()[-1].remedy)
    )[0]
    service, verb, *options = shlex.split(call)
    given = dict(zip(options[::2], options[1::2], strict=True))
    key, value = (part.split("=", 1)[1] for part in given["--tags"].split(","))
    assert ("rds", "add-tags-to-resource", "$arn") == (service, verb, given["--resource-name"])
    for arn in arns.split():
        stage.rds(given["--region"]).add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": key, "Value": value}]
        )


def start_target(stage: FaultyStage) -> None:
    """Run the command of the remedy that starts the target."""
    (call,) = re.findall(r"\(aws (.+)\)", str(stage.all_operations()[-1].remedy))
    service, verb, *options = shlex.split(call)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert ("rds", "start-db-cluster") == (service, verb)
    identifier = given["--db-cluster-identifier"]
    stage.rds(given["--region"]).start_db_cluster(DBClusterIdentifier=identifier)
    stage.settle()


def tag_theirs(stage: FaultyStage) -> None:
    """Give the target another stage's tag."""
    tags = [{"Key": key, "Value": value} for key, value in THEIRS.items()]
    stage.rds().add_tags_to_resource(ResourceName=TARGET_ARN, Tags=tags)


def globally(stage: FaultyStage) -> None:
    """Make the target a member of a global cluster."""
    stage.rds().create_global_cluster(
        GlobalClusterIdentifier="worldwide", SourceDBClusterIdentifier=TARGET_ARN
    )


def not_globally(stage: FaultyStage) -> None:
    """Take it out again: RemoveFromGlobalCluster, which the model does not have."""
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[
        "staging-cluster"
    ].global_cluster = None


def fail_copies(stage: FaultyStage) -> None:
    """Let every copy fail that is begun from now on, three times."""
    for following in (State.SNAPSHOT_FOUND, State.SNAPSHOT_FOUND):
        stage.aurora.fail_copy(snapshot_arn(TARGET_REGION, copy_name(stage)))
        stage.reach(following)
        stage.reach(State.COPYING)
    stage.aurora.fail_copy(snapshot_arn(TARGET_REGION, copy_name(stage)))


def without_victim(stage: FaultyStage) -> None:
    """Edit the record, so that it does not say what is to be deleted."""
    operation = stage.all_operations()[-1]
    facts = replace(operation.facts, target=replace(operation.facts.target, old=None))
    stage.edit(operation.operation_id, facts=replace(operation, facts=facts).to_item()["facts"])


def disabled(step: str, *, hears: bool = False) -> Deed:
    """Let a function not run, or run again."""
    return lambda stage: stage.disabled.discard(step) if hears else stage.disabled.add(step)


def status(arn: str, value: str) -> Deed:
    """Set what a resource's status is."""
    return lambda stage: stage.aurora.set_status(arn, value)


def bad(value: str, arn: str = TARGET_ARN) -> Deed:
    """Let the new cluster, or an instance of it, come to a status that does not get better."""
    return lambda stage: stage.aurora.fail_creation(arn, value, "A test asked for this.")


def unreachable(call: str) -> Deed:
    """Let a service not answer setup-db-users until its network is mended."""
    no_answer = raised(UnreachableError(f"{call} did not answer."))
    return lambda stage: stage.inject(no_answer, step=IN_VPC, call=call, times=999)


def old_target(stage: FaultyStage) -> InMemoryCluster:
    """Give the database of the old target."""
    (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]
    return stage.data.clusters[cluster["DbClusterResourceId"]]


def port_closed(stage: FaultyStage) -> None:
    """Let no security group let setup-db-users in to the old target."""
    old_target(stage).trouble = DatabaseUnavailableError("PostgreSQL does not answer.")


def port_open(stage: FaultyStage) -> None:
    """Let one let it in."""
    old_target(stage).trouble = None


def lose_lock(stage: FaultyStage) -> None:
    """Give the target to another operation, by hand."""
    stage.store.tables["state"][f"target#{TARGET_ARN}"]["holder"] = "another"


def give_lock_back(stage: FaultyStage) -> None:
    """Let that operation end."""
    stage.store.tables["state"][f"target#{TARGET_ARN}"].pop("holder", None)


def tag_source_snapshot(stage: FaultyStage) -> None:
    """Give the source's snapshot a tag of ours, as its copies have."""
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    arn = str(stage.all_operations()[-1].facts.snapshot.arn)
    stage.rds(SOURCE_REGION).add_tags_to_resource(ResourceName=arn, Tags=tags)


def another_source(stage: FaultyStage) -> None:
    """Replace production by another cluster of its name, which has another resource id."""
    clusters = stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters
    clusters["prod-cluster"].resource_id, old = (
        "cluster-ANOTHER",
        clusters["prod-cluster"].resource_id,
    )
    stage.data.clusters["cluster-ANOTHER"] = stage.data.clusters[old]


def snapshot_fails(stage: FaultyStage) -> None:
    """Let the source's snapshot end as failed."""
    stage.aurora.set_status(str(stage.all_operations()[-1].facts.snapshot.arn), "failed")


def replace_restored(stage: FaultyStage) -> None:
    """Let another cluster of ours stand under the new one's name."""
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[
        "staging-cluster"
    ].resource_id = "cluster-ANOTHER"
    old = str(stage.all_operations()[-1].facts.target.cluster_resource_id)
    stage.data.clusters["cluster-ANOTHER"] = stage.data.clusters[old]


def other_group(stage: FaultyStage) -> None:
    """Have somebody give the new cluster another parameter group."""
    cluster = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters["staging-cluster"]
    cluster.options.parameter_group = "tuned16"


def cancel(stage: FaultyStage) -> None:
    """Ask for the end of the operation."""
    stage.request(
        "CancelRequested", operation_id=stage.all_operations()[-1].operation_id, reason="now"
    )


WITHOUT_COPY = {
    "TARGET_REGION": SOURCE_REGION,
    "KMS_KEY_ID": "",
    "VPC_SECURITY_GROUP_IDS": "sg-east",
}
LARGER = setting(INSTANCE_CLASS="db.r6g.xlarge")
LOOK = "check-copy-status"
COPY = "rds.copy_db_cluster_snapshot"
CREATE, PASSWORD = "rds.create_db_instance", "rds.modify_db_cluster"
SECRET = "secretsmanager.get_secret_value"
FOREIGN = snapshot_under_the_copys_name

OPERATIONS = (
    # what AWS answers
    RefusalCase(
        "denied",
        answering(
            COPY, "AccessDenied", DENIAL.format("because no identity-based policy allows it")
        ),
    ),
    RefusalCase(
        "denied for good",
        answering(COPY, "AccessDenied", DENIAL.format("with an explicit deny in a boundary")),
    ),
    RefusalCase("a quota of snapshots", answering(COPY, "SnapshotQuotaExceeded")),
    RefusalCase("a key that cannot be used", answering(COPY, "KMSKeyNotAccessibleFault")),
    RefusalCase("a quota", answering(CREATE, "InstanceQuotaExceeded")),
    RefusalCase(
        "a quota of retained backups",
        answering("rds.delete_db_cluster", "DBClusterAutomatedBackupQuotaExceededFault"),
    ),
    RefusalCase("a request that is wrong", answering(CREATE, "InvalidParameterCombination")),
    RefusalCase(
        "a group that is missing",
        nothing,
        setting(DB_SUBNET_GROUP_NAME="default"),
        environment={"DB_SUBNET_GROUP_NAME": "nowhere"},
    ),
    RefusalCase("no capacity", answering(CREATE, "InsufficientDBInstanceCapacity"), LARGER),
    # the snapshot and its copy
    RefusalCase("another stage's snapshot", FOREIGN(THEIRS), delete_copy, at=State.SNAPSHOT_FOUND),
    RefusalCase("a stranger's snapshot", FOREIGN({}), delete_copy, at=State.SNAPSHOT_FOUND),
    RefusalCase(
        "no copy of the night's", FOREIGN(OURS, chained=True), delete_copy, at=State.SNAPSHOT_FOUND
    ),
    RefusalCase(
        "a copy under another key", copy_under_another_key, delete_copy, at=State.SNAPSHOT_FOUND
    ),
    RefusalCase(
        "a source snapshot that is gone",
        lose_source_snapshot,
        next_snapshot,
        at=State.SNAPSHOT_FOUND,
    ),
    RefusalCase("no such snapshot", lose_source_snapshot, next_snapshot, at=State.ACCEPTED),
    RefusalCase("a snapshot that failed", snapshot_fails, next_snapshot, at=State.ACCEPTED),
    RefusalCase(
        "a snapshot that became ours", tag_source_snapshot, next_snapshot, at=State.ACCEPTED
    ),
    RefusalCase(
        "a snapshot of an earlier cluster", another_source, next_snapshot, at=State.ACCEPTED
    ),
    RefusalCase("copies that fail", fail_copies, at=State.COPYING),
    RefusalCase("a copy that is gone before the deletion", lose_copy, at=State.SNAPSHOT_READY),
    RefusalCase(
        "a snapshot that is gone before the restore",
        lose_source_snapshot,
        next_snapshot,
        at=State.TARGET_CLEAR,
        environment=WITHOUT_COPY,
        staging=False,
    ),
    RefusalCase("a copy that is gone before the restore", lose_copy, at=State.TARGET_CLEAR),
    RefusalCase(
        "no key for the copy",
        nothing,
        setting(KMS_KEY_ID="alias/aurora-restore"),
        environment={"KMS_KEY_ID": ""},
    ),
    RefusalCase(
        "a state that does not pass",
        answering("rds.delete_db_cluster", "InvalidDBClusterStateFault"),
    ),
    # the network of setup-db-users
    RefusalCase("a service that is not reached", unreachable(SECRET)),
    RefusalCase("an old target that is not reached", port_closed, port_open),
    RefusalCase(
        "a function in a VPC that never runs",
        disabled(IN_VPC),
        disabled(IN_VPC, hears=True),
        at=State.PREFLIGHT_PASSED,
    ),
    RefusalCase(
        "a secret that it may not read", answering(SECRET, "AccessDeniedException", step=IN_VPC)
    ),
    RefusalCase(
        "a service that throttles it", answering(SECRET, "ThrottlingException", step=IN_VPC)
    ),
    # the target
    RefusalCase(
        "no final snapshot of it",
        status(TARGET_ARN, "inaccessible-encryption-credentials"),
        setting(SKIP_FINAL_SNAPSHOT="true"),
        at=State.TARGET_DELETING,
        environment={"SKIP_FINAL_SNAPSHOT": "false"},
    ),
    RefusalCase("a cluster that is stopped", stop_target, start_target, at=State.USERS_READY),
    RefusalCase("a reader that is gone", delete_reader, at=State.USERS_READY),
    RefusalCase(
        "a cluster that somebody deletes",
        status(TARGET_ARN, "deleting"),
        both(status(TARGET_ARN, "available"), remove_target),
        at=State.USERS_READY,
    ),
    RefusalCase("a cluster that is not as planned", protect, at=State.USERS_READY),
    RefusalCase(
        "a cluster that cannot be made as planned",
        other_group,
        at=State.CLUSTER_RESTORED,
        environment={"DB_CLUSTER_PARAMETER_GROUP_NAME": "default.aurora-postgresql16"},
    ),
    RefusalCase("a target without our tag", disown, run_the_command),
    RefusalCase("a protected target without our tag", both(disown, protect), run_the_command),
    RefusalCase("a target of another stage", tag_theirs, setting(TARGET_CLUSTER_ID="staging-two")),
    RefusalCase("a global target", globally, not_globally),
    RefusalCase("a record without a victim", without_victim, at=State.TARGET_DELETING),
    RefusalCase(
        "another cluster under the name",
        replaced_while_deleting,
        delete_cluster,
        at=State.TARGET_DELETING,
    ),
    RefusalCase("a late protection", protect, unprotect, at=State.TARGET_DELETING),
    RefusalCase(
        "a new instance", urgent_reader, delete_instance("urgent-reader"), at=State.TARGET_DELETING
    ),
    RefusalCase(
        "a cluster that appeared", strangers_cluster, delete_cluster, at=State.TARGET_CLEAR
    ),
    RefusalCase(
        "an instance name that is taken",
        name_taken("staging-cluster-1"),
        delete_instance("staging-cluster-1"),
        at=State.CLUSTER_RESTORED,
    ),
    RefusalCase("a new cluster that was replaced", replace_restored, at=State.INSTANCES_CREATING),
    RefusalCase(
        "a new cluster that vanished",
        answering(PASSWORD, "DBClusterNotFoundFault", step="setup-db-users", status=404),
        at=State.RESTORED,
    ),
    RefusalCase("a cluster that failed", bad("failed")),
    RefusalCase("an instance without capacity", bad("insufficient-capacity", WRITER_ARN), LARGER),
    RefusalCase("a cluster without its key", bad("inaccessible-encryption-credentials")),
    RefusalCase("an instance without an address", bad("incompatible-network", WRITER_ARN)),
    RefusalCase("an instance with wrong parameters", bad("incompatible-parameters", WRITER_ARN)),
    # time, bugs, people
    RefusalCase(
        "a wait that is too long",
        status(TARGET_ARN, "modifying"),
        both(status(TARGET_ARN, "available"), setting(DELETE_DEADLINE="3600")),
    ),
    RefusalCase(
        "a function that never runs",
        disabled("copy-snapshot"),
        disabled("copy-snapshot", hears=True),
    ),
    RefusalCase("a call that is throttled", answering(COPY, "Throttling", status=500)),
    RefusalCase(
        "a function that stops running",
        disabled(LOOK),
        disabled(LOOK, hears=True),
        at=State.COPYING,
    ),
    RefusalCase(
        "a bug", lambda stage: stage.inject(raised(KeyError("bug")), step="copy-snapshot", times=3)
    ),
    RefusalCase("a lock that is lost", lose_lock, give_lock_back, at=State.COPYING),
    RefusalCase("a cancel", cancel, at=State.COPYING),
    RefusalCase(
        "production's own password",
        secret(MASTER_SECRET, password="Production-0-password"),
        secret(MASTER_SECRET, password="Another-0-password"),
    ),
)
