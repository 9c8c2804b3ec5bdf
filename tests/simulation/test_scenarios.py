"""A story by itself: what happens to a stage besides faults ends as it should, and every promise is
kept. Most scenes differ in one moment or state: every fourth is played, and `make prove` plays all.
"""

import pytest

from simulation.injector import scripted
from simulation.run import play
from simulation.scenarios import CORE, SCENARIOS

PLAYED = sorted({*list(SCENARIOS)[::4], *(scene.name for scene in CORE)})


@pytest.mark.parametrize("scene", PLAYED)
def test_a_scene_ends_as_it_should(scene: str) -> None:
    """Nights, people, bursts, other versions, strangers, several plans.

    No secret is in a log line.
    """
    assert [] == play(SCENARIOS[scene], scripted(()), level="INFO").broken
