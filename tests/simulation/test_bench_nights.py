"""The contenders: when the poller looks, what the waiter is billed, and that all have the same
nights.
"""

import itertools
from datetime import datetime  # noqa: TC003 # a fact of each look

import pytest

from bench import nights
from bench.baselines import WAITER, WAITER_SECONDS, Poller, Waiter
from bench.latencies import TRANSITION_SECONDS, WARM_START_SECONDS
from bench.meter import HEARTBEAT, Meter
from bench.nights import OURS, P30, USUAL_NIGHT, Task, a_day, drawn, gathered
from bench.priced import PricedSimulation
from bench.silence import quiet
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports


class _Seen(Poller):
    """A poller whose looks are kept: when each ended, and whether it has to wait."""

    def __init__(self) -> None:
        self.looks: list[tuple[State, datetime, datetime]] = []
        super().__init__(30.0)

    def _acted(self, operation: Operation, ports: Ports) -> tuple[Operation, bool]:
        begun = self.clock.now()
        acted = super()._acted(operation, ports)
        self.looks.append((operation.state, begun, self.clock.now()))
        return acted


def test_the_poller_looks_again_exactly_thirty_seconds_after_each_look() -> None:
    """Between the end of a look and the beginning of the next: the wait, three transitions, a warm
    start.
    """
    with quiet():
        world = _Seen()
        world.night_of(USUAL_NIGHT)
    copying = [(begun, ended) for state, begun, ended in world.looks if state is State.COPYING]
    pauses = {
        round((after[0] - before[1]).total_seconds(), 3)
        for before, after in itertools.pairwise(copying)
    }

    assert [pytest.approx(30 + 3 * TRANSITION_SECONDS + WARM_START_SECONDS)] == [*pauses]


def test_the_poller_pays_a_transition_for_each_task_choice_and_wait_and_no_table() -> None:
    """Two for each invocation, and one more for each that waits."""
    with quiet():
        night = Poller(60.0).night_of(USUAL_NIGHT)
    counts = night.meter.by_kind()
    waits = counts["transitions"] - 2 * counts["requests"]

    assert 30 < waits < counts["requests"]
    assert "dynamodb" not in counts


def test_the_waiter_is_billed_for_all_the_time_and_started_again_every_fifteen_minutes() -> None:
    """The waiter is billed for the whole night, except the moments between two of its runs."""
    with quiet():
        night = Waiter(30.0).night_of(USUAL_NIGHT)
    counts = night.meter.by_kind([WAITER])

    assert -(-night.took // WAITER_SECONDS) == counts["requests"]
    assert night.took == pytest.approx(counts["seconds"], abs=counts["requests"] * 0.5)


def test_aurora_takes_as_long_for_all() -> None:
    """Copy, deletion, restore, writer, password and readers, whoever waits for them."""
    with quiet():
        worlds = [PricedSimulation(5.0), Poller(30.0), Waiter(30.0)]
        for world in worlds:
            world.staging()
        taken = [world.night_of(USUAL_NIGHT).aurora for world in worlds]

    assert [pytest.approx(60 * (20 + 6 + 12 + 8 + 1 + 8), abs=1.5)] * 3 == taken


def test_a_night_is_the_same_for_all_and_no_two_are_alike() -> None:
    """The phase and the night alone decide the durations that are drawn."""
    copies = {drawn(USUAL_NIGHT, phase, night).copy for phase in (0, 1) for night in (0, 1)}

    assert drawn(USUAL_NIGHT, 3, 1) == drawn(USUAL_NIGHT, 3, 1)
    assert 4 == len(copies)


def test_a_later_night_knows_the_one_before() -> None:
    """A later night polls less than the first, and the rows keep the two apart."""
    task = Task("20-minute copy", OURS, 5.0, 0)
    row = gathered([(task, nights.play(task))])[task.row]

    assert row.later.counts["rds"] < row.first.counts["rds"]
    assert (1, nights.NIGHTS - 1) == (row.first.nights, row.later.nights)


def test_a_day_holds_the_ticks_that_the_night_did_not() -> None:
    """1,440 ticks, of which the night counted forty."""
    night, tick = Meter({(HEARTBEAT, "requests"): 40}), Meter({(HEARTBEAT, "requests"): 1})

    assert 1440 * 0.2e-6 == pytest.approx(a_day(night, tick))
    assert P30 in nights.OTHERS
