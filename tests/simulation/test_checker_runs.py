"""The checker finds nothing wrong with the real choreography."""

import pytest

from chalicelib.flow.choreography import State
from simulation.scenarios import ON_A_NIGHT
from tests.choreography.run_night import FaultyStage


@pytest.mark.parametrize(
    "environment", [{}, {"ARCHIVE_SNAPSHOT": "false"}, {"INSTANCE_COUNT": "3"}]
)
def test_a_good_night_keeps_every_promise(environment: dict[str, str]) -> None:
    """Every invariant holds of a good night, archived or not, with however many instances."""
    stage = FaultyStage(environment)
    ended = stage.run_night()

    assert (State.SUCCEEDED, []) == (ended.state, stage.broken_promises())


@pytest.mark.parametrize("state", ON_A_NIGHT)
def test_a_stopped_night_and_its_rerun_keep_what_is_promised(state: State) -> None:
    """Every invariant holds of a cancelled operation and of the rerun that adopts what it made."""
    stage = FaultyStage()
    stage.night()
    first = stage.reach(state).operation_id
    stage.request("CancelRequested", operation_id=first, reason="not tonight")
    stage.run_to_the_end()
    stage.request("RestoreRequested", rerun_of=first, request_id="again")
    ended = stage.run_to_the_end()

    assert (State.SUCCEEDED, []) == (ended.state, stage.broken_promises())
