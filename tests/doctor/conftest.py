"""The deployed stage, for tests that change it; each test undoes what it broke."""

from collections.abc import Iterator

import pytest

from tests.deployment.place import Place
from tests.doctor.scene import Scene


@pytest.fixture(scope="session")
def place(deployed_stage: Place) -> Place:
    """Give the account that the stage is in."""
    return deployed_stage


@pytest.fixture
def scene(place: Place) -> Iterator[Scene]:
    """Give the stage to one test, and put back what it changed."""
    scene = Scene(place)
    yield scene
    scene.put_back()
