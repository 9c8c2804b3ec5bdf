"""Each story by itself: what happens to a stage besides faults ends as it should, and every promise
is kept.
"""

import pytest

from simulation.injector import scripted
from simulation.run import play
from simulation.scenarios import SCENARIOS


@pytest.mark.parametrize("scene", SCENARIOS)
def test_a_scene_ends_as_it_should(scene: str) -> None:
    """Nights, people, bursts, other versions, strangers, several plans.

    No secret is in a log line.
    """
    assert [] == play(SCENARIOS[scene], scripted(()), level="INFO").broken
