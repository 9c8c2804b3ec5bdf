"""Nights that the benchmark measures, and moments of a clock."""

from datetime import UTC, datetime, timedelta

from bench.measured import MeasuredNight
from bench.nights import DAY, USUAL_NIGHT, simulation_of
from bench.silence import quiet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """Give the moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def measured_night(contender: str) -> MeasuredNight:
    """Play a usual night, and the day after it."""
    with quiet():
        simulation = simulation_of(contender, 5.0)
        simulation.staging()
        return simulation.day_after(simulation.night_of(USUAL_NIGHT), DAY)
