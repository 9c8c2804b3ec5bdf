"""What befalls a stage besides faults: what people do to it, bursts of trouble, whose things are, and the past."""

import json
from contextlib import suppress
from dataclasses import MISSING, fields

from botocore.exceptions import ClientError
from localaws.aurora import Durations

from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import ROWS, State
from chalicelib.flow.operation import Operation
from simulation.settings import KEY_ALIAS
from simulation.stage import ACCOUNT, APP_SECRET, MASTER_SECRET, SOURCE_REGION, STAGE, TARGET_REGION
from simulation.world import World

NEEDED = frozenset(  # with a default, but the meaning of a record from the beginning
    {
        "version",
        "open",
        "due_at",
        "facts",
        "lease_owner",
        "lease_until",
        "cancel_requested",
        "automatic",
        "region",
    }
)


# --- what stands there ---


def our_target(world: World) -> None:
    """Let an old target stand there that an operation of ours has made."""
    world.staging()


def stopped_and_protected(world: World) -> None:
    """Let our old target be protected against deletion, and stopped."""
    world.staging()
    rds = world.rds()
    rds.modify_db_cluster(DBClusterIdentifier="staging-cluster", DeletionProtection=True)
    rds.stop_db_cluster(DBClusterIdentifier="staging-cluster")
    world.settle()


# --- people ---


def cancel(world: World, operation_id: str) -> None:
    """Let a person stop the operation, before anything else comes to it."""
    world.put("CancelRequested", operation_id=operation_id, reason="staging is needed")
    world.queue.rotate(1)  # before whatever waits


def rerun(world: World, operation_id: str, **how: str) -> None:
    """Let a person stop the operation, and have it run again when it has ended."""
    cancel(world, operation_id)
    world.expected = 1
    world.rest()
    if world.states[operation_id] is State.CANCELLED:  # and not ended before the cancel came
        world.expected = 2
        world.put("RestoreRequested", rerun_of=operation_id, request_id="again", **how)


def other_key(world: World, operation_id: str) -> None:
    """Let the key be disabled during the copy, and a person do what the notice says: set another, and run it again."""
    world.keys.disable(world.key_arn())
    world.expected = 1
    world.rest()
    world.keys.create(ACCOUNT, TARGET_REGION, "alias/other")
    world.environment["KMS_KEY_ID"] = "alias/other"
    if world.states[operation_id] is State.FAILED:
        world.expected = 2
        world.put("RestoreRequested", rerun_of=operation_id, request_id="again")


def other_key_and_back(world: World, operation_id: str) -> None:
    """Let a rerun under another key fail as well, and a person go back to the first key: they run the first again."""
    first = world.key_arn()
    other_key(world, operation_id)
    if world.expected == 1 or not (second := world.until(State.COPYING)):
        return
    if other := world.keys(ACCOUNT, TARGET_REGION, "alias/other"):
        world.keys.disable(other.arn)
    world.rest()
    world.keys.enable(first)
    world.environment["KMS_KEY_ID"] = first
    if world.states[second] is State.FAILED:
        world.expected = 3
        world.put("RestoreRequested", rerun_of=operation_id, request_id="back")


def moved_alias(world: World, _operation_id: str) -> None:
    """Let somebody move the alias that KMS_KEY_ID names to another key."""
    world.keys.create(ACCOUNT, TARGET_REGION, KEY_ALIAS)


def rerun_too_far(world: World, operation_id: str) -> None:
    """Ask for a step that lies after the one where it stopped: what that needs was never made."""
    rerun(world, operation_id, from_step="archive-snapshot")


def settings(world: World, _operation_id: str) -> None:
    """Let the settings change under way: a plan is frozen when its operation starts."""
    world.environment |= {
        "INSTANCE_COUNT": "3",
        "ARCHIVE_SNAPSHOT": "false",
        "RESTORE_CHECK_INTERVAL": "120",
    }


def second_snapshot(world: World, _operation_id: str) -> None:
    """Let a newer snapshot come meanwhile: it is skipped, and caught up when the target is free."""
    world.night()
    world.rest()
    world.catch_up()


def older(world: World, operation_id: str) -> None:
    """Let the record be one of an earlier version of the model, which lacked whatever has a default."""
    item = world.store.tables["state"][operation_id]
    for attribute in fields(Operation):
        required = attribute.default is attribute.default_factory is MISSING
        if not required and attribute.name not in NEEDED:
            item.pop(attribute.name, None)


def newer(world: World, operation_id: str) -> None:
    """Let the record be one of a later version, with attributes that this one does not know."""
    item = world.store.tables["state"][operation_id]
    item |= {"colour": "blue", "facts": item["facts"] | {"weather": "rain"}}
    item["settings"] = item["settings"] | {"masking": True}


def replaced(world: World, _operation_id: str) -> None:
    """Somebody deletes the old target and makes another cluster of its name, which carries our tag, too."""
    waiting = list(world.queue)
    with suppress(ClientError):  # among other faults the operation may be at it already
        _delete_target(world)
        world.staging()
    world.queue.extend(waiting)


def changed(world: World, _operation_id: str) -> None:
    """Somebody protects the restored cluster, which the plan does not want, before the operation has ended."""
    with suppress(ClientError):  # among other faults the operation may have been elsewhere
        world.rds().modify_db_cluster(
            DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
        )


def unreachable(world: World, _operation_id: str) -> None:
    """No security group lets setup-db-users in to the old target any more."""
    cluster = world.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"][
        0
    ]
    no_answer = DatabaseUnavailableError("PostgreSQL at the old target does not answer.")
    world.data.clusters[cluster["DbClusterResourceId"]].trouble = no_answer


def removed(world: World, _operation_id: str) -> None:
    """Somebody deletes the restored cluster before the operation has ended."""
    waiting = list(world.queue)
    with suppress(ClientError):  # among other faults the operation may have ended already
        _delete_target(world)
    world.queue.extend(waiting)


def lost_reader(world: World, _operation_id: str) -> None:
    """Somebody deletes the reader of the restored cluster before the operation has ended."""
    waiting = list(world.queue)
    with suppress(ClientError):  # among other faults the operation may have ended already
        world.rds().delete_db_instance(
            DBInstanceIdentifier="staging-cluster-2", SkipFinalSnapshot=True
        )
        world.settle()
    world.queue.extend(waiting)


def _delete_target(world: World) -> None:
    rds = world.rds()
    for member in ("staging-cluster-2", "staging-cluster-1"):
        rds.delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    world.settle()


# --- bursts ---


def silence(world: World, _operation_id: str) -> None:
    """Let the bus deliver nothing for ten minutes."""
    world.silent_until = world.burst(minutes=10)


def throttling(world: World, _operation_id: str) -> None:
    """Let every call of RDS be throttled for five minutes."""
    world.throttled_until = world.burst(minutes=5)


def no_heartbeat(world: World, _operation_id: str) -> None:
    """Let there be no heartbeat for an hour."""
    world.deaf.add("heartbeat")
    world.burst(minutes=60, then=lambda: world.deaf.discard("heartbeat"))


def two_heartbeats(world: World, _operation_id: str) -> None:
    """Let every tick come twice from now on."""
    world.heartbeats = 2


def never_starts(world: World, operation_id: str) -> None:
    """Let the function whose turn it is be one that cannot start."""
    world.deaf.add(ROWS[world.states[operation_id]].step or "")


def twice(world: World) -> None:
    """Let the bus deliver every event once more, after what else waits."""
    world.everything_twice = True
    world.night()


def fail_copy(world: World, _operation_id: str) -> None:
    """Let the copy that is under way end as failed."""
    for copy in world.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        if copy["Status"] == "copying":
            world.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def fail_copies(world: World, operation_id: str) -> None:
    """Let the copy fail, and the next one, too: a third one is made."""
    fail_copy(world, operation_id)
    for copy in world.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        world.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def lost_copies(world: World) -> None:
    """Let a copy take for ever."""
    world.aurora.set_pace(Durations(copy=10**9))
    world.night()


def rotated(world: World) -> None:
    """Let secrets be rotated after a good night, and a person ask for the users to be set up again."""
    world.night()
    world.expected = 1
    world.rest()
    world.expected = 2
    for secret_id, field, value in (
        (MASTER_SECRET, "password", "Rotated-master-1"),
        (APP_SECRET, "app_password", "Rotated-app-1"),
    ):
        secret = json.loads(world.secrets.get_secret_value(SecretId=secret_id)["SecretString"]) | {
            field: value
        }
        world.secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(secret))
    world.put(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="rotation"
    )


# --- whose things are ---


def nothing(_world: World) -> None:
    """Nothing stands there."""


def strangers(world: World) -> None:
    """Let what stands under the target's name be somebody else's."""
    world.make_cluster("staging-cluster", TARGET_REGION, members=2)


def strangers_copy(world: World, operation_id: str) -> None:
    """Let somebody copy the same snapshot, to the name that our copy will have."""
    operation = Operation.from_item(world.store.tables["state"][operation_id])
    world.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=operation.facts.snapshot.arn,
        KmsKeyId="alias/aurora-restore",
        TargetDBClusterSnapshotIdentifier=operation.copy_name(world.key_arn()),
    )


def tagged_source(world: World) -> None:
    """Let production carry our tag, by somebody's mistake, and its security group be one of the plan's."""
    world.network.groups["sg-source"] = f"vpc-{SOURCE_REGION}-default"
    for kind, name in (("cluster", "prod-cluster"), ("db", "prod-cluster-1")):
        world.rds(SOURCE_REGION).add_tags_to_resource(
            ResourceName=f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:{kind}:{name}",
            Tags=[{"Key": "aurora-restore", "Value": f"{STAGE}/default"}],
        )


def renamed_source(world: World, _operation_id: str) -> None:
    """Let somebody rename production to the target's name (ModifyDBCluster's rename is not modelled, so by hand)."""
    region = world.aurora._state.region(ACCOUNT, SOURCE_REGION)  # noqa: SLF001
    cluster = region.clusters.pop("prod-cluster")
    cluster.arn = region.arn("cluster", "renamed")
    region.clusters["renamed"] = cluster


# --- several plans, and the past ---


def second_plan(world: World, **settings: str) -> None:
    """Give the stage a second plan."""
    for name, value in settings.items():
        path = f"/aurora-restore/{STAGE}/plans/second/{name.replace('_', '-')}"
        world.parameters.put_parameter(Name=path, Value=value)


def two_targets(world: World) -> None:
    """Let one night be two operations on two targets."""
    world.staging()
    second_plan(world, target_cluster_id="second-cluster")


def one_target(world: World) -> None:
    """Let two plans have the same target: neither may have it."""
    world.staging()
    second_plan(world, target_cluster_id="staging-cluster")


def quiet_night(world: World) -> None:
    """Let a night pass of which nothing may come."""
    world.night()
    world.burst(minutes=120)


def replayed(world: World) -> None:
    """Let somebody replay from an archive, days later, what a person had asked for once."""
    world.night()
    world.expected = 1
    world.rest()
    world.put("RestoreRequested", reason="for the demonstration")
    asked, world.expected = dict(world.queue[0]), 2
    world.rest()
    world.sleep(days=3)
    for envelope in (
        asked | {"id": "replayed-1"},
        asked | {"id": "replayed-2", "replay-name": "again"},
    ):
        world.deliver_one(envelope)
