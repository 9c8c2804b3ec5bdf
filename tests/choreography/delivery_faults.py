"""What becomes of events between the bus and the functions: fates for `Night.fate`."""

from random import Random
from typing import Any

from tests.choreography.run_night import Fate

FOREVER = 10**9


def first(name: str, deliveries: list[float]) -> Fate:
    """Treat the first event of a name like this (seconds until each delivery), and all others well."""
    met: list[str] = []

    def fate(found: str, _envelope: dict[str, Any]) -> list[float]:
        if found != name or met:
            return [0]
        met.append(found)
        return deliveries

    return fate


def never(*names: str) -> Fate:
    """Lose every event of these names."""
    return lambda found, _envelope: [] if found in names else [0]


def nothing_arrives(_found: str, _envelope: dict[str, Any]) -> list[float]:
    """Lose every event there is."""
    return []


def only_ours(_found: str, envelope: dict[str, Any]) -> list[float]:
    """Lose every event of RDS."""
    return [] if envelope["source"] == "aws.rds" else [0]


def weather(seed: int) -> Fate:
    """Lose a quarter of all events, double a quarter, and hold every third back for up to ten
    minutes.
    """
    random = Random(seed)  # noqa: S311 # dice, not secrets

    def delay() -> float:
        return random.choice((0, 0, random.uniform(1, 600)))

    return lambda _found, _envelope: random.choice(([], [delay()], [delay()], [delay(), delay()]))
