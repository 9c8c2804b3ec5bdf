"""A key of Performance Insights that cannot be used any more costs nobody the target."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.swap.different_target import REPLACEMENTS, DifferentStage, like, succeeded

LOST = "Performance Insights of the new instances is encrypted with AWS's own key instead of "


class KeyedStage(DifferentStage):
    """A stage whose old writer has a key of its own for Performance Insights."""

    def old_instances(self) -> list[dict[str, Any]]:
        """Give the writer its key."""
        self.insights_key = self.keys.create(ACCOUNT, TARGET_REGION, "alias/insights").arn
        writer, *readers = super().old_instances()
        return [{**writer, "PerformanceInsightsKMSKeyId": self.insights_key}, *readers]


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_disabled_key_of_the_old_writer_is_left_out_with_a_warning(replacement: str) -> None:
    """The new writer has Performance Insights under AWS's own key, and people are told so."""
    stage = KeyedStage(REPLACEMENT=replacement)
    stage.keys.disable(stage.insights_key)
    ended = stage.run_night()
    (warning,) = [found for found in ended.warnings if found.startswith(LOST)]

    assert succeeded(ended)
    assert f"{stage.insights_key} is Disabled" in warning
    assert like(stage).instances[0].insights
    assert stage.insights_key != like(stage).instances[0].insights_key_arn
    stage.run(13 * 3600)
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_key_that_is_disabled_after_the_decision_ends_nothing(replacement: str) -> None:
    """In delete-first the old target is gone by then; people are told as well."""
    stage = KeyedStage(REPLACEMENT=replacement)
    stage.night()
    stage.reach(State.CLUSTER_RESTORING)
    stage.keys.disable(stage.insights_key)

    ended = stage.run_until_ended(1)
    (warning,) = [found for found in ended.warnings if found.startswith(LOST)]

    assert succeeded(ended)
    assert f"{LOST}{stage.insights_key}, which the old target had: AWS refused it." == warning
    assert stage.insights_key != like(stage).instances[0].insights_key_arn


def test_a_key_that_can_be_used_stays() -> None:
    """Nobody is warned of it."""
    stage = KeyedStage()
    ended = stage.run_night()

    assert succeeded(ended)
    assert not any(found.startswith(LOST) for found in ended.warnings)
    assert stage.insights_key == like(stage).instances[0].insights_key_arn
