"""What ends the demo early: always a sentence that says what happened and what to do."""

import time


class DemoError(Exception):
    """The demo cannot go on; the message is what people read."""


class Deadline:
    """The moment by which the demo has ended by itself, whatever happens."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
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
        return DemoError(
            f"The demo's {self.seconds:g} seconds are over, and it still waits for {waiting_for}. "
            "Try again, with --timeout for more time on a slow machine."
        )
