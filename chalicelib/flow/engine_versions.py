"""How the versions of PostgreSQL are compared."""

import re


def major(version: str) -> str:
    """Give the major version of a version."""
    return version.partition(".")[0]


def is_lower(version: str, than: str) -> bool:
    """Compare versions by their numbers: 16.9 is lower than 16.10."""
    return numbers(version) < numbers(than)


def numbers(version: str) -> tuple[int, ...]:
    """Give the numbers of a version, by which versions are ordered."""
    return tuple(map(int, re.findall(r"\d+", version)))
