"""How long an invocation holds a record: longer than it can run, so that no second one acts."""

from datetime import datetime, timedelta

from chalicelib.ports import Ports

LEASE_MARGIN_SECONDS = 10  # beyond the function's own timeout: a holder cannot outlive its lease


def lease_until(now: datetime, ports: Ports) -> datetime:
    """Give the time until which nobody else takes a record that is claimed now."""
    return now + timedelta(seconds=ports.remaining_seconds() + LEASE_MARGIN_SECONDS)
