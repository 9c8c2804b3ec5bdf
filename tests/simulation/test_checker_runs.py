"""The checker and the real choreography: a night of the in-process stage, watched entry by entry."""

import pytest

from chalicelib.flow.choreography import ENDING, TERMINAL, State
from simulation.checker import violations
from tests.simulation.watched import BOUNDS, WatchedNight, WatchedStage


def _night(environment: dict[str, str] | None = None) -> WatchedStage:
    stage = WatchedStage(environment)
    stage.staging()
    stage.night()
    return stage


@pytest.mark.parametrize(
    "environment", [{}, {"ARCHIVE_SNAPSHOT": "false"}, {"INSTANCE_COUNT": "3"}]
)
def test_a_good_night_keeps_every_promise(environment: dict[str, str]) -> None:
    """Archived or not, with however many instances."""
    stage = _night(environment)
    ended = stage.run_to_the_end()

    assert ("SUCCEEDED", []) == (ended.state, violations(BOUNDS, stage.entries, stage.clock.now()))


@pytest.mark.parametrize(
    "state", [state for state in State if state not in ENDING | TERMINAL | {State.HOP_COPIED}]
)
def test_a_stopped_night_and_its_rerun_keep_what_is_promised(state: State) -> None:
    """The rerun adopts what the first one made; of the first only the remedy may be missing."""
    night = WatchedNight()
    night.night()
    first = night.reach(state).operation_id
    night.request("CancelRequested", operation_id=first, reason="not tonight")
    night.run_to_the_end()
    night.request("RestoreRequested", rerun_of=first, request_id="again")
    ended = night.run_to_the_end()

    assert State.SUCCEEDED is ended.state
    assert {one.invariant for one in violations(BOUNDS, night.entries, night.clock.now())} <= {
        "explains-failure"
    }
