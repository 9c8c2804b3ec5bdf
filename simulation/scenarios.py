"""What happens to a stage besides faults: nights, people, bursts.

Each scene is a story that every driver can play.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chalicelib.flow.choreography import ENDING, TERMINAL, State
from simulation import actions
from simulation.injector import FINE, FaultChooser, FaultInjector
from simulation.simulation import Simulation
from simulation.stage import SOURCE_REGION

S = State
ON_A_NIGHT = tuple(state for state in State if state not in ENDING | TERMINAL | {State.HOP_COPIED})
GOOD = frozenset({S.SUCCEEDED})
FAILS = frozenset({S.FAILED})
STOPS = frozenset({S.CANCELLED})
Story = Callable[[Simulation], None]
Incident = Callable[[Simulation, str], None]


# Everything that Aurora does fits into the time-out of one function, whose lease outlives the brisk
# deadlines.
PATIENT = {
    f"{name}_DEADLINE": "7200"
    for name in ("STEP", "COPY", "DELETE", "RESTORE", "INSTANCE", "USERS", "ARCHIVE")
}


@dataclass(frozen=True)
class Scenario:
    """One story.

    `ends` are the states in which its operations may end, one by one in the order of their
    creation, the last for all that follow; `ends_late` those that a fault may lead to, as when it
    holds a cancel back until there is nothing left to cancel; `operations` how many of them there
    are, and `least` how many there have to be.
    """

    name: str
    play: Story
    ends: tuple[frozenset[State], ...] = (GOOD,)
    ends_late: frozenset[State] = frozenset()
    operations: int = 1
    least: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    furnish: Story = actions.our_target  # what stands there before: commonly an old target of ours
    pace: float = 10
    lambda_seconds: float = 60

    def simulation(self, injector: FaultChooser) -> Simulation:
        """Make the stage as it is before the story begins; nothing goes wrong so far."""
        quiet = FaultInjector(lambda _number, _options, _site: FINE)
        simulation = Simulation(
            quiet, environment=self.environment, pace=self.pace, lambda_seconds=self.lambda_seconds
        )
        self.furnish(simulation)
        simulation.functions.tick()
        simulation.functions.ticks = (
            0  # the story's first tick is a cold start's again, which looks after the plans
        )
        simulation.stage.clock.advance(60)
        simulation.injector, simulation.expected = injector, self.least or self.operations
        return simulation


def _night(simulation: Simulation) -> None:
    simulation.stage.night()


def _at(state: State, then: Incident) -> Story:
    """Let night fall, and something happen when the operation has come to a state."""

    def play(simulation: Simulation) -> None:
        simulation.stage.night()
        if operation_id := simulation.until(state):
            then(simulation, operation_id)
        else:
            simulation.expected = 1  # faults led it another way

    return play


CORE: tuple[Scenario, ...] = (
    Scenario("night", _night),
    Scenario("first-night", _night, furnish=actions.nothing),
    Scenario(
        "final-snapshot",
        _night,
        environment={"SKIP_FINAL_SNAPSHOT": "false", "ARCHIVE_SNAPSHOT": "false"},
    ),
    Scenario("failed-copy", _at(S.COPYING, actions.fail_copy)),
    Scenario("fast", _night, environment=PATIENT, pace=400, lambda_seconds=900),
    Scenario("cancelled", _at(S.RESTORED, actions.cancel), (STOPS,), GOOD),
    Scenario("rerun", _at(S.RESTORED, actions.rerun), (STOPS, GOOD), GOOD, operations=2),
    Scenario("stopped-target", _night, furnish=actions.stopped_and_protected, pace=2),
    Scenario("rotated", actions.rotated, operations=2),
    Scenario("two-targets", _night, furnish=actions.two_targets, operations=2),
)
OTHERS: tuple[Scenario, ...] = (
    Scenario("one-target", actions.quiet_night, operations=0, furnish=actions.one_target),
    Scenario("strangers-target", _night, (FAILS,), furnish=actions.strangers),
    Scenario("strangers-copy", _at(S.SNAPSHOT_FOUND, actions.strangers_copy), (FAILS,)),
    Scenario("failed-copies", _at(S.COPYING, actions.fail_copies)),
    Scenario("everything-twice", actions.twice, environment=PATIENT, pace=400, lambda_seconds=900),
    Scenario("replaced-target", _at(S.TARGET_DELETING, actions.replaced), (FAILS,)),
    Scenario("unreachable-target", _at(S.SNAPSHOT_READY, actions.unreachable), (FAILS,)),
    Scenario(
        "other-key", _at(S.COPYING, actions.other_key), (FAILS, GOOD), GOOD, operations=2, least=1
    ),
    Scenario(
        "other-key-and-back",
        _at(S.COPYING, actions.other_key_and_back),
        (FAILS, FAILS, GOOD),
        GOOD,
        operations=3,
        least=1,
    ),
    Scenario("moved-alias", _at(S.SNAPSHOT_READY, actions.moved_alias)),
    Scenario("changed-target", _at(S.USERS_READY, actions.changed), (FAILS,), GOOD),
    Scenario("lost-reader", _at(S.USERS_READY, actions.lost_reader), (FAILS,), GOOD),
    Scenario("removed-target", _at(S.USERS_READY, actions.removed), (FAILS,), GOOD),
    Scenario(
        "renamed-source",
        _at(S.SNAPSHOT_FOUND, actions.renamed_source),
        (FAILS,),
        furnish=actions.tagged_source,
        environment={
            "TARGET_REGION": SOURCE_REGION,
            "TARGET_CLUSTER_ID": "renamed",
            "VPC_SECURITY_GROUP_IDS": "sg-source",
        },
    ),
    Scenario("lost-copy", actions.lost_copies, (FAILS,)),
    Scenario("replayed", actions.replayed, operations=2),
    Scenario("rerun-too-far", _at(S.COPYING, actions.rerun_too_far), (STOPS,)),
)
AT_EACH_STATE: tuple[Scenario, ...] = tuple(
    Scenario(f"{name}@{state.value}", _at(state, then), ends, late, count, min(count, 2))
    for name, then, ends, late, count in (
        ("cancel", actions.cancel, (STOPS,), GOOD, 1),
        ("rerun", actions.rerun, (STOPS, GOOD), GOOD, 2),
        ("second-snapshot", actions.second_snapshot, (GOOD, GOOD | {S.SKIPPED}, GOOD), GOOD, 3),
        ("settings", actions.settings, (GOOD,), GOOD, 1),
        ("older-record", actions.older, (GOOD,), GOOD, 1),
        ("newer-record", actions.newer, (GOOD,), GOOD, 1),
        ("silent-bus", actions.silence, (GOOD,), GOOD, 1),
        ("throttled", actions.throttling, (GOOD,), GOOD, 1),
        ("no-heartbeat", actions.no_heartbeat, (GOOD,), GOOD, 1),
        ("two-heartbeats", actions.two_heartbeats, (GOOD,), GOOD, 1),
    )
    for state in ON_A_NIGHT
)
NEVER_STARTS: tuple[Scenario, ...] = tuple(  # nobody says SUCCEEDED without having looked
    Scenario(f"never-starts@{state.value}", _at(state, actions.never_starts), (FAILS,), GOOD)
    for state in ON_A_NIGHT
)
SCENARIOS: Mapping[str, Scenario] = {
    scene.name: scene for scene in (*CORE, *OTHERS, *AT_EACH_STATE, *NEVER_STARTS)
}
