"""One stage per test, on a virtual clock."""

import pytest

from tests.choreography.night import Night


@pytest.fixture
def night() -> Night:
    """A stage with production, and an old target that is ours, before night falls."""
    return Night()
