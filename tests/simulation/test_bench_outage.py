"""How long people have no usable target: what is measured, and that the model is what is asked."""

import pytest

from bench.baselines import RenamingPoller
from bench.latencies import LocalClock
from bench.measured import AURORA_DOES, MeasuredNight
from bench.nights import (
    AT_ONCE,
    BY_HAND,
    FIRST_CASE,
    OURS,
    RESTARTED,
    STOPPED,
    SWAP,
    USUAL_NIGHT,
    Task,
    play,
)
from bench.outage import (
    PREVIOUS,
    TARGET,
    Judgment,
    Outage,
    Standing,
    TargetWatch,
    averaged,
    lets_in,
)
from bench.priced import PricedSimulation
from bench.silence import quiet
from chalicelib.flow.choreography import CHOREOGRAPHY, State
from simulation.settings import APP
from tests.simulation.measured_nights import NOON, after, measured_night

RENAMES = 2 * (USUAL_NIGHT.rename_lag + USUAL_NIGHT.rename)
RESTART = USUAL_NIGHT.cluster_stop + USUAL_NIGHT.cluster_start


@pytest.fixture(scope="module")
def swapped() -> MeasuredNight:
    """Play a night whose target is swapped."""
    return measured_night(SWAP)


@pytest.fixture(scope="module")
def deleted_first() -> MeasuredNight:
    """Play a night whose target is deleted first."""
    return measured_night(OURS)


def _staged() -> PricedSimulation:
    simulation = PricedSimulation(5.0)
    simulation.staging()
    simulation.stage.aurora.set_pace(USUAL_NIGHT)
    return simulation


def _rename(simulation: PricedSimulation, name: str, to: str) -> None:
    simulation.stage.rds().modify_db_cluster(
        DBClusterIdentifier=name, NewDBClusterIdentifier=to, ApplyImmediately=True
    )


def test_seconds_without_a_target_are_summed_over_a_night() -> None:
    """Twice unusable, and what goes on is not counted yet."""
    judgment = Judgment(usable=True, now=NOON)
    for seconds, usable in ((10, False), (20, False), (25, True), (30, False), (37, True)):
        judgment.see(after(seconds), usable=usable)
    judgment.see(after(50), usable=False)

    assert 15 + 7 == judgment.seconds_without


def test_a_swap_leaves_people_without_a_target_for_its_renames(swapped: MeasuredNight) -> None:
    """The strict judgment counts both renames, the lenient one those after the name is nobody's."""
    outage = swapped.outage

    assert RENAMES < outage.strict < RENAMES + 10
    assert RENAMES / 2 < outage.lenient < RENAMES / 2 + 10
    assert RENAMES == outage.aurora


def test_a_deletion_leaves_people_without_a_target_until_the_users_are_made(
    deleted_first: MeasuredNight,
) -> None:
    """That is the deletion, the restore, the writer and the password."""
    pace = USUAL_NIGHT
    aurora = pace.cluster_delete + pace.restore + pace.instance_create + pace.password_reset
    outage = deleted_first.outage

    assert aurora < outage.strict < aurora + 60
    assert outage.strict == pytest.approx(-(outage.deletion_after or 0), abs=1)


def test_a_restart_keeps_those_out_who_check_the_certificate(swapped: MeasuredNight) -> None:
    """They get in when the cluster was stopped and started; the other clients do before."""
    outage = measured_night(RESTARTED).outage

    assert RENAMES + RESTART == outage.aurora
    assert outage.aurora < outage.strict < outage.aurora + 30
    assert RESTART < outage.strict - swapped.outage.strict


def test_renames_by_hand_are_seen_up_to_half_a_minute_late() -> None:
    """Each of the two is over before the look that sees it."""
    outage = measured_night(BY_HAND).outage

    assert RENAMES < outage.strict < RENAMES + 60


def test_the_previous_target_is_deleted_off_the_critical_path(swapped: MeasuredNight) -> None:
    """The night takes as long whether the deletion begins at once or half a day later."""
    at_once = measured_night(AT_ONCE)

    assert 12 * 3600 < (swapped.outage.deletion_after or 0) < 12 * 3600 + 600
    assert 0 < (at_once.outage.deletion_after or 0) < 600
    assert at_once.took == pytest.approx(swapped.took, abs=1)
    assert at_once.outage.usable_after == pytest.approx(swapped.outage.usable_after, abs=1)


def test_what_deletes_the_previous_target_is_counted_by_itself(
    swapped: MeasuredNight, deleted_first: MeasuredNight
) -> None:
    """Its calls are none of the night's; a night that deletes first has no such part."""
    assert 0 < swapped.retirement.by_kind()["rds"] < swapped.meter.by_kind()["rds"]
    assert {0} == {*deleted_first.retirement.by_kind().values()}


def test_a_second_cluster_is_paid_for_as_long_as_it_stands(
    swapped: MeasuredNight, deleted_first: MeasuredNight
) -> None:
    """Half a day of a cluster with two instances, or of its storage alone while it is stopped."""
    stopped, less = measured_night(STOPPED).day, deleted_first.day

    assert 12 < swapped.day.clusters - less.clusters < 13.5
    assert 24 < swapped.day.instances - less.instances < 27
    assert 12 < stopped.clusters - less.clusters < 13.5
    assert stopped.instances - less.instances < 3


def test_nights_whose_target_is_swapped_follow_one_another() -> None:
    """The previous target's name is free on the next night, and each night has a new cluster."""
    for contender in (SWAP, BY_HAND):
        nights = play(Task(FIRST_CASE, contender, 5.0, 0), 3)

        assert all(0 < night.outage.strict - night.outage.aurora < 60 for night in nights)
        assert 3 == len(nights)


def test_a_target_counts_only_while_its_users_may_log_in() -> None:
    """The model is asked, and not the record: without the user the night is no success."""
    with quiet():
        simulation = PricedSimulation(5.0, environment={"REPLACEMENT": "swap"})
        simulation.staging()
        simulation.night_of(USUAL_NIGHT)
        watch, _, began = simulation._measuring()
        host = simulation._host_of(TARGET)
        simulation.stage.cluster_at(host).roles[APP["app_username"]].can_login = False
        watch.see()

    assert State.SUCCEEDED in {state for state, _ in simulation.ended.values()}
    assert not lets_in(simulation.stage.cluster_at(host))
    with pytest.raises(RuntimeError, match="without a new target"):
        watch.outage(began, RENAMES)


def test_a_cluster_under_another_name_is_nobodys_target() -> None:
    """A rename takes the target from people in both judgments, and the same cluster may return."""
    with quiet():
        simulation = _staged()
        simulation.watch = watch = TargetWatch(simulation.stage)
        _rename(simulation, TARGET, PREVIOUS)
        simulation.note_transitions()
        at_first = (watch._strict.usable, watch._lenient.usable)
        simulation.run(300)
        parked = (watch._strict.usable, watch._lenient.usable)
        _rename(simulation, PREVIOUS, TARGET)
        simulation.run(300)

    assert (False, True) == at_first
    assert (False, False) == parked
    assert watch._strict.usable
    assert watch._lenient.usable


def test_a_stopped_instance_is_not_billed_and_its_cluster_is() -> None:
    """An hour as it is, and an hour stopped."""
    with quiet():
        simulation = _staged()
        standing = Standing(simulation.stage)
        simulation.clock.advance(3600)
        standing.see()
        simulation.stage.rds().stop_db_cluster(DBClusterIdentifier=TARGET)
        simulation.settle()
        standing.see()
        before = standing.hours
        simulation.clock.advance(3600)
        standing.see()

    assert 1 == pytest.approx(standing.hours.clusters - before.clusters)
    assert before.instances == standing.hours.instances
    assert before.instances > 2


def test_a_previous_cluster_that_was_not_deleted_is_no_average() -> None:
    """A contender who leaves it standing has not done what the others have."""
    with pytest.raises(RuntimeError, match="not deleted"):
        averaged([Outage(240, 120, 3000, None, 240)])


def test_every_work_of_auroras_has_its_seconds() -> None:
    """What the choreography waits for is known, except for the snapshot, which is there before."""
    works = {row.aurora_work for row in CHOREOGRAPHY} - {None, "the snapshot"}

    assert works == {*AURORA_DOES}
    assert {step for steps in AURORA_DOES.values() for step in steps} <= {*vars(USUAL_NIGHT)}


def test_an_invocation_that_waits_by_itself_lets_time_pass_for_all() -> None:
    """What it has spent before and spends after is nobody's future."""
    clock = LocalClock(NOON)
    clock.spend(2)
    clock.hold_all()
    clock.advance(3)
    clock.spend(1)
    clock.back()

    assert after(6) == clock.now()
    clock.spend(5)
    clock.back()
    assert after(6) == clock.now()


def test_a_poller_that_renames_makes_its_cluster_beside_the_target() -> None:
    """People have the old one until the first rename."""
    with quiet():
        simulation = RenamingPoller(30.0)
        simulation.staging()
        simulation.night_of(USUAL_NIGHT)

    found = simulation.stage.rds().describe_db_clusters()["DBClusters"]
    assert {TARGET, PREVIOUS} == {cluster["DBClusterIdentifier"] for cluster in found}


def test_no_call_of_a_measured_night_compares_all_clusters() -> None:
    """What the proof looks at after each call would take hours among ten thousand clusters."""
    with quiet():
        simulation = _staged()
        _rename(simulation, TARGET, PREVIOUS)
        simulation.run(300)

    assert {} == simulation.recorder.positions._holders
