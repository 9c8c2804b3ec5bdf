"""What holds for all tests."""

from pathlib import Path

import pytest

from programs.loopback import keep_loopback_direct

keep_loopback_direct()  # the tests' own clients, and what they start

LONGEST_FIRST = ("world", "local", "proof", "postgres")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, so that of two workers none is left with them at the end."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
