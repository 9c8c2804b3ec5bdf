"""Each story by itself: what happens to a stage besides faults ends as it should, and every promise is kept."""

import pytest

from proof.oracle import scripted
from proof.play import play
from proof.scenes import SCENES


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_ends_as_it_should(scene: str) -> None:
    """Nights, people, bursts, other versions, strangers, several plans; no secret is in a log line."""
    assert [] == play(SCENES[scene], scripted(()), level="INFO").broken
