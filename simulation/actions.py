"""What happens to a stage besides faults.

What people do to it, bursts of trouble, whose things are, and the past.
"""

import json
from contextlib import suppress
from dataclasses import MISSING, fields

from botocore.exceptions import ClientError
from localaws.aurora import Durations

from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import ROWS, State
from chalicelib.flow.operation import Operation
from simulation.settings import KEY_ALIAS
from simulation.simulation import Simulation
from simulation.stage import ACCOUNT, APP_SECRET, MASTER_SECRET, SOURCE_REGION, STAGE, TARGET_REGION

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


def our_target(simulation: Simulation) -> None:
    """Let an old target stand there that an operation of ours has made."""
    simulation.stage.staging()


def stopped_and_protected(simulation: Simulation) -> None:
    """Let our old target be protected against deletion, and stopped."""
    simulation.stage.staging()
    rds = simulation.stage.rds()
    rds.modify_db_cluster(DBClusterIdentifier="staging-cluster", DeletionProtection=True)
    rds.stop_db_cluster(DBClusterIdentifier="staging-cluster")
    simulation.stage.settle()


# --- people ---


def cancel(simulation: Simulation, operation_id: str) -> None:
    """Let a person stop the operation, before anything else comes to it."""
    simulation.bus.put("CancelRequested", operation_id=operation_id, reason="staging is needed")
    simulation.stage.queue.rotate(1)  # before whatever waits


def rerun(simulation: Simulation, operation_id: str, **how: str) -> None:
    """Let a person stop the operation, and have it run again when it has ended."""
    cancel(simulation, operation_id)
    simulation.expected = 1
    simulation.rest()
    if simulation.states[operation_id] is State.CANCELLED:  # and not ended before the cancel came
        simulation.expected = 2
        simulation.bus.put("RestoreRequested", rerun_of=operation_id, request_id="again", **how)


def other_key(simulation: Simulation, operation_id: str) -> None:
    """Let the key be disabled during the copy, and a person do what the notice says.

    Set another, and run it again.
    """
    simulation.stage.keys.disable(simulation.stage.key_arn())
    simulation.expected = 1
    simulation.rest()
    simulation.stage.keys.create(ACCOUNT, TARGET_REGION, "alias/other")
    simulation.stage.environment["KMS_KEY_ID"] = "alias/other"
    if simulation.states[operation_id] is State.FAILED:
        simulation.expected = 2
        simulation.bus.put("RestoreRequested", rerun_of=operation_id, request_id="again")


def other_key_and_back(simulation: Simulation, operation_id: str) -> None:
    """Let a rerun under another key fail as well, and a person go back to the first key.

    They run the first again.
    """
    first = simulation.stage.key_arn()
    other_key(simulation, operation_id)
    if simulation.expected == 1 or not (second := simulation.until(State.COPYING)):
        return
    if other := simulation.stage.keys(ACCOUNT, TARGET_REGION, "alias/other"):
        simulation.stage.keys.disable(other.arn)
    simulation.rest()
    simulation.stage.keys.enable(first)
    simulation.stage.environment["KMS_KEY_ID"] = first
    if simulation.states[second] is State.FAILED:
        simulation.expected = 3
        simulation.bus.put("RestoreRequested", rerun_of=operation_id, request_id="back")


def moved_alias(simulation: Simulation, _operation_id: str) -> None:
    """Let somebody move the alias that KMS_KEY_ID names to another key."""
    simulation.stage.keys.create(ACCOUNT, TARGET_REGION, KEY_ALIAS)


def rerun_too_far(simulation: Simulation, operation_id: str) -> None:
    """Ask for a step that lies after the one where it stopped: what that needs was never made."""
    rerun(simulation, operation_id, from_step="archive-snapshot")


def settings(simulation: Simulation, _operation_id: str) -> None:
    """Let the settings change under way: a plan is frozen when its operation starts."""
    simulation.stage.environment |= {
        "INSTANCE_COUNT": "3",
        "ARCHIVE_SNAPSHOT": "false",
        "RESTORE_CHECK_INTERVAL": "120",
    }


def second_snapshot(simulation: Simulation, _operation_id: str) -> None:
    """Let a newer snapshot come meanwhile: it is skipped, and caught up when the target is free."""
    simulation.stage.night()
    simulation.rest()
    simulation.catch_up()


def older(simulation: Simulation, operation_id: str) -> None:
    """Let the record be of an earlier version of the model, without what has a default."""
    item = simulation.stage.store.tables["state"][operation_id]
    for attribute in fields(Operation):
        required = attribute.default is attribute.default_factory is MISSING
        if not required and attribute.name not in NEEDED:
            item.pop(attribute.name, None)


def newer(simulation: Simulation, operation_id: str) -> None:
    """Let the record be one of a later version, with attributes that this one does not know."""
    item = simulation.stage.store.tables["state"][operation_id]
    item |= {"colour": "blue", "facts": item["facts"] | {"weather": "rain"}}
    item["settings"] = item["settings"] | {"masking": True}


def replaced(simulation: Simulation, _operation_id: str) -> None:
    """Somebody replaces the old target by another cluster of its name and with our tag."""
    waiting = list(simulation.stage.queue)
    with suppress(ClientError):  # among other faults the operation may be at it already
        _delete_target(simulation)
        simulation.stage.staging()
    simulation.stage.queue.extend(waiting)


def changed(simulation: Simulation, _operation_id: str) -> None:
    """Somebody protects the restored cluster, against the plan, before the operation has ended."""
    with suppress(ClientError):  # among other faults the operation may have been elsewhere
        simulation.stage.rds().modify_db_cluster(
            DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
        )


def unreachable(simulation: Simulation, _operation_id: str) -> None:
    """No security group lets setup-db-users in to the old target any more."""
    cluster = simulation.stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ][0]
    no_answer = DatabaseUnavailableError("PostgreSQL at the old target does not answer.")
    simulation.stage.data.clusters[cluster["DbClusterResourceId"]].trouble = no_answer


def removed(simulation: Simulation, _operation_id: str) -> None:
    """Somebody deletes the restored cluster before the operation has ended."""
    waiting = list(simulation.stage.queue)
    with suppress(ClientError):  # among other faults the operation may have ended already
        _delete_target(simulation)
    simulation.stage.queue.extend(waiting)


def lost_reader(simulation: Simulation, _operation_id: str) -> None:
    """Somebody deletes the reader of the restored cluster before the operation has ended."""
    waiting = list(simulation.stage.queue)
    with suppress(ClientError):  # among other faults the operation may have ended already
        simulation.stage.rds().delete_db_instance(
            DBInstanceIdentifier="staging-cluster-2", SkipFinalSnapshot=True
        )
        simulation.stage.settle()
    simulation.stage.queue.extend(waiting)


def _delete_target(simulation: Simulation) -> None:
    rds = simulation.stage.rds()
    for member in ("staging-cluster-2", "staging-cluster-1"):
        rds.delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    simulation.stage.settle()


# --- bursts ---


def silence(simulation: Simulation, _operation_id: str) -> None:
    """Let the bus deliver nothing for ten minutes."""
    simulation.bus.silent_until = simulation.burst(minutes=10)


def throttling(simulation: Simulation, _operation_id: str) -> None:
    """Let every call of RDS be throttled for five minutes."""
    simulation.functions.throttled_until = simulation.burst(minutes=5)


def no_heartbeat(simulation: Simulation, _operation_id: str) -> None:
    """Let there be no heartbeat for an hour."""
    simulation.functions.disabled.add("heartbeat")
    simulation.burst(minutes=60, then=lambda: simulation.functions.disabled.discard("heartbeat"))


def two_heartbeats(simulation: Simulation, _operation_id: str) -> None:
    """Let every tick come twice from now on."""
    simulation.ticks_at_once = 2


def never_starts(simulation: Simulation, operation_id: str) -> None:
    """Let the function whose turn it is be one that cannot start."""
    simulation.functions.disabled.add(ROWS[simulation.states[operation_id]].step or "")


def twice(simulation: Simulation) -> None:
    """Let the bus deliver every event once more, after what else waits."""
    simulation.bus.everything_twice = True
    simulation.stage.night()


def fail_copy(simulation: Simulation, _operation_id: str) -> None:
    """Let the copy that is under way end as failed."""
    for copy in simulation.stage.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        if copy["Status"] == "copying":
            simulation.stage.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def fail_copies(simulation: Simulation, operation_id: str) -> None:
    """Let the copy fail, and the next one, too: a third one is made."""
    fail_copy(simulation, operation_id)
    for copy in simulation.stage.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        simulation.stage.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def lost_copies(simulation: Simulation) -> None:
    """Let a copy take for ever."""
    simulation.stage.aurora.set_pace(Durations(copy=10**9))
    simulation.stage.night()


def rotated(simulation: Simulation) -> None:
    """Let secrets be rotated after a good night, and a person ask to set up the users again."""
    simulation.stage.night()
    simulation.expected = 1
    simulation.rest()
    simulation.expected = 2
    for secret_id, field, value in (
        (MASTER_SECRET, "password", "Rotated-master-1"),
        (APP_SECRET, "app_password", "Rotated-app-1"),
    ):
        secret = json.loads(
            simulation.stage.secrets.get_secret_value(SecretId=secret_id)["SecretString"]
        ) | {field: value}
        simulation.stage.secrets.put_secret_value(
            SecretId=secret_id, SecretString=json.dumps(secret)
        )
    simulation.bus.put(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="rotation"
    )


# --- whose things are ---


def nothing(_simulation: Simulation) -> None:
    """Nothing stands there."""


def strangers(simulation: Simulation) -> None:
    """Let what stands under the target's name be somebody else's."""
    simulation.stage.make_cluster("staging-cluster", TARGET_REGION, members=2)


def strangers_copy(simulation: Simulation, operation_id: str) -> None:
    """Let somebody copy the same snapshot, to the name that our copy will have."""
    operation = Operation.from_item(simulation.stage.store.tables["state"][operation_id])
    simulation.stage.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=operation.facts.snapshot.arn,
        KmsKeyId="alias/aurora-restore",
        TargetDBClusterSnapshotIdentifier=operation.copy_name(simulation.stage.key_arn()),
    )


def tagged_source(simulation: Simulation) -> None:
    """Let production carry our tag by mistake, and its security group be one of the plan's."""
    simulation.stage.network.groups["sg-source"] = f"vpc-{SOURCE_REGION}-default"
    for kind, name in (("cluster", "prod-cluster"), ("db", "prod-cluster-1")):
        simulation.stage.rds(SOURCE_REGION).add_tags_to_resource(
            ResourceName=f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:{kind}:{name}",
            Tags=[{"Key": "aurora-restore", "Value": f"{STAGE}/default"}],
        )


def renamed_source(simulation: Simulation, _operation_id: str) -> None:
    """Let somebody rename production to the target's name."""
    # The model of ModifyDBCluster has no rename, so this is done in its state.
    region = simulation.stage.aurora._state.region(ACCOUNT, SOURCE_REGION)  # noqa: SLF001
    cluster = region.clusters.pop("prod-cluster")
    cluster.arn = region.arn("cluster", "renamed")
    region.clusters["renamed"] = cluster


# --- several plans, and the past ---


def second_plan(simulation: Simulation, **settings: str) -> None:
    """Give the stage a second plan."""
    for name, value in settings.items():
        path = f"/aurora-restore/{STAGE}/plans/second/{name.replace('_', '-')}"
        simulation.stage.parameters.put_parameter(Name=path, Value=value)


def two_targets(simulation: Simulation) -> None:
    """Let one night be two operations on two targets."""
    simulation.stage.staging()
    second_plan(simulation, target_cluster_id="second-cluster")


def one_target(simulation: Simulation) -> None:
    """Let two plans have the same target: neither may have it."""
    simulation.stage.staging()
    second_plan(simulation, target_cluster_id="staging-cluster")


def quiet_night(simulation: Simulation) -> None:
    """Let a night pass of which nothing may come."""
    simulation.stage.night()
    simulation.burst(minutes=120)


def replayed(simulation: Simulation) -> None:
    """Let somebody replay from an archive, days later, what a person had asked for once."""
    simulation.stage.night()
    simulation.expected = 1
    simulation.rest()
    simulation.bus.put("RestoreRequested", reason="for the demonstration")
    asked, simulation.expected = dict(simulation.stage.queue[0]), 2
    simulation.rest()
    simulation.sleep(days=3)
    for envelope in (
        asked | {"id": "replayed-1"},
        asked | {"id": "replayed-2", "replay-name": "again"},
    ):
        simulation.bus.deliver_one(envelope)
