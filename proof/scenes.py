"""What happens to a stage besides faults: nights, people, bursts. Each scene is a story that every driver can play."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.choreography import ENDING, TERMINAL, State
from localaws.inprocess import SOURCE_REGION
from proof.oracle import Oracle
from proof.world import World

S = State
OPEN = tuple(state for state in State if state not in ENDING | TERMINAL)
ON_A_NIGHT = tuple(state for state in OPEN if state is not State.HOP_COPIED)
GOOD = frozenset({State.SUCCEEDED})


@dataclass(frozen=True)
class Scene:
    """One story. `ends` are the states in which its operations may end; `least` how many operations it has."""

    name: str
    play: Callable[[World], None]
    ends: frozenset[State] = GOOD
    environment: Mapping[str, str] = field(default_factory=dict)
    target: bool = True  # whether an old target of ours stands there
    least: int = 1
    pace: float = 10
    lambda_seconds: float = 60

    def world(self, oracle: Oracle) -> World:
        """Make the stage as it is before the story begins."""
        world = World(oracle, environment=self.environment, pace=self.pace, lambda_seconds=self.lambda_seconds)
        if self.target:
            world.staging()
        world.beat()
        world.clock.advance(60)
        return world


def _night(world: World) -> None:
    world.night()


def _at(state: State, then: Callable[[World, str], None]) -> Callable[[World], None]:
    """Let night fall, and something happen when the operation has come to a state."""

    def play(world: World) -> None:
        world.night()
        then(world, world.until(state))

    return play


def _cancel(world: World, operation_id: str) -> None:
    world.put("CancelRequested", operation_id=operation_id, reason="staging is needed")


def _rerun(world: World, operation_id: str) -> None:
    _cancel(world, operation_id)
    world.rest()
    world.put("RestoreRequested", rerun_of=operation_id, request_id="again")


def _second_snapshot(world: World, _operation_id: str) -> None:
    world.night()


def _settings(world: World, _operation_id: str) -> None:
    world.environment |= {"INSTANCE_COUNT": "3", "ARCHIVE_SNAPSHOT": "false", "KEEP_LOGIN_ROLES": "somebody"}


def _silence(world: World, _operation_id: str) -> None:
    world.silent_until = world.clock.now() + timedelta(minutes=10)


def _throttling(world: World, _operation_id: str) -> None:
    world.throttled_until = world.clock.now() + timedelta(minutes=5)


def _no_heartbeat(world: World, _operation_id: str) -> None:
    world.deaf.add("heartbeat")
    world.later(3600, lambda: world.deaf.discard("heartbeat"))


def _fail_copy(world: World, _operation_id: str) -> None:
    copies = [
        one for one in world.rds().describe_db_cluster_snapshots()["DBClusterSnapshots"] if one["Status"] == "copying"
    ]
    for copy in copies:
        world.aurora.fail_copy(copy["DBClusterSnapshotArn"])


CORE: tuple[Scene, ...] = (
    Scene("night", _night),
    Scene("first-night", _night, target=False),
    Scene("final-snapshot", _night, environment={"SKIP_FINAL_SNAPSHOT": "false", "ARCHIVE_SNAPSHOT": "false"}),
    Scene("failed-copy", _at(S.COPYING, _fail_copy)),
    Scene("cancelled-copying", _at(S.COPYING, _cancel), ends=frozenset({S.CANCELLED})),
    Scene("cancelled-restored", _at(S.RESTORED, _cancel), ends=frozenset({S.CANCELLED})),
    Scene("rerun-restored", _at(S.RESTORED, _rerun), ends=frozenset({S.CANCELLED, S.SUCCEEDED}), least=2),
)
AT_EACH_STATE: tuple[Scene, ...] = tuple(
    Scene(f"{name}@{state.value}", _at(state, then), ends, least=least)
    for name, then, ends, least in (
        ("cancel", _cancel, frozenset({S.CANCELLED}), 1),
        ("rerun", _rerun, frozenset({S.CANCELLED, S.SUCCEEDED}), 2),
        ("second-snapshot", _second_snapshot, frozenset({S.SUCCEEDED, S.SKIPPED}), 2),
        ("settings", _settings, GOOD, 1),
        ("silent-bus", _silence, GOOD, 1),
        ("throttled", _throttling, GOOD, 1),
        ("no-heartbeat", _no_heartbeat, GOOD, 1),
    )
    for state in ON_A_NIGHT
)
SCENES: Mapping[str, Scene] = {scene.name: scene for scene in (*CORE, *AT_EACH_STATE)}
__all__ = ["AT_EACH_STATE", "CORE", "SCENES", "SOURCE_REGION", "Scene"]
