"""Waits are spaced by what is known: by progress, by how long it took before, and by nothing where
nothing is known.
"""

from dataclasses import replace

import pytest
from localaws.aurora import Durations

from chalicelib.flow.choreography import State
from chalicelib.flow.polling import SPACING_MAX_SECONDS, poll_interval
from tests.choreography import delivery_faults
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage, target_of

MINUTE, HOUR = 60, 3600
SECONDS = {
    "copy": 1217,
    "cluster_delete": 367,
    "restore": 729,
    "instance_create": 421,
    "instance_configure": 67,
    "password_reset": 61,
}
READER_SECONDS = (
    SECONDS["instance_create"] + SECONDS["instance_configure"]
)  # after the writer has taken as long
NIGHT_SECONDS = sum(SECONDS.values()) + READER_SECONDS
LOOKS = ("describe_db_cluster_snapshots", "describe_db_clusters", "describe_db_instances")
ITEM = f"target#{target_of('staging-cluster')}"


@pytest.mark.parametrize("elapsed", [0, 5 * MINUTE, 5 * HOUR])
def test_where_nothing_is_known_the_shortest_spacing_holds(elapsed: float) -> None:
    """A first night is looked at as often as a poller would."""
    assert 30 == poll_interval(30, elapsed)


@pytest.mark.parametrize(
    ("elapsed", "seconds"),
    [(0, 600), (600, 300), (900, 150), (1100, 50), (1170, 30), (1200, 30), (1440, 30)],
)
def test_the_interval_is_half_of_the_remaining_time(elapsed: float, seconds: float) -> None:
    """Polls of work that took twenty minutes before are rare at first and frequent near its end."""
    assert seconds == poll_interval(30, elapsed, 1200)


def test_an_overdue_wait_is_polled_after_an_eighth_of_its_delay() -> None:
    """Twice as long as before: not every beat for hours, and never much later than it is late
    already.
    """
    assert HOUR / 8 == poll_interval(30, 2 * HOUR, HOUR)


@pytest.mark.parametrize(
    ("progress", "seconds"), [(1, SPACING_MAX_SECONDS), (25, 900), (50, 300), (99, 30), (100, 30)]
)
def test_progress_gives_the_remaining_time(progress: int, seconds: float) -> None:
    """After ten minutes of moving, with nothing known of other nights."""
    assert seconds == poll_interval(30, 600, progress=progress, moving=600)


def test_the_earlier_of_two_estimates_counts() -> None:
    """Looking too early costs a call, too late costs people time."""
    by_history, by_progress = (
        poll_interval(30, 600, 800, progress=25, moving=600),
        poll_interval(30, 600, 8000, progress=75, moving=600),
    )

    assert (100, 100) == (by_history, by_progress)


def test_progress_is_believed_where_history_has_passed() -> None:
    """Work that is half done after twenty minutes is expected to take as long again."""
    assert 600 == poll_interval(30, 1200, 600, progress=50, moving=1200)


def test_time_in_the_queue_is_not_taken_for_slowness() -> None:
    """An hour in Aurora's queue, then half of the copy in five minutes."""
    assert 150 == poll_interval(30, HOUR + 300, progress=50, moving=300)


def test_an_unknown_queue_is_polled_less_and_less_often() -> None:
    """Work without any progress is polled ever more rarely, up to a bound."""
    assert 30 == poll_interval(30, 0, progress=0)
    assert 150 == poll_interval(30, 1200, progress=0)
    assert 900 == poll_interval(30, 2 * HOUR, progress=0)


@pytest.mark.parametrize("lasted", [0, 1, 10**9])
def test_a_wrong_estimate_has_a_bound(lasted: float) -> None:
    """A poll interval is never below the shortest spacing nor above half an hour."""
    found = [poll_interval(30, elapsed, lasted) for elapsed in range(0, 48 * HOUR, 600)]

    assert (True, True) == (min(found) >= 30, max(found) <= SPACING_MAX_SECONDS)


def test_a_shortest_spacing_above_the_bound_is_kept() -> None:
    """A configured interval of an hour is kept."""
    assert HOUR == poll_interval(HOUR, 0, 10**9)


# --- nights ---


class SlowNight(FaultyStage):
    """A night at Aurora's own pace, of an odd number of seconds, with the intervals and deadlines
    that people have.
    """

    def __init__(self, **seconds: float) -> None:
        patient = {
            f"{state}_DEADLINE": "43200"
            for state in ("COPY", "DELETE", "RESTORE", "INSTANCE", "USERS")
        }
        often = {"COPY_CHECK_INTERVAL": "30", "RESTORE_CHECK_INTERVAL": "30"}
        super().__init__(patient | often, durations=Durations(**SECONDS | seconds))

    def looks(self, state: State) -> list[str]:
        """List by which methods a state's step looked and acted."""
        return [call.method for call in self.made if (call.state, call.service) == (state, "rds")]


def nights_of(stage: SlowNight, count: int) -> list[float]:
    """Let so many nights pass; returns how long the operation of each took, in seconds."""
    took = []
    for _ in range(count):
        stage.made.clear()
        ended = stage.run_night()
        took.append((ended.entered_at - ended.created_at).total_seconds())
        stage.run(6 * HOUR)
    return took


def test_the_durations_of_a_success_are_kept_for_the_next_night(stage: FaultyStage) -> None:
    """How long each awaited state took, in the target's item, and in the record of the next
    operation.
    """
    first = stage.run_night()
    lasted = {
        duration.state.value: duration.seconds
        for duration in first.durations
        if duration.seconds or duration.state == "ACCEPTED"
    }
    stage.run(1800)
    stage.night()
    stage.run(30)

    assert (
        lasted
        == dict(stage.target().expected_durations)
        == stage.all_operations()[-1].expected_durations
    )
    assert {
        "COPYING",
        "TARGET_DELETING",
        "CLUSTER_RESTORING",
        "INSTANCES_CREATING",
    } <= lasted.keys()


def test_a_second_night_polls_less_and_takes_no_longer() -> None:
    """Events come before polls, and the copy, which has none, is seen within a tick of its end."""
    stage = SlowNight()
    first = nights_of(stage, 1)
    looks_of_first = len(stage.calls_of(*LOOKS))
    second = nights_of(stage, 1)

    assert second <= first
    assert len(stage.calls_of(*LOOKS)) < looks_of_first
    assert second[0] - NIGHT_SECONDS < 60


def test_nights_without_any_event_of_rds_are_no_slower_than_a_poller() -> None:
    """Four waits of Aurora and its password, each seen at the next beat at the latest, on every
    night.
    """
    stage = SlowNight()
    stage.delivery_fault = delivery_faults.only_ours
    took = nights_of(stage, 3)

    assert [] == [seconds for seconds in took if seconds - NIGHT_SECONDS > 5 * 60]


def test_a_copy_of_hours_is_polled_a_dozen_times() -> None:
    """A copy of hours is polled a dozen times; on a first night its progress sets the pace."""
    stage = SlowNight(copy=4 * HOUR)
    nights_of(stage, 1)

    assert 10 <= len(stage.looks(State.COPYING)) <= 17


def test_expected_durations_fall_at_once_and_rise_slowly(stage: FaultyStage) -> None:
    """Too short a guess costs a few looks.

    Too long a one, where an event is lost, costs people time.
    """
    stage.run_night()
    took = stage.target().expected_durations["CLUSTER_RESTORING"]
    remembered = []
    for before in (took + 100, took / 4):
        stage.store.tables["state"][ITEM]["lasted"] = {"CLUSTER_RESTORING": before}
        stage.run(1800)
        stage.run_night()
        remembered.append(stage.target().expected_durations["CLUSTER_RESTORING"])

    assert [took, round(took / 4 + 30, 3)] == remembered


def test_a_night_of_six_hours_does_not_set_the_pace_of_the_next() -> None:
    """Twenty minutes, once six hours, and twenty minutes again: the third is seen as soon as the
    first.
    """
    stage = SlowNight()
    usual = nights_of(stage, 1)[0]
    stage.aurora.set_pace(Durations(**SECONDS | {"copy": 6 * HOUR}))
    nights_of(stage, 1)
    stage.aurora.set_pace(Durations(**SECONDS))

    assert usual + MINUTE >= nights_of(stage, 1)[0]


def test_a_first_night_of_six_hours_does_not_set_the_pace_of_the_next() -> None:
    """Nothing else is known then, and yet a copy is looked at soon enough to learn its progress."""
    stage = SlowNight(copy=6 * HOUR)
    nights_of(stage, 1)
    stage.aurora.set_pace(Durations(**SECONDS))

    assert NIGHT_SECONDS + 3 * MINUTE >= nights_of(stage, 1)[0]


def test_a_rerun_does_not_change_the_expected_durations(stage: FaultyStage) -> None:
    """The durations of a rerun, which finds things half made, are not kept for the next night."""
    stage.run_night()
    lasted = dict(stage.target().expected_durations)
    stage.run(1800)
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    failed = stage.run_night()
    again(stage, failed.operation_id)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert lasted == dict(stage.target().expected_durations)


@pytest.mark.parametrize(
    "lasted", ["long", 5, [], {"COPYING": "long"}, {"COPYING": -1}, {"COPYING": True}, {"": None}]
)
def test_damaged_expected_durations_are_dropped(stage: FaultyStage, lasted: object) -> None:
    """Damaged durations only affect polling: the night succeeds and writes them anew."""
    stage.store.tables["state"][ITEM]["lasted"] = lasted
    before = dict(stage.target().expected_durations)
    ended = stage.run_night()

    assert {} == before
    assert {} == ended.expected_durations
    assert State.SUCCEEDED == ended.state
    assert stage.target().expected_durations["COPYING"] > 0


def test_a_wait_is_judged_at_its_deadline_however_long_it_took_before() -> None:
    """Last time it was hours: the look is not put off beyond the end of the budget."""
    stage = FaultyStage(durations=Durations(restore=10 * HOUR).scaled(10))
    stage.store.tables["state"][ITEM]["lasted"] = {"CLUSTER_RESTORING": 10 * HOUR}
    ended = stage.run_night()
    restoring = next(
        duration for duration in ended.durations if duration.state is State.CLUSTER_RESTORING
    )

    assert State.FAILED == ended.state
    assert State.CLUSTER_RESTORING == ended.stopped_at
    assert 900 <= restoring.seconds <= 900 + MINUTE


# --- one look, one call ---


def test_a_poll_of_a_deletion_is_one_call() -> None:
    """While the cluster is `deleting` its instances tell nothing.

    Before the first deletion they are looked at.
    """
    stage = SlowNight()
    stage.delivery_fault = delivery_faults.only_ours
    stage.run_night()
    first, second, *_ = made = stage.looks(State.TARGET_DELETING)
    accepted = len(made) - made[::-1].index("delete_db_cluster")  # it was tried first, in vain
    looks = made[accepted:]

    assert ("describe_db_clusters", "describe_db_instances") == (first, second)
    assert ["describe_db_clusters"] * (len(looks) - 1) == looks[:-1]
    assert "describe_db_instances" == looks[-1]
    assert len(looks) > 4


def test_a_poll_of_instances_is_one_call(stage: FaultyStage) -> None:
    """The cluster is looked at when they are ready: nothing is said of them before it is known to
    be ours.
    """
    stage.delivery_fault = delivery_faults.only_ours
    stage.run_night()
    made = [
        call.method
        for call in stage.made
        if (call.state, call.service) == ("INSTANCES_CREATING", "rds")
    ]

    assert ({"describe_db_instances"}, "describe_db_clusters") == (set(made[:-1]), made[-1])


def test_anothers_cluster_under_the_name_is_found_before_its_instances_count(
    stage: FaultyStage,
) -> None:
    """Ours was deleted and remade by somebody while its instances were being made."""
    stage.night()
    operation = stage.reach(State.INSTANCES_CREATING)
    target = replace(operation.facts.target, cluster_resource_id="cluster-OURS")
    other = replace(operation, facts=replace(operation.facts, target=target))
    stage.edit(operation.operation_id, facts=other.to_item()["facts"])
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert State.INSTANCES_CREATING == ended.stopped_at
    assert "delete-rds" == ended.rerun_from
