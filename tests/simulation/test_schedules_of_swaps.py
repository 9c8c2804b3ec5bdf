"""A sample of single faults in scenes of swaps."""

import pytest

from simulation import swap_scenarios
from tests.simulation.single_faults import broken, names, not_of_a_night


@pytest.mark.parametrize("scene", names(swap_scenarios.CORE))
def test_no_single_fault_changes_how_a_scene_of_swaps_ends(scene: str) -> None:
    """A fault at a call that a plain night does not make breaks no promise of the scene."""
    assert [] == broken(not_of_a_night(scene))
