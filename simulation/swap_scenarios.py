"""Scenes of swapped targets: nights, rollbacks, retirements, and what people do meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.flow.choreography import MOVING, ROWS, Phase, State
from simulation import actions, additions, swap_actions
from simulation.scene import FAILS, GOOD, STOPS, Incident, Scenario, Story, at, night, too_late
from simulation.swap_actions import NEXT, PREVIOUS, TARGET, later, third, to

S = State
SWAP = {"REPLACEMENT": "swap", "KEEP_PREVIOUS_HOURS": "0"}
KEPT = {**SWAP, "KEEP_PREVIOUS_HOURS": "1"}
ANY = frozenset({S.RETIRED, S.CANCELLED, S.FAILED})  # of retirements, where people interfere
# A single fault elsewhere is searched in the nights that delete first.
OF_SWAPS = MOVING | {
    S.USERS_READY,
    S.TARGET_OPEN,
    *(state for state, row in ROWS.items() if row.phase is Phase.RETIRE),
}
IN_A_SWAP = (S.USERS_READY, S.TARGET_CHOSEN, S.SWAPPING, S.TARGET_RENAMED, S.TARGET_OPEN)
# At this pace a rename takes 13.3 seconds, and is seen 1.7 seconds after that.
UNEVEN = 9
# Seconds after the beginning: before the first rename is asked for, while it is under way, while
# the name is nobody's, during the second rename, and before that is seen.
MOMENTS = (0, 6, 14, 20, 29)


# Its name, what happens, how the operations may end, and how many there may be.
Disturbance = tuple[str, Incident, tuple[frozenset[State], ...], int]
DISTURBANCES: tuple[Disturbance, ...] = (
    ("cancel", actions.cancel, (STOPS,), 1),
    ("rerun", actions.rerun, (STOPS, GOOD), 2),
    ("settings", actions.settings, (GOOD,), 1),
    ("newer-record", actions.newer, (GOOD,), 1),
    ("silent-bus", actions.silence, (GOOD,), 1),
    ("throttled", actions.throttling, (GOOD,), 1),
    ("no-heartbeat", actions.no_heartbeat, (GOOD,), 1),
    ("two-heartbeats", actions.two_heartbeats, (GOOD,), 1),
    ("never-starts", actions.never_starts, (FAILS,), 1),
)


def after_a_night(name: str, play: Story, operations: int, **how: Any) -> Scenario:
    """Make a scene that begins when a night has replaced the target; `how` wins."""
    given = {
        "environment": KEPT,
        "furnish": swap_actions.after_a_swap,
        "searched": OF_SWAPS,
        **how,
    }
    return Scenario(name, play, operations=operations, **given)


def at_each_state(
    kind: str, states: Iterable[State], environment: Mapping[str, str], *more: Disturbance
) -> tuple[Scenario, ...]:
    """Make a scene of each disturbance in each state; what comes too late there changes nothing."""
    return tuple(
        Scenario(
            f"{kind}-{name}@{state.value}",
            at(state, then),
            ends,
            GOOD,
            count,
            min(count, 2),
            environment=environment,
        )
        for name, then, ends, count in (*DISTURBANCES, *more)
        for state in states
        if not too_late(state, ends)
    )


CORE: tuple[Scenario, ...] = (
    Scenario("swap", night, environment=SWAP, searched=OF_SWAPS),
    Scenario(
        "swap-first-night",
        night,
        environment=SWAP,
        furnish=actions.nothing,
        searched=OF_SWAPS,
        every=2,
    ),
    after_a_night("swap-still-kept", night, 2, every=4),
    after_a_night("rollback", swap_actions.roll_back, 2, retirements=ANY),
    Scenario("swap-cancelled-too-late", at(S.TARGET_OPEN, actions.cancel), environment=SWAP),
    Scenario(
        "cancelled-swap",
        at(S.SWAPPING, later(6, actions.cancel)),
        (STOPS,),
        GOOD,
        environment=SWAP,
        searched=OF_SWAPS,
        every=2,
    ),
    Scenario(
        "failed-swap",
        at(S.SWAPPING, later(13, to("new", swap_actions.failed))),
        (FAILS,),
        GOOD,
        environment=SWAP,
        retirements=ANY,
        searched=OF_SWAPS,
        every=2,
    ),
    Scenario(
        "unproven-swap",
        at(S.TARGET_RENAMED, swap_actions.locked_users),
        (FAILS,),
        environment=SWAP,
        searched=OF_SWAPS,
        every=3,
    ),
)
PEOPLE: tuple[Scenario, ...] = (
    *(
        Scenario(
            f"additions-{name}",
            at(S.USERS_READY, additions.need_reboots),
            environment={**SWAP, **additions.SETTINGS, "REPLACEMENT": name},
            furnish=additions.target_with_additions,
            searched=frozenset({deletion, S.USERS_READY, S.TARGET_OPEN}),
            every=4,
        )
        for name, deletion in (("swap", S.PREVIOUS_DELETING), ("delete-first", S.TARGET_DELETING))
    ),
    after_a_night("rollback-twice", swap_actions.roll_back_twice, 3, retirements=ANY),
    after_a_night(
        "rollback-when-due", swap_actions.roll_back_when_due, 2, retirements=ANY, pace=2
    ),
    after_a_night("retirement-hangs", swap_actions.retirement_hangs, 2),
    after_a_night("target-taken", swap_actions.target_taken, 1, retirements=STOPS),
    Scenario(
        "refused-for-long",
        at(S.SWAPPING, swap_actions.refused_rename("InvalidDBClusterStateFault", of=NEXT)),
        (FAILS,),
        environment={**SWAP, "SWAP_DEADLINE": "60"},
    ),
    after_a_night("kept-for-good", swap_actions.keep_previous, 1, retirements=STOPS),
    Scenario(
        "stopped-previous", night, environment={**KEPT, "STOP_PREVIOUS": "true"}, searched=OF_SWAPS
    ),
    Scenario("swap-stopped-target", night, environment=SWAP, furnish=actions.stopped_and_protected),
    Scenario(
        "left-over", at(S.RESTORED, swap_actions.left_over), (STOPS, GOOD), GOOD, 2,
        environment=SWAP,
    ),
    Scenario(
        "wrong-certificate",
        at(S.TARGET_RENAMED, swap_actions.wrong_certificate),
        environment=SWAP,
    ),
)  # fmt: skip
TROUBLE: tuple[Scenario, ...] = tuple(
    Scenario(name, at(state, then), (ends,), GOOD, environment=SWAP)
    for name, state, then, ends in (
        (
            "refused-first-rename",
            S.SWAPPING,
            swap_actions.refused_rename("AccessDenied", of=TARGET),
            FAILS,
        ),
        (
            "refused-second-rename",
            S.SWAPPING,
            swap_actions.refused_rename("AccessDenied", of=NEXT),
            FAILS,
        ),
        (
            "refused-state",
            S.SWAPPING,
            swap_actions.refused_rename("InvalidDBClusterStateFault", of=NEXT),
            FAILS,
        ),
        ("lost-first-rename", S.SWAPPING, swap_actions.lost_rename, GOOD),
        ("lost-second-rename", S.SWAPPING, later(13, swap_actions.lost_rename), GOOD),
        ("other-replacement", S.SWAPPING, swap_actions.other_replacement, GOOD),
    )
)


def _meanwhile() -> Iterator[tuple[str, Incident]]:
    """Give what other people may do to the clusters in the middle of a swap."""
    for what, name in (("target", TARGET), ("next", NEXT), ("previous", PREVIOUS)):
        yield f"third-at-{what}", third(name)
    for how in ("deleted", "stopped", "modified", "protected", "failed"):
        for which in ("old", "new"):
            yield f"{which}-{how}", to(which, getattr(swap_actions, how))
    yield "stale", swap_actions.stale_answers


MEANWHILE: tuple[Scenario, ...] = tuple(
    Scenario(
        f"{name}+{seconds}",
        at(S.SWAPPING, later(seconds, then) if seconds else then),
        (GOOD | FAILS,),
        pace=UNEVEN,
        environment=SWAP,
        retirements=ANY,
    )
    for name, then in _meanwhile()
    for seconds in MOMENTS
)
AT_EACH_STATE = at_each_state(
    "swap",
    IN_A_SWAP,
    SWAP,
    ("second-snapshot", actions.second_snapshot, (GOOD, GOOD | {S.SKIPPED}, GOOD), 3),
)
OLDER_VERSION: tuple[Scenario, ...] = tuple(
    Scenario(f"deletes-first@{state.value}", at(state, swap_actions.deletes_first))
    for state in (S.COPYING, S.SNAPSHOT_READY, S.TARGET_DELETING, S.RESTORED, S.USERS_READY)
)
SCENES = (*CORE, *PEOPLE, *TROUBLE, *MEANWHILE, *AT_EACH_STATE, *OLDER_VERSION)
