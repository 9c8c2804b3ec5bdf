"""What becomes of events between the bus and the functions: fates for `Night.fate`."""

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


def only_ours(_found: str, envelope: dict[str, Any]) -> list[float]:
    """Lose every event of RDS."""
    return [] if envelope["source"] == "aws.rds" else [0]
