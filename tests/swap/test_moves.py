"""The moves of a swap and of its rollback, over everything that may happen to the clusters."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.statuses import RECOVERABLE
from chalicelib.target.swap import Move, Positions, next_move, next_move_back
from tests.swap.names_world import (
    LAG,
    NEW,
    NEXT,
    OLD,
    PREVIOUS,
    RENAME,
    SUBJECTS,
    TARGET,
    THIRD,
    Standing,
    World,
)

TICKS_MAX = 60
QUIET_AFTER = 30  # ticks: from then on nobody interferes, and answers are right
INCIDENTS = (
    "nothing",
    "the old cluster is stopped",
    "the old cluster is deleted",
    "the old cluster is modified",
    "the old cluster fails",
    "the old cluster loses its key",
    "the new cluster is stopped",
    "the new cluster is deleted",
    "the new cluster fails",
    "a third cluster takes the target's name",
    "a third cluster takes the new one's name",
    "a third cluster takes the previous one's name",
    "a third cluster goes away",
    "a stale answer",
)
Incidents = st.lists(
    st.tuples(st.integers(0, QUIET_AFTER - 1), st.sampled_from(INCIDENTS)), max_size=4
)
Decide = Callable[[Positions], Move]


def happen(world: World, incident: str) -> None:
    """Let somebody do something to the clusters."""
    who = {"the old": OLD, "the new": NEW}.get(incident[:7], THIRD)
    found = world.clusters.get(who)
    names = {"target's": TARGET, "new one's": NEXT, "previous one's": PREVIOUS}
    name = next((name for text, name in names.items() if f"the {text} name" in incident), None)
    if name and not world.is_taken(name) and THIRD not in world.clusters:
        world.clusters[THIRD] = Standing(name)
    elif incident == "a third cluster goes away":
        world.clusters.pop(THIRD, None)
    elif found and found.getting is None and found.status != "deleting":
        status = incident.rpartition(" ")[2]
        words = {
            "modified": "modifying",
            "deleted": "deleting",
            "fails": "failed",
            "key": RECOVERABLE,
        }
        found.status, found.ticks = words.get(status, status), 0


def play(world: World, decide: Decide, incidents: list[tuple[int, str]]) -> Move:
    """Look, move and let time pass until the swap is decided; gives the last move."""
    seen = world.look()
    for tick in range(TICKS_MAX):
        now = [incident for moment, incident in incidents if moment == tick]
        for incident in now:
            happen(world, incident)
        if "a stale answer" not in now:
            seen = world.look()
        if tick == QUIET_AFTER and (old := world.clusters.get(OLD)) and old.status == "modifying":
            old.status = "available"
        move = decide(seen)
        if move in (Move.DONE, Move.GIVE_UP):
            return move
        _check(world, move, seen)
        world.make(move, seen)
        world.tick()
    return Move.WAIT


def rollback(world: World) -> Decide:
    """Decide as a rollback that has just begun: what was asked before may not show yet."""
    looks = iter(range(TICKS_MAX + 1))

    def decide(seen: Positions) -> Move:
        is_settled = next(looks) > LAG
        return next_move_back(seen, old_is_gone=OLD not in world.clusters, is_settled=is_settled)

    return decide


def _check(world: World, move: Move, seen: Positions) -> None:
    """Hold each move against what must never happen."""
    if move is Move.PARK_OLD:  # the name is given up only for a cluster that is there
        assert seen.new is not None
        assert "available" == seen.new.status
    if move is Move.PARK_NEW:
        assert seen.old is not None
        assert "available" == seen.old.status
    if move in SUBJECTS and THIRD in world.clusters:
        subject = seen.old if SUBJECTS[move] == OLD else seen.new
        assert subject is not None
        assert subject.identifier != world.clusters[THIRD].name


def test_a_swap_without_incidents_exchanges_the_names() -> None:
    """The old cluster is renamed first, then the new one takes its name."""
    world = World({OLD: Standing(TARGET), NEW: Standing(NEXT)})

    assert Move.DONE is play(world, next_move, [])
    assert {OLD: PREVIOUS, NEW: TARGET} == {who: it.name for who, it in world.clusters.items()}


def test_the_first_target_takes_a_name_that_nobody_has() -> None:
    """Without an old cluster there is one rename."""
    world = World({NEW: Standing(NEXT)})

    assert Move.NAME_NEW is next_move(world.look(old_id=None))


@given(Incidents)
@settings(max_examples=1500, deadline=None)
def test_whatever_happens_the_name_ends_with_a_cluster_that_lives(
    incidents: list[tuple[int, str]],
) -> None:
    """A swap that is not done is rolled back, and then old or new has the name, unless a third has.

    Only where neither can be used any more the name stays free.
    """
    world = World({OLD: Standing(TARGET), NEW: Standing(NEXT)})
    swapped = play(world, next_move, incidents)
    if swapped is not Move.DONE:
        back = play(world, rollback(world), [])
        assert Move.DONE is back or THIRD in world.clusters
    for _ in range(LAG + RENAME):  # what was asked for and does not show yet
        world.tick()
    holder = world.holder(TARGET)
    alive = [who for who in (OLD, NEW) if _lives(world, who)]

    assert holder is not None or not alive or _is_blocked(world)
    assert swapped is not Move.DONE or holder == NEW


@given(Incidents)
@settings(max_examples=500, deadline=None)
def test_a_rollback_brings_the_old_cluster_back_while_it_lives(
    incidents: list[tuple[int, str]],
) -> None:
    """From the end of a swap, the new cluster leaves the name and the old one takes it."""
    world = World({OLD: Standing(PREVIOUS), NEW: Standing(TARGET)})
    play(world, rollback(world), incidents)
    play(world, rollback(world), [])

    if _lives(world, OLD) and _lives(world, NEW) and THIRD not in world.clusters:
        assert OLD == world.holder(TARGET)


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials", RECOVERABLE])
@pytest.mark.parametrize("name", [TARGET, NEXT])
def test_a_rollback_names_the_new_cluster_where_the_old_is_lost(status: str, name: str) -> None:
    """It is parked; the new one keeps the name, or gets it."""
    world = World({OLD: Standing(PREVIOUS, status=status), NEW: Standing(name)})

    assert Move.DONE is play(world, rollback(world), [])
    assert NEW == world.holder(TARGET)


def _lives(world: World, who: str) -> bool:
    found = world.clusters.get(who)
    return found is not None and found.status in ("available", "stopped", "modifying")


def _is_blocked(world: World) -> bool:
    """Tell whether a third cluster has a name without which no rename can be made."""
    return THIRD in world.clusters
