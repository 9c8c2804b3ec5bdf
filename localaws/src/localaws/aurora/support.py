"""How long AWS supports each major version of Aurora PostgreSQL (Aurora release calendar)."""

from datetime import UTC, datetime
from typing import NamedTuple


class Support(NamedTuple):
    """The first day of a major version, and the ends of its standard and Extended Support."""

    begins: datetime
    standard_ends: datetime
    extended_ends: datetime


def _support(*days: str) -> Support:
    return Support(*(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days))


def support_of_majors() -> dict[int, Support]:
    """Give the days of every major version."""
    return {
        13: _support("2021-08-26", "2026-02-28", "2029-02-28"),
        14: _support("2022-06-20", "2027-02-28", "2030-02-28"),
        15: _support("2023-03-20", "2028-02-29", "2031-02-28"),
        16: _support("2024-01-31", "2029-02-28", "2032-02-29"),
        17: _support("2025-05-01", "2030-02-28", "2033-02-28"),
    }
