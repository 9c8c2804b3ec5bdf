"""The simulation itself: what a fault is, and that it does not flatter."""

import pytest

from chalicelib.flow.choreography import State
from simulation.history import Called, Wrote
from simulation.in_memory_database import InMemoryRole
from simulation.injector import placed, scripted
from simulation.replay import replayed
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS
from simulation.scene import Scenario
from simulation.simulation import REST_SECONDS_MAX, Simulation
from simulation.stage import PRODUCTION_PASSWORD
from simulation.swap_actions import until_ended
from simulation.trace import story

COPY = "copy-snapshot in SNAPSHOT_FOUND: rds.copy_db_cluster_snapshot/1"


def struck(*faults: str, at: str = COPY, scene: str = "night") -> Run:
    """Play a scene with faults at a site, one after another."""
    return play(
        SCENARIOS[scene], placed([(at, fault) for fault in faults]), keep=True, level="INFO"
    )


def calls(run: Run, action: str) -> list[str | None]:
    """List how the calls of an action were answered by AWS."""
    entries = run.simulation.recorder.entries if run.simulation else []
    return [
        entry.error for entry in entries if isinstance(entry, Called) and entry.action == action
    ]


@pytest.mark.parametrize(
    ("fault", "answered"),
    [
        ("throttled", [None]),
        ("error", [None]),
        ("crash-before", [None]),
        ("lost", [None, "DBClusterSnapshotAlreadyExistsFault"]),
        ("crash-after", [None, "DBClusterSnapshotAlreadyExistsFault"]),
    ],
)
def test_a_fault_comes_before_the_effect_or_after_it(
    fault: str, answered: list[str | None]
) -> None:
    """An effect whose reply was lost is adopted when the step asks for it again."""
    run = struck(fault)

    assert (answered, []) == (calls(run, "CopyDBClusterSnapshot"), run.broken)


def test_a_crash_is_caught_by_nobody() -> None:
    """After a crash neither step nor runner writes anything: the lease runs out."""
    run = struck("crash-before")
    assert run.simulation is not None
    written = (entry for entry in run.simulation.recorder.entries if isinstance(entry, Wrote))
    first = next(entry.item for entry in written if entry.by == "copy-snapshot")

    assert 1 == run.simulation.functions.crashes
    assert "lease_owner" in first
    assert 1 == first["attempts"]


def test_a_suspended_function_does_not_outlive_its_time_out() -> None:
    """While it hangs in a call the night goes on.

    When its time is over, its next call never comes.
    """
    run = struck("raced-everything", at="sns-notification in ARCHIVED: sns.publish/1")

    assert (1, []) == (run.simulation.functions.crashes, run.broken)  # type: ignore[union-attr]


def test_a_duplicate_runs_during_the_call_and_finds_the_lease_taken() -> None:
    """Two deliveries of one event never act at the same time."""
    run = struck("raced-duplicate")

    assert ([None], []) == (calls(run, "CopyDBClusterSnapshot"), run.broken)


def test_a_burst_is_counted_as_a_fault_until_it_is_over() -> None:
    """Deadlines count from the last fault."""
    run = play(SCENARIOS["no-heartbeat@COPYING"], scripted(()), keep=True)

    assert ([], True) == (run.broken, run.seconds > 3600)


def test_a_production_login_that_works_is_seen() -> None:
    """A scene in which somebody opens one again ends with a broken promise, and with its story."""

    def reopened(simulation: Simulation) -> None:
        simulation.stage.night()
        simulation.until(State.USERS_READY)
        for cluster in simulation.stage.data.clusters.values():
            cluster.roles["shop_app"] = InMemoryRole(PRODUCTION_PASSWORD)

    run = play(Scenario("reopened", reopened), scripted(()))

    assert ["logins-revoked"] == [violation.invariant for violation in run.broken]


def test_a_trace_shows_the_fault_the_violation_and_the_replay() -> None:
    """A failed run's trace names in order the fault, what broke and the replay."""
    told = story(replayed("night 1=dropped 30=throttled"))

    assert told.startswith("night with 2 faults:\n")
    assert "FAULT  the clock in no state: a tick is lost" in told
    assert told.endswith("replay: make prove REPLAY='night 1=dropped 30=throttled'")


PAUSE = "swap-target in SWAPPING: the function.pause/1"


def test_the_world_goes_on_while_a_function_waits() -> None:
    """Events of RDS are delivered in it: their functions find the lease taken."""
    run = struck(scene="swap")
    assert run.simulation is not None
    swapping = [
        entry
        for entry in run.simulation.recorder.entries
        if isinstance(entry, Called) and "NewDBClusterIdentifier" in entry.parameters
    ]

    assert [] == run.broken
    assert 1 == len({entry.attempt for entry in swapping})
    assert (swapping[1].at - swapping[0].at).total_seconds() >= 12


def test_a_function_may_die_while_it_waits() -> None:
    """The swap goes on when its lease has run out."""
    run = struck("crash-before", at=PAUSE, scene="swap")
    assert run.simulation is not None

    assert (1, []) == (run.simulation.functions.crashes, run.broken)


@pytest.mark.parametrize("fault", ["raced-duplicate", "raced-heartbeat", "raced-everything"])
def test_others_may_run_while_a_function_waits(fault: str) -> None:
    """A function that is suspended for longer than it may live is dead at its next call."""
    run = struck(fault, at=PAUSE, scene="swap")

    assert [] == run.broken


def test_a_stale_answer_shows_clusters_as_they_were() -> None:
    """The name is nobody's, and one answer still shows the old cluster under it."""
    run = struck("stale", at="swap-target in SWAPPING: rds.describe_db_clusters/13", scene="swap")

    assert [] == run.broken


def test_an_operation_that_nobody_asked_for_is_not_awaited_for_ever() -> None:
    """Whoever awaits an operation that does not begin gives up when a scene would be at rest."""
    simulation = SCENARIOS["rollback"].simulation(scripted(()))
    began = simulation.stage.clock.now()

    until_ended(simulation, 99)

    waited = (simulation.stage.clock.now() - began).total_seconds()
    assert REST_SECONDS_MAX < waited < REST_SECONDS_MAX + 3600
