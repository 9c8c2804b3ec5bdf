"""Where localaws gets the time from: the wall, or a test that moves it by hand."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that knows what time it is."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...  # pragma: no cover


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment the clock was last advanced to, aware, in UTC."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move forward by a number of seconds (never backwards) and return the new moment."""
        if seconds < 0:
            raise ValueError(f"A clock does not run backwards: {seconds} seconds were asked for.")
        self._now += timedelta(seconds=seconds)
        return self._now
