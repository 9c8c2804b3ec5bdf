"""How events are delivered, late, twice or never: values of `FaultyStage.delivery_fault`."""

from typing import Any

from tests.choreography.run_night import DeliveryFault

FOREVER = 10**9


def first(name: str, deliveries: list[float]) -> DeliveryFault:
    """Deliver the first event of a name after these seconds each, and all others at once."""
    met: list[str] = []

    def delays(found: str, _envelope: dict[str, Any]) -> list[float]:
        if found != name or met:
            return [0]
        met.append(found)
        return deliveries

    return delays


def never(*names: str) -> DeliveryFault:
    """Lose every event of these names."""
    return lambda found, _envelope: [] if found in names else [0]


def only_ours(_found: str, envelope: dict[str, Any]) -> list[float]:
    """Lose every event of RDS."""
    return [] if envelope["source"] == "aws.rds" else [0]
