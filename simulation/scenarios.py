"""What happens to a stage besides faults: nights, people, bursts.

Each scene is a story that every driver can play.
"""

from collections.abc import Mapping

from chalicelib.flow.choreography import CHOREOGRAPHY, MOVING, Phase, State
from simulation import actions, pointer_scenarios, swap_scenarios
from simulation.scene import FAILS, GOOD, STOPS, Scenario, at, night, too_late
from simulation.stage import SOURCE_REGION

S = State
ON_A_NIGHT = tuple(  # of a target that is deleted first
    row.state
    for row in CHOREOGRAPHY
    if row.phase not in (Phase.END, Phase.RETIRE) and row.state not in MOVING | {State.HOP_COPIED}
)
# Everything that Aurora does fits into the time-out of one function, whose lease outlives the brisk
# deadlines.
PATIENT = {
    f"{name}_DEADLINE": "7200"
    for name in ("STEP", "COPY", "DELETE", "RESTORE", "INSTANCE", "USERS", "ARCHIVE")
}


CORE: tuple[Scenario, ...] = (
    Scenario("night", night),
    Scenario("first-night", night, furnish=actions.nothing),
    Scenario(
        "final-snapshot",
        night,
        environment={"SKIP_FINAL_SNAPSHOT": "false", "ARCHIVE_SNAPSHOT": "false"},
    ),
    Scenario("failed-copy", at(S.COPYING, actions.fail_copy)),
    Scenario("fast", night, environment=PATIENT, pace=400, lambda_seconds=900),
    Scenario("cancelled-too-late", at(S.TARGET_OPEN, actions.cancel)),
    Scenario("cancelled", at(S.RESTORED, actions.cancel), (STOPS,), GOOD),
    Scenario("rerun", at(S.RESTORED, actions.rerun), (STOPS, GOOD), GOOD, operations=2),
    Scenario("stopped-target", night, furnish=actions.stopped_and_protected, pace=2),
    Scenario("rotated", actions.rotated, operations=2),
    Scenario("two-targets", night, furnish=actions.two_targets, operations=2),
    *swap_scenarios.CORE,
    *pointer_scenarios.CORE,
)
OTHERS: tuple[Scenario, ...] = (
    Scenario("one-target", actions.quiet_night, operations=0, furnish=actions.one_target),
    Scenario("strangers-target", night, (FAILS,), furnish=actions.strangers),
    Scenario("strangers-copy", at(S.SNAPSHOT_FOUND, actions.strangers_copy), (FAILS,)),
    Scenario("failed-copies", at(S.COPYING, actions.fail_copies)),
    Scenario("everything-twice", actions.twice, environment=PATIENT, pace=400, lambda_seconds=900),
    Scenario("replaced-target", at(S.TARGET_DELETING, actions.replaced), (FAILS,)),
    Scenario("unreachable-target", at(S.SNAPSHOT_READY, actions.unreachable), (FAILS,)),
    Scenario(
        "other-key", at(S.COPYING, actions.other_key), (FAILS, GOOD), GOOD, operations=2, least=1
    ),
    Scenario(
        "other-key-and-back",
        at(S.COPYING, actions.other_key_and_back),
        (FAILS, FAILS, GOOD),
        GOOD,
        operations=3,
        least=1,
    ),
    Scenario("moved-alias", at(S.SNAPSHOT_READY, actions.moved_alias)),
    Scenario("changed-target", at(S.TARGET_OPEN, actions.changed), (FAILS,), GOOD),
    Scenario("lost-reader", at(S.TARGET_OPEN, actions.lost_reader), (FAILS,), GOOD),
    Scenario("removed-target", at(S.TARGET_OPEN, actions.removed), (FAILS,), GOOD),
    Scenario(
        "renamed-source",
        at(S.SNAPSHOT_FOUND, actions.renamed_source),
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
    Scenario("rerun-too-far", at(S.COPYING, actions.rerun_too_far), (STOPS,)),
)
AT_EACH_STATE: tuple[Scenario, ...] = tuple(
    Scenario(f"{name}@{state.value}", at(state, then), ends, late, count, min(count, 2))
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
    if not too_late(state, ends)
)
NEVER_STARTS: tuple[Scenario, ...] = tuple(  # nobody says SUCCEEDED without having looked
    Scenario(f"never-starts@{state.value}", at(state, actions.never_starts), (FAILS,), GOOD)
    for state in ON_A_NIGHT
)
SCENARIOS: Mapping[str, Scenario] = {
    scene.name: scene
    for scene in (
        *CORE,
        *OTHERS,
        *AT_EACH_STATE,
        *NEVER_STARTS,
        *swap_scenarios.SCENES,
        *pointer_scenarios.SCENES,
    )
}
