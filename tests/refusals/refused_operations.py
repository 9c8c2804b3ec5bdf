"""Every refusal that ends an operation while it copies, deletes, restores and tells.

Each with its remedy as a deed.
"""

import re
import shlex
from dataclasses import replace

from chalicelib.aws.client import UnreachableError
from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import IN_VPC, State
from chalicelib.flow.plan import OPERATION_TAG, OWNER_TAG
from simulation.in_memory_database import InMemoryCluster
from simulation.stage import ACCOUNT, MASTER_SECRET, SOURCE_REGION, STAGE, TARGET_REGION
from tests.choreography.fault_injection import raised
from tests.choreography.requests import delete_reader, disown, protect, remove_target, stop_target
from tests.choreography.run_night import Night
from tests.refusals.following import (
    Case,
    Deed,
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


def copy_name(night: Night) -> str:
    """Name the copy of the newest operation."""
    operation = night.all_operations()[-1]
    return (
        operation.name_of_copy
        if operation.facts.copies.hops
        else operation.copy_name(night.key_arn())
    )


def snapshot_under_the_copys_name(tags: dict[str, str], *, chained: bool = False) -> Deed:
    """Have somebody take a snapshot of the old target under the name of the operation's copy."""

    def take(night: Night) -> None:
        root = {OPERATION_TAG: night.all_operations()[-1].root_id} if chained else {}
        labels = [{"Key": key, "Value": value} for key, value in (tags | root).items()]
        night.rds().create_db_cluster_snapshot(
            DBClusterIdentifier="staging-cluster",
            DBClusterSnapshotIdentifier=copy_name(night),
            Tags=labels,
        )

    return take


def copy_under_another_key(night: Night) -> None:
    """Have somebody copy the snapshot with the copy's name and tags, but another key."""
    operation = night.all_operations()[-1]
    night.keys.create(ACCOUNT, TARGET_REGION, "alias/theirs")
    tags = OURS | {OPERATION_TAG: operation.root_id}
    night.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=operation.facts.snapshot.arn,
        TargetDBClusterSnapshotIdentifier=copy_name(night),
        KmsKeyId="alias/theirs",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def delete_copy(night: Night) -> None:
    """Delete the snapshot under the copy's name."""
    night.settle()
    night.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=copy_name(night))
    night.settle()


def lose_copy(night: Night) -> None:
    """Have somebody delete the copy behind the operation's back."""
    night.aurora.lose_snapshot(snapshot_arn(TARGET_REGION, copy_name(night)))


def lose_source_snapshot(night: Night) -> None:
    """Have Aurora's retention take the source's snapshot."""
    night.aurora.lose_snapshot(str(night.all_operations()[-1].facts.snapshot.arn))


def strangers_cluster(night: Night) -> None:
    """Have somebody make a cluster under the target's name, when that is free."""
    waiting = list(night.queue)
    night.make_cluster("staging-cluster", TARGET_REGION, members=0)
    night.queue.extend(waiting)


def delete_cluster(night: Night) -> None:
    """Delete the cluster under the target's name."""
    remove_target(night)


def replaced_while_deleting(night: Night) -> None:
    """Let the old target go, and somebody else's come under its name."""
    while night.queue:
        night.deliver_one(night.queue.popleft())
    night.settle()
    strangers_cluster(night)


def urgent_reader(night: Night) -> None:
    """Add an instance with our tag to the old target."""
    night.rds().create_db_instance(
        DBInstanceIdentifier="urgent-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=[{"Key": key, "Value": value} for key, value in OURS.items()],
    )


def unprotect(night: Night) -> None:
    """Take the target's deletion protection away."""
    night.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=False, ApplyImmediately=True
    )
    night.settle()


def delete_instance(name: str) -> Deed:
    """Delete an instance."""

    def delete(night: Night) -> None:
        night.settle()
        night.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        night.settle()

    return delete


def name_taken(name: str) -> Deed:
    """Have somebody give an instance of theirs one of our names."""

    def take(night: Night) -> None:
        waiting = list(night.queue)
        night.make_cluster("quick-one", TARGET_REGION, members=0)
        night.queue.extend(waiting)
        night.rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="quick-one",
        )

    return take


def run_the_command(night: Night) -> None:
    """Run the loop of the remedy that adopts the target, as a shell would."""
    (arns, call) = re.findall(
        r"for arn in (.+); do aws (.+); done", str(night.all_operations()[-1].remedy)
    )[0]
    service, verb, *options = shlex.split(call)
    given = dict(zip(options[::2], options[1::2], strict=True))
    key, value = (part.split("=", 1)[1] for part in given["--tags"].split(","))
    assert ("rds", "add-tags-to-resource", "$arn") == (service, verb, given["--resource-name"])
    for arn in arns.split():
        night.rds(given["--region"]).add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": key, "Value": value}]
        )


def start_target(night: Night) -> None:
    """Run the command of the remedy that starts the target."""
    (call,) = re.findall(r"\(aws (.+)\)", str(night.all_operations()[-1].remedy))
    service, verb, *options = shlex.split(call)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert ("rds", "start-db-cluster") == (service, verb)
    identifier = given["--db-cluster-identifier"]
    night.rds(given["--region"]).start_db_cluster(DBClusterIdentifier=identifier)
    night.settle()


def tag_theirs(night: Night) -> None:
    """Give the target another stage's tag."""
    tags = [{"Key": key, "Value": value} for key, value in THEIRS.items()]
    night.rds().add_tags_to_resource(ResourceName=TARGET_ARN, Tags=tags)


def globally(night: Night) -> None:
    """Make the target a member of a global cluster."""
    night.rds().create_global_cluster(
        GlobalClusterIdentifier="worldwide", SourceDBClusterIdentifier=TARGET_ARN
    )


def not_globally(night: Night) -> None:
    """Take it out again: RemoveFromGlobalCluster, which the model does not have."""
    night.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[
        "staging-cluster"
    ].global_cluster = None


def fail_copies(night: Night) -> None:
    """Let every copy fail that is begun from now on, three times."""
    for following in (State.SNAPSHOT_FOUND, State.SNAPSHOT_FOUND):
        night.aurora.fail_copy(snapshot_arn(TARGET_REGION, copy_name(night)))
        night.reach(following)
        night.reach(State.COPYING)
    night.aurora.fail_copy(snapshot_arn(TARGET_REGION, copy_name(night)))


def without_victim(night: Night) -> None:
    """Edit the record, so that it does not say what is to be deleted."""
    operation = night.all_operations()[-1]
    facts = replace(operation.facts, target=replace(operation.facts.target, old=None))
    night.edit(operation.operation_id, facts=replace(operation, facts=facts).to_item()["facts"])


def deaf(step: str, *, hears: bool = False) -> Deed:
    """Let a function not run, or run again."""
    return lambda night: night.deaf.discard(step) if hears else night.deaf.add(step)


def status(arn: str, value: str) -> Deed:
    """Set what a resource's status is."""
    return lambda night: night.aurora.set_status(arn, value)


def bad(value: str, arn: str = TARGET_ARN) -> Deed:
    """Let the new cluster, or an instance of it, come to a status that does not get better."""
    return lambda night: night.aurora.fail_creation(arn, value, "A test asked for this.")


def unreachable(call: str) -> Deed:
    """Let a service not answer setup-db-users until its network is mended."""
    no_answer = raised(UnreachableError(f"{call} did not answer."))
    return lambda night: night.hurt(no_answer, step=IN_VPC, call=call, times=999)


def old_target(night: Night) -> InMemoryCluster:
    """Give the database of the old target."""
    (cluster,) = night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]
    return night.data.clusters[cluster["DbClusterResourceId"]]


def port_closed(night: Night) -> None:
    """Let no security group let setup-db-users in to the old target."""
    old_target(night).trouble = DatabaseUnavailableError("PostgreSQL does not answer.")


def port_open(night: Night) -> None:
    """Let one let it in."""
    old_target(night).trouble = None


def lose_lock(night: Night) -> None:
    """Give the target to another operation, by hand."""
    night.store.tables["state"][f"target#{TARGET_ARN}"]["holder"] = "another"


def give_lock_back(night: Night) -> None:
    """Let that operation end."""
    night.store.tables["state"][f"target#{TARGET_ARN}"].pop("holder", None)


def tag_source_snapshot(night: Night) -> None:
    """Give the source's snapshot a tag of ours, as its copies have."""
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    arn = str(night.all_operations()[-1].facts.snapshot.arn)
    night.rds(SOURCE_REGION).add_tags_to_resource(ResourceName=arn, Tags=tags)


def another_source(night: Night) -> None:
    """Replace production by another cluster of its name, which has another resource id."""
    clusters = night.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters
    clusters["prod-cluster"].resource_id, old = (
        "cluster-ANOTHER",
        clusters["prod-cluster"].resource_id,
    )
    night.data.clusters["cluster-ANOTHER"] = night.data.clusters[old]


def snapshot_fails(night: Night) -> None:
    """Let the source's snapshot end as failed."""
    night.aurora.set_status(str(night.all_operations()[-1].facts.snapshot.arn), "failed")


def replace_restored(night: Night) -> None:
    """Let another cluster of ours stand under the new one's name."""
    night.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[
        "staging-cluster"
    ].resource_id = "cluster-ANOTHER"
    old = str(night.all_operations()[-1].facts.target.cluster_resource_id)
    night.data.clusters["cluster-ANOTHER"] = night.data.clusters[old]


def other_group(night: Night) -> None:
    """Have somebody give the new cluster another parameter group."""
    cluster = night.aurora._state.region(ACCOUNT, TARGET_REGION).clusters["staging-cluster"]
    cluster.options.parameter_group = "tuned16"


def cancel(night: Night) -> None:
    """Ask for the end of the operation."""
    night.request(
        "CancelRequested", operation_id=night.all_operations()[-1].operation_id, reason="now"
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
    Case(
        "denied",
        answering(
            COPY, "AccessDenied", DENIAL.format("because no identity-based policy allows it")
        ),
    ),
    Case(
        "denied for good",
        answering(COPY, "AccessDenied", DENIAL.format("with an explicit deny in a boundary")),
    ),
    Case("a quota of snapshots", answering(COPY, "SnapshotQuotaExceeded")),
    Case("a key that cannot be used", answering(COPY, "KMSKeyNotAccessibleFault")),
    Case("a quota", answering(CREATE, "InstanceQuotaExceeded")),
    Case("a request that is wrong", answering(CREATE, "InvalidParameterCombination")),
    Case(
        "a group that is missing",
        nothing,
        setting(DB_SUBNET_GROUP_NAME="default"),
        environment={"DB_SUBNET_GROUP_NAME": "nowhere"},
    ),
    Case("no capacity", answering(CREATE, "InsufficientDBInstanceCapacity"), LARGER),
    # the snapshot and its copy
    Case("another stage's snapshot", FOREIGN(THEIRS), delete_copy, at=State.SNAPSHOT_FOUND),
    Case("a stranger's snapshot", FOREIGN({}), delete_copy, at=State.SNAPSHOT_FOUND),
    Case(
        "no copy of the night's", FOREIGN(OURS, chained=True), delete_copy, at=State.SNAPSHOT_FOUND
    ),
    Case("a copy under another key", copy_under_another_key, delete_copy, at=State.SNAPSHOT_FOUND),
    Case(
        "a source snapshot that is gone",
        lose_source_snapshot,
        next_snapshot,
        at=State.SNAPSHOT_FOUND,
    ),
    Case("no such snapshot", lose_source_snapshot, next_snapshot, at=State.ACCEPTED),
    Case("a snapshot that failed", snapshot_fails, next_snapshot, at=State.ACCEPTED),
    Case("a snapshot that became ours", tag_source_snapshot, next_snapshot, at=State.ACCEPTED),
    Case("a snapshot of an earlier cluster", another_source, next_snapshot, at=State.ACCEPTED),
    Case("copies that fail", fail_copies, at=State.COPYING),
    Case("a copy that is gone before the deletion", lose_copy, at=State.SNAPSHOT_READY),
    Case(
        "a snapshot that is gone before the restore",
        lose_source_snapshot,
        next_snapshot,
        at=State.TARGET_CLEAR,
        environment=WITHOUT_COPY,
        staging=False,
    ),
    Case("a copy that is gone before the restore", lose_copy, at=State.TARGET_CLEAR),
    Case(
        "no key for the copy",
        nothing,
        setting(KMS_KEY_ID="alias/aurora-restore"),
        environment={"KMS_KEY_ID": ""},
    ),
    Case(
        "a state that does not pass",
        answering("rds.delete_db_cluster", "InvalidDBClusterStateFault"),
    ),
    # the network of setup-db-users
    Case("a service that is not reached", unreachable(SECRET)),
    Case("an old target that is not reached", port_closed, port_open),
    Case(
        "a function in a VPC that never runs",
        deaf(IN_VPC),
        deaf(IN_VPC, hears=True),
        at=State.PREFLIGHT_PASSED,
    ),
    Case("a secret that it may not read", answering(SECRET, "AccessDeniedException", step=IN_VPC)),
    Case("a service that throttles it", answering(SECRET, "ThrottlingException", step=IN_VPC)),
    # the target
    Case(
        "no final snapshot of it",
        status(TARGET_ARN, "inaccessible-encryption-credentials"),
        setting(SKIP_FINAL_SNAPSHOT="true"),
        at=State.TARGET_DELETING,
        environment={"SKIP_FINAL_SNAPSHOT": "false"},
    ),
    Case("a cluster that is stopped", stop_target, start_target, at=State.USERS_READY),
    Case("a reader that is gone", delete_reader, at=State.USERS_READY),
    Case(
        "a cluster that somebody deletes",
        status(TARGET_ARN, "deleting"),
        both(status(TARGET_ARN, "available"), remove_target),
        at=State.USERS_READY,
    ),
    Case("a cluster that is not as planned", protect, at=State.USERS_READY),
    Case(
        "a cluster that cannot be made as planned",
        other_group,
        at=State.CLUSTER_RESTORED,
        environment={"DB_CLUSTER_PARAMETER_GROUP_NAME": "default.aurora-postgresql16"},
    ),
    Case("a target without our tag", disown, run_the_command),
    Case("a protected target without our tag", both(disown, protect), run_the_command),
    Case("a target of another stage", tag_theirs, setting(TARGET_CLUSTER_ID="staging-two")),
    Case("a global target", globally, not_globally),
    Case("a record without a victim", without_victim, at=State.TARGET_DELETING),
    Case(
        "another cluster under the name",
        replaced_while_deleting,
        delete_cluster,
        at=State.TARGET_DELETING,
    ),
    Case("a late protection", protect, unprotect, at=State.TARGET_DELETING),
    Case(
        "a new instance", urgent_reader, delete_instance("urgent-reader"), at=State.TARGET_DELETING
    ),
    Case("a cluster that appeared", strangers_cluster, delete_cluster, at=State.TARGET_CLEAR),
    Case(
        "an instance name that is taken",
        name_taken("staging-cluster-1"),
        delete_instance("staging-cluster-1"),
        at=State.CLUSTER_RESTORED,
    ),
    Case("a new cluster that was replaced", replace_restored, at=State.INSTANCES_CREATING),
    Case(
        "a new cluster that vanished",
        answering(PASSWORD, "DBClusterNotFoundFault", step="setup-db-users", status=404),
        at=State.RESTORED,
    ),
    Case("a cluster that failed", bad("failed")),
    Case("an instance without capacity", bad("insufficient-capacity", WRITER_ARN), LARGER),
    Case("a cluster without its key", bad("inaccessible-encryption-credentials")),
    Case("an instance without an address", bad("incompatible-network", WRITER_ARN)),
    Case("an instance with wrong parameters", bad("incompatible-parameters", WRITER_ARN)),
    # time, bugs, people
    Case(
        "a wait that is too long",
        status(TARGET_ARN, "modifying"),
        both(status(TARGET_ARN, "available"), setting(DELETE_DEADLINE="3600")),
    ),
    Case("a function that never runs", deaf("copy-snapshot"), deaf("copy-snapshot", hears=True)),
    Case("a call that is throttled", answering(COPY, "Throttling", status=500)),
    Case("a function that stops running", deaf(LOOK), deaf(LOOK, hears=True), at=State.COPYING),
    Case("a bug", lambda night: night.hurt(raised(KeyError("bug")), step="copy-snapshot", times=3)),
    Case("a lock that is lost", lose_lock, give_lock_back, at=State.COPYING),
    Case("a cancel", cancel, at=State.COPYING),
    Case(
        "production's own password",
        secret(MASTER_SECRET, password="Production-0-password"),
        secret(MASTER_SECRET, password="Another-0-password"),
    ),
)
