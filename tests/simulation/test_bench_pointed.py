"""What clients feel whose target is found by pointers: what is measured, and that it can be bad."""

from datetime import timedelta

import pytest

from bench.measured import MeasuredNight
from bench.nights import (
    DAY,
    FIRST_CASE,
    OURS,
    POINTER,
    POINTER_AT_ONCE,
    POINTER_RECORD,
    SWAP,
    USUAL_NIGHT,
    Task,
    play,
)
from bench.outage import TARGET, cluster_named, clusters_of, lets_in
from bench.pointed import CONNECT_SECONDS, GIVEN_OUT, RECORD, Place, PointedTargets
from bench.silence import quiet
from simulation.settings import APP
from tests.simulation.measured_nights import NOON, after, measured_night

CONNECTING = pytest.approx(CONNECT_SECONDS)


def _pointed(**environment: str) -> PointedTargets:
    """Play a night after which pointers lead to the new cluster, and the old one is kept."""
    simulation = PointedTargets(5.0, environment={"REPLACEMENT": "pointer", **environment})
    simulation.staging()
    simulation.night_of(USUAL_NIGHT)
    return simulation


@pytest.fixture(scope="module")
def pointed() -> MeasuredNight:
    """Play a night whose pointers are moved."""
    return measured_night(POINTER)


@pytest.fixture(scope="module")
def recorded() -> MeasuredNight:
    """Play a night whose pointers are moved, a record among them."""
    return measured_night(POINTER_RECORD)


def test_a_moved_pointer_leaves_people_without_a_target_while_they_connect(
    pointed: MeasuredNight, recorded: MeasuredNight
) -> None:
    """A read and a login, in both judgments; Aurora has no part in it."""
    for night in (pointed, recorded):
        assert CONNECTING == night.outage.strict
        assert CONNECTING == night.outage.lenient
        assert 0 == night.outage.aurora


def test_clients_of_the_record_find_the_new_cluster_after_its_time_to_live(
    pointed: MeasuredNight, recorded: MeasuredNight
) -> None:
    """Clients of the secret are at the new cluster a minute before all clients of the record."""
    later = recorded.outage.usable_after - pointed.outage.usable_after

    assert later == pytest.approx(GIVEN_OUT.total_seconds(), abs=1)
    assert recorded.outage.turning == pytest.approx(GIVEN_OUT.total_seconds(), abs=1)
    assert 0 < pointed.outage.turning < 1


def test_the_previous_target_of_a_pointer_is_deleted_off_the_critical_path(
    pointed: MeasuredNight,
) -> None:
    """The night takes as long whether the deletion begins at once or half a day later."""
    at_once = measured_night(POINTER_AT_ONCE)

    assert 12 * 3600 < (pointed.outage.deletion_after or 0) < 12 * 3600 + 600
    assert 0 < (at_once.outage.deletion_after or 0) < 600
    assert at_once.took == pytest.approx(pointed.took, abs=1)


def test_a_previous_target_that_goes_at_once_takes_it_from_nobody_at_the_record() -> None:
    """Nobody is given the old cluster's name any more when its deletion begins."""
    settings = {"REPLACEMENT": "pointer", "KEEP_PREVIOUS_HOURS": "0", **RECORD}
    with quiet():
        simulation = PointedTargets(5.0, environment=settings)
        simulation.staging()
        night = simulation.day_after(simulation.night_of(USUAL_NIGHT), DAY)

    assert CONNECTING == night.outage.strict
    assert 0 < (night.outage.deletion_after or 0) < 600


def test_a_pointer_costs_a_second_cluster_as_a_swap_does(pointed: MeasuredNight) -> None:
    """As long as it stands beside the target: but for the renames, the same hours."""
    less, swapped = measured_night(OURS).day, measured_night(SWAP).day

    assert 12 < pointed.day.clusters - less.clusters < 13.5
    assert 24 < pointed.day.instances - less.instances < 27
    assert pointed.day.clusters == pytest.approx(swapped.clusters, abs=0.2)


def test_calls_of_route_53_are_counted_where_there_is_a_record(
    pointed: MeasuredNight, recorded: MeasuredNight
) -> None:
    """Route 53 is looked at until its servers know."""
    assert 10 < recorded.meter.by_kind()["route53"] < 60
    assert "route53" not in pointed.meter.by_kind()


def test_nights_whose_pointers_are_moved_follow_one_another() -> None:
    """The two clusters take turns, and nobody is without a target."""
    nights = play(Task(FIRST_CASE, POINTER_RECORD, 5.0, 0), 4)

    assert [CONNECTING] * 4 == [night.outage.strict for night in nights]
    assert all(12 * 3600 < (night.outage.deletion_after or 0) for night in nights)


def test_a_pointer_counts_only_while_its_cluster_lets_people_in() -> None:
    """The cluster that the secret names is asked, and not the one with the target's name."""
    with quiet():
        simulation = _pointed()
        watch, _, began = simulation._measuring()
        old = cluster_named(simulation.stage, TARGET)
        (new,) = (one for one in clusters_of(simulation.stage) if one is not old)
        role = simulation.stage.data.clusters[new.resource_id].roles[APP["app_username"]]
        role.can_login = False
        watch.see()

    assert old
    assert lets_in(simulation.stage.data.clusters[old.resource_id])
    with pytest.raises(RuntimeError, match="without a new target"):
        watch.outage(began, 0)


def test_a_record_may_lead_to_its_former_cluster_for_a_while() -> None:
    """An old cluster that stops meanwhile is a target that some people do not have."""
    with quiet():
        simulation = _pointed(**RECORD)
        stage, clock = simulation.stage, simulation.clock
        simulation.watch = watch = simulation.watched(stage)
        record = stage.zones._records["staging.db.example."]["ResourceRecords"][0]
        host = record["Value"]
        old = cluster_named(stage, TARGET)
        assert old
        former = stage.data.endpoint(old.resource_id)[0]
        record["Value"] = former
        watch.see()
        both = watch.led_to()
        clock.advance(GIVEN_OUT.total_seconds() - 1)
        stage.data.clusters[old.resource_id].roles.clear()
        watch.see()
        is_out = watch._strict.usable
        record["Value"] = host
        watch.see()
        clock.advance(GIVEN_OUT.total_seconds())
        watch.see()

    assert 2 == len(both)
    assert not is_out
    assert watch._strict.usable
    assert watch._strict.seconds_without == pytest.approx(GIVEN_OUT.total_seconds())


def test_a_place_gives_its_former_host_until_all_know_the_new_one() -> None:
    """At that moment it is not given any more; a place that everybody reads has no such time."""
    slow, quick = Place("old", timedelta(seconds=65)), Place("old", timedelta())
    for place in (slow, quick):
        place.see("new", NOON)
        place.see("new", after(1))

    assert {"new", "old"} == slow.given(after(64.9))
    assert {"new"} == slow.given(after(65)) == quick.given(NOON)
    assert (after(65), NOON) == (slow.known_at, quick.known_at)
