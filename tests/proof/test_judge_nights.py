"""The judge and the real choreography: a night of the in-process stage, watched entry by entry."""

import pytest

from proof.judge import violations
from tests.proof.watched import BOUNDS, WatchedStage


def _night(environment: dict[str, str] | None = None) -> WatchedStage:
    stage = WatchedStage(environment)
    stage.staging()
    stage.night()
    return stage


@pytest.mark.parametrize("environment", [{}, {"ARCHIVE_SNAPSHOT": "false"}, {"INSTANCE_COUNT": "3"}])
def test_a_good_night_keeps_every_promise(environment: dict[str, str]) -> None:
    """Archived or not, with however many instances."""
    stage = _night(environment)
    ended = stage.run_to_the_end()

    assert ("SUCCEEDED", []) == (ended.state, violations(BOUNDS, stage.entries, stage.clock.now()))
