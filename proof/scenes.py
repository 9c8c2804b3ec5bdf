"""What happens to a stage besides faults: nights, people, bursts. Each scene is a story that every driver can play."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from chalicelib.choreography import ENDING, ROWS, TERMINAL, State
from chalicelib.operation import Operation
from localaws.aurora import Durations
from localaws.inprocess import ACCOUNT, SOURCE_REGION, STAGE, TARGET_REGION
from proof.oracle import FINE, Asking, Oracle
from proof.world import World

S = State
NEEDED = frozenset(  # with a default, but the meaning of a record from the beginning
    {"version", "open", "due_at", "facts", "lease_owner", "lease_until", "cancel_requested", "by_itself", "region"}
)
ON_A_NIGHT = tuple(state for state in State if state not in ENDING | TERMINAL | {State.HOP_COPIED})
GOOD = frozenset({S.SUCCEEDED})
FAILS = frozenset({S.FAILED})
STOPS = frozenset({S.CANCELLED})
Story = Callable[[World], None]
Incident = Callable[[World, str], None]


def _our_target(world: World) -> None:
    """Let an old target stand there that an operation of ours has made."""
    world.staging()


# Everything that Aurora does fits into the time-out of one function, whose lease outlives the brisk deadlines.
PATIENT = {f"{name}_DEADLINE": "7200" for name in ("STEP", "COPY", "DELETE", "RESTORE", "INSTANCE", "USERS", "ARCHIVE")}


@dataclass(frozen=True)
class Scene:
    """One story.

    `ends` are the states in which its operations may end, `ends_late` those that a fault may lead to, as when it holds
    a cancel back until there is nothing left to cancel; `operations` how many of them there are, and `least` how many
    there have to be.
    """

    name: str
    play: Story
    ends: frozenset[State] = GOOD
    ends_late: frozenset[State] = frozenset()
    operations: int = 1
    least: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    furnish: Story = _our_target  # what stands there before: commonly an old target of ours
    pace: float = 10
    lambda_seconds: float = 60

    def world(self, oracle: Oracle) -> World:
        """Make the stage as it is before the story begins; nothing goes wrong so far."""
        quiet = Asking(lambda _number, _options, _site: FINE)
        world = World(quiet, environment=self.environment, pace=self.pace, lambda_seconds=self.lambda_seconds)
        self.furnish(world)
        world.beat()
        world.clock.advance(60)
        world.oracle, world.expected = oracle, self.least or self.operations
        return world


def _night(world: World) -> None:
    world.night()


def _at(state: State, then: Incident) -> Story:
    """Let night fall, and something happen when the operation has come to a state."""

    def play(world: World) -> None:
        world.night()
        if operation_id := world.until(state):
            then(world, operation_id)
        else:
            world.expected = 1  # faults led it another way

    return play


# --- people ---


def _cancel(world: World, operation_id: str) -> None:
    world.put("CancelRequested", operation_id=operation_id, reason="staging is needed")
    world.queue.rotate(1)  # before whatever waits


def _rerun(world: World, operation_id: str, **how: str) -> None:
    _cancel(world, operation_id)
    world.expected = 1
    world.rest()
    if world.states[operation_id] is S.CANCELLED:  # and not ended before the cancel came
        world.expected = 2
        world.put("RestoreRequested", rerun_of=operation_id, request_id="again", **how)


def _rerun_too_far(world: World, operation_id: str) -> None:
    """Ask for a step that lies after the one where it stopped: what that needs was never made."""
    _rerun(world, operation_id, from_step="archive-snapshot")
    world.expected = 1


def _settings(world: World, _operation_id: str) -> None:
    world.environment |= {"INSTANCE_COUNT": "3", "ARCHIVE_SNAPSHOT": "false", "RESTORE_CHECK_INTERVAL": "120"}


def _second_snapshot(world: World, _operation_id: str) -> None:
    """Let a newer snapshot come meanwhile: it is skipped, and caught up when the target is free."""
    world.night()
    world.rest()
    world.catch_up()


def _older(world: World, operation_id: str) -> None:
    """Let the record be one of an earlier version of the model, which lacked whatever has a default."""
    item = world.store.tables["state"][operation_id]
    for name, field_of in Operation.model_fields.items():
        if not field_of.is_required() and name not in NEEDED:
            item.pop(name, None)


def _newer(world: World, operation_id: str) -> None:
    """Let the record be one of a later version, with attributes that this one does not know."""
    item = world.store.tables["state"][operation_id]
    item |= {"colour": "blue", "facts": item["facts"] | {"weather": "rain"}}
    item["settings"] = item["settings"] | {"masking": True}


def _replaced(world: World, _operation_id: str) -> None:
    """Somebody deletes the old target and makes another cluster of its name, which carries our tag, too."""
    waiting, rds = list(world.queue), world.rds()
    with suppress(ClientError):  # among other faults the operation may be at it already
        for member in ("staging-cluster-2", "staging-cluster-1"):
            rds.delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
        rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
        world.settle()
        world.staging()
    world.queue.extend(waiting)


# --- bursts ---


def _silence(world: World, _operation_id: str) -> None:
    world.silent_until = world.burst(minutes=10)


def _throttling(world: World, _operation_id: str) -> None:
    world.throttled_until = world.burst(minutes=5)


def _no_heartbeat(world: World, _operation_id: str) -> None:
    world.deaf.add("heartbeat")
    world.burst(minutes=60, then=lambda: world.deaf.discard("heartbeat"))


def _two_heartbeats(world: World, _operation_id: str) -> None:
    world.heartbeats = 2


def _never_starts(world: World, operation_id: str) -> None:
    """Let the function whose turn it is be one that cannot start."""
    world.deaf.add(ROWS[world.states[operation_id]].step or "")


def _twice(world: World) -> None:
    """Let the bus deliver every event once more, after what else waits."""
    world.everything_twice = True
    world.night()


def _fail_copy(world: World, _operation_id: str) -> None:
    for copy in world.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        if copy["Status"] == "copying":
            world.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def _fail_copies(world: World, operation_id: str) -> None:
    """Let the copy fail, and the next one, too: a third one is made."""
    _fail_copy(world, operation_id)
    for copy in world.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"]:
        world.aurora.fail_copy(copy["DBClusterSnapshotArn"])


def _lost_copies(world: World) -> None:
    """Let a copy take for ever."""
    world.aurora.set_pace(Durations(copy=10**9))
    world.night()


# --- whose things are ---


def _nothing(_world: World) -> None:
    """Nothing stands there."""


def _strangers(world: World) -> None:
    """Let what stands under the target's name be somebody else's."""
    world.make_cluster("staging-cluster", TARGET_REGION, members=2)


def _strangers_copy(world: World, operation_id: str) -> None:
    """Let somebody copy the same snapshot, to the name that our copy will have."""
    operation = Operation.from_item(world.store.tables["state"][operation_id])
    world.rds().copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=operation.facts.snapshot_arn, KmsKeyId="alias/aurora-restore",
        TargetDBClusterSnapshotIdentifier=operation.name_of_copy,
    )  # fmt: skip


def _tagged_source(world: World) -> None:
    """Let production carry our tag, by somebody's mistake, and its security group be one of the plan's."""
    world.network.groups["sg-source"] = f"vpc-{SOURCE_REGION}-default"
    for kind, name in (("cluster", "prod-cluster"), ("db", "prod-cluster-1")):
        world.rds(SOURCE_REGION).add_tags_to_resource(
            ResourceName=f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:{kind}:{name}",
            Tags=[{"Key": "aurora-restore", "Value": f"{STAGE}/default"}],
        )


def _renamed_source(world: World, _operation_id: str) -> None:
    """Let somebody rename production to the target's name (ModifyDBCluster's rename is not modelled, so by hand)."""
    region = world.aurora._world.region(ACCOUNT, SOURCE_REGION)  # noqa: SLF001
    cluster = region.clusters.pop("prod-cluster")
    cluster.arn = region.arn("cluster", "renamed")
    region.clusters["renamed"] = cluster


# --- several plans, and the past ---


def _second_plan(world: World, **settings: str) -> None:
    for name, value in settings.items():
        path = f"/aurora-restore/{STAGE}/plans/second/{name.replace('_', '-')}"
        world.parameters.put_parameter(Name=path, Value=value)


def _two_targets(world: World) -> None:
    """Let one night be two operations on two targets."""
    world.staging()
    _second_plan(world, target_cluster_id="second-cluster")


def _one_target(world: World) -> None:
    """Let two plans have the same target: nobody may have it but one of them."""
    world.staging()
    _second_plan(world, target_cluster_id="staging-cluster")


def _replayed(world: World) -> None:
    """Let somebody replay from an archive, days later, what a person had asked for once."""
    world.night()
    world.expected = 1
    world.rest()
    world.put("RestoreRequested", reason="for the demonstration")
    asked, world.expected = dict(world.queue[0]), 2
    world.rest()
    world.sleep(days=3)
    for envelope in (asked | {"id": "replayed-1"}, asked | {"id": "replayed-2", "replay-name": "again"}):
        world.deliver_one(envelope)


CORE: tuple[Scene, ...] = (
    Scene("night", _night),
    Scene("first-night", _night, furnish=_nothing),
    Scene("final-snapshot", _night, environment={"SKIP_FINAL_SNAPSHOT": "false", "ARCHIVE_SNAPSHOT": "false"}),
    Scene("failed-copy", _at(S.COPYING, _fail_copy)),
    Scene("fast", _night, environment=PATIENT, pace=400, lambda_seconds=900),
    Scene("cancelled", _at(S.RESTORED, _cancel), STOPS, GOOD),
    Scene("rerun", _at(S.RESTORED, _rerun), STOPS | GOOD, operations=2),
    Scene("two-targets", _night, furnish=_two_targets, operations=2),
)
OTHERS: tuple[Scene, ...] = (
    Scene("one-target", _night, GOOD | {S.SKIPPED}, FAILS, operations=2, least=1, furnish=_one_target),
    Scene("strangers-target", _night, FAILS, furnish=_strangers),
    Scene("strangers-copy", _at(S.SNAPSHOT_FOUND, _strangers_copy), FAILS),
    Scene("failed-copies", _at(S.COPYING, _fail_copies)),
    Scene("everything-twice", _twice, environment=PATIENT, pace=400, lambda_seconds=900),
    Scene("replaced-target", _at(S.TARGET_DELETING, _replaced), FAILS),
    Scene(
        "renamed-source", _at(S.SNAPSHOT_FOUND, _renamed_source), FAILS, furnish=_tagged_source,
        environment={
            "TARGET_REGION": SOURCE_REGION, "TARGET_CLUSTER_ID": "renamed", "VPC_SECURITY_GROUP_IDS": "sg-source"
        },
    ),
    Scene("lost-copy", _lost_copies, FAILS),
    Scene("replayed", _replayed, operations=2),
    Scene("rerun-too-far", _at(S.COPYING, _rerun_too_far), STOPS),
)  # fmt: skip
AT_EACH_STATE: tuple[Scene, ...] = tuple(
    Scene(f"{name}@{state.value}", _at(state, then), ends, late, count, min(count, 2))
    for name, then, ends, late, count in (
        ("cancel", _cancel, STOPS, GOOD, 1),
        ("rerun", _rerun, STOPS | GOOD, GOOD, 2),
        ("second-snapshot", _second_snapshot, GOOD | {S.SKIPPED}, GOOD, 3),
        ("settings", _settings, GOOD, GOOD, 1),
        ("older-record", _older, GOOD, GOOD, 1),
        ("newer-record", _newer, GOOD, GOOD, 1),
        ("silent-bus", _silence, GOOD, GOOD, 1),
        ("throttled", _throttling, GOOD, GOOD, 1),
        ("no-heartbeat", _no_heartbeat, GOOD, GOOD, 1),
        ("two-heartbeats", _two_heartbeats, GOOD, GOOD, 1),
        ("never-starts", _never_starts, FAILS | GOOD, GOOD, 1),
    )
    for state in ON_A_NIGHT
)
SCENES: Mapping[str, Scene] = {scene.name: scene for scene in (*CORE, *OTHERS, *AT_EACH_STATE)}
