"""One stage per test, on a virtual clock."""

from collections.abc import Iterator

import pytest

from chalicelib.observability import logger
from tests.choreography.run_night import FaultyStage


@pytest.fixture(autouse=True)
def only_errors_are_logged() -> Iterator[None]:
    """Leave out the many lines of good nights: writing them takes a third of the time of these
    tests.
    """
    before = logger.log_level
    logger.setLevel("ERROR")
    yield
    logger.setLevel(before)


@pytest.fixture
def stage() -> FaultyStage:
    """Make a stage with production, and an old target that is ours, before night falls."""
    return FaultyStage()
