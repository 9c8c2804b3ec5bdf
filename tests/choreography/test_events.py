"""Events are hints: lost, doubled, late or in any order, they change how long a night takes and
never how it ends.
"""

import json
from collections import deque
from random import Random
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography import delivery_faults
from tests.choreography.recorded_run import events, rehearsed
from tests.choreography.run_night import Night

each_event = pytest.mark.parametrize("name", events())
GOOD_PATH = rehearsed().path()


@each_event
def test_a_lost_event_costs_time_only(night: Night, name: str) -> None:
    """The heartbeat, or the catch-up, does without it: the same states, one row each."""
    night.fate = delivery_faults.first(name, [])

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


@each_event
def test_an_event_that_is_delivered_again_changes_nothing(night: Night, name: str) -> None:
    """At once, and minutes late: the record is gone elsewhere, or the lease taken."""
    night.fate = delivery_faults.first(name, [0, 0, 100])

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


@each_event
def test_an_event_that_comes_after_the_end_changes_nothing(night: Night, name: str) -> None:
    """A replay of an operation long ended is ignored: no new operation, no change of the record, no
    call in Aurora.
    """
    night.fate = delivery_faults.first(name, [delivery_faults.FOREVER])
    ended = night.dream()
    before = len(night.calls_of("delete_db_cluster", "restore_db_cluster_from_snapshot", "publish"))
    night.let_the_rest_come()
    night.run(300)
    after = len(night.calls_of("delete_db_cluster", "restore_db_cluster_from_snapshot", "publish"))

    assert (ended, before, []) == (night.only(), after, night.broken_promises())


def test_a_night_without_any_event_of_rds_ends_well(night: Night) -> None:
    """The catch-up starts it, and everything is looked at in time."""
    night.fate = delivery_faults.only_ours

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


def test_a_night_with_nothing_but_the_heartbeat_ends_well(night: Night) -> None:
    """Every first announcement and every event of RDS is lost: only what the heartbeat repeats
    arrives.
    """
    night.fate = lambda _name, envelope: (
        [0] if night.put_by.get(envelope["id"]) == "heartbeat" else []
    )

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_bad_weather_changes_how_long_it_takes_and_not_how_it_ends(night: Night, seed: int) -> None:
    """Events are lost, doubled and held back at random."""
    night.fate = delivery_faults.weather(seed)

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


@pytest.mark.parametrize("seed", range(3))
def test_events_in_any_order_change_nothing(night: Night, seed: int) -> None:
    """Everything is delivered twice, in whatever order of what is on the bus."""
    random = Random(seed)  # noqa: S311 # dice, not secrets

    class Shuffled(deque[dict[str, object]]):
        def popleft(self) -> dict[str, object]:
            self.rotate(random.randrange(len(self)))
            return super().popleft()

    night.queue = Shuffled()
    night.fate = lambda _name, _envelope: [0, 0, 30]

    assert (State.SUCCEEDED, GOOD_PATH, []) == (
        night.dream().state,
        night.path(),
        night.broken_promises(),
    )


def test_an_instances_event_with_rds_before_its_name_wakes_its_operation(night: Night) -> None:
    """Official samples spell it so; live events do not."""
    caught: list[str] = []

    def keep(name: str, envelope: dict[str, Any]) -> list[float]:
        if not name.startswith("DB instance created"):
            return [0]
        caught.append(json.dumps(envelope).replace(":db:", ":db:rds:"))
        return []

    night.fate = keep
    night.night()
    night.reach(State.INSTANCES_CREATING)
    while not caught:
        night.step_time()
    before = night.state()
    night.deliver_one(json.loads(caught[-1]))

    assert (State.INSTANCES_CREATING, True) == (before, night.state() != State.INSTANCES_CREATING)
