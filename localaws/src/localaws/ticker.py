"""The heartbeat of the model of Aurora: a thread that lets due transitions happen on time."""

import logging
import threading
from datetime import UTC, datetime
from typing import Final

from localaws.aurora import Aurora

LOOK_SECONDS_MIN: Final = 0.01
"""Between two looks: a test's clock may stand still with something due."""

LOOK_SECONDS_MAX: Final = 1.0
"""How long a transition may go unnoticed that somebody caused without a request to this server."""

_log = logging.getLogger("localaws")


class Ticker:
    """Sleeps until the model's next transition, or until a request may have made one due sooner."""

    def __init__(self, aurora: Aurora) -> None:
        self._aurora = aurora
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="localaws-ticker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the model again now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._closed:
            # Cleared before the look, so that a request during it is not missed.
            self._wake.clear()
            self._tick()
            self._wake.wait(self._seconds_until_next())

    def _tick(self) -> None:
        """Let happen what is due.

        An error stops the one thing that it befell, and never time itself.
        """
        try:
            self._aurora.tick()
        except Exception as error:  # noqa: BLE001 # this is the top of a thread
            _log.error("Something that was due in Aurora failed: %s", error, exc_info=error)

    def _seconds_until_next(self) -> float:
        next_at = self._aurora.next_transition()
        if next_at is None:
            return LOOK_SECONDS_MAX
        return min(
            max(LOOK_SECONDS_MIN, (next_at - datetime.now(UTC)).total_seconds()), LOOK_SECONDS_MAX
        )

    def close(self) -> None:
        """Stop after the transition in hand."""
        self._closed = True
        self._aurora.stand_still()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
