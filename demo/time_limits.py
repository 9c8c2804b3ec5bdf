"""How long the demo waits, and what it says when that was not enough."""

import time
from typing import Final

from demo.errors import DemoError

NIGHT_SECONDS: Final = 240  # that a night may take from its snapshot on


class TimeLimit:
    """How long a part of the demo may take.

    `what` names that part and begins a sentence; `advice` says how to give it more time.
    """

    def __init__(self, seconds: float, what: str = "The demo", advice: str = "") -> None:
        self.seconds = seconds
        self._what = what
        self._advice = advice
        self._ends = time.monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds that are left, never less than 0."""
        return max(0.0, self._ends - time.monotonic())

    def check(self, waiting_for: str) -> None:
        """Raise DemoError when the time is up."""
        if not self.remaining():
            raise self.over(waiting_for)

    def over(self, waiting_for: str) -> DemoError:
        """Make the error that says so."""
        late = (
            f"{self._what} has taken its {self.seconds:g} seconds and still waits for "
            f"{waiting_for}."
        )
        return DemoError(f"{late} {self._advice}".rstrip())
