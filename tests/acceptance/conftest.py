"""One running world for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.acceptance.up import READY, Up, free_port


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Give a world that is ready; a test may end it."""
    up = Up(tmp_path_factory.mktemp("world") / "data", free_port(), "--speed", "150")
    try:
        up.wait_for(READY)
        yield up
    finally:
        up.end()
