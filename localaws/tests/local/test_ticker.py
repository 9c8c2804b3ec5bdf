"""The thread that lets time pass in Aurora."""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, cast

from localaws.ticker import Ticker

if TYPE_CHECKING:
    from localaws.aurora import Aurora


class Stumbling:
    """An Aurora whose first transition raises, and whose second is waited for."""

    def __init__(self) -> None:
        self.ticks = 0
        self.went_on = threading.Event()
        self.stands_still = False

    def tick(self) -> None:
        """Raise at the first tick."""
        self.ticks += 1
        if self.ticks == 1:
            raise ValueError("This transition is a bug.")
        self.went_on.set()

    def stand_still(self) -> None:
        """Take notice that nothing more is to happen."""
        self.stands_still = True

    def next_transition(self) -> datetime | None:
        """Nothing is known to come."""
        return None


def test_time_goes_on_after_something_that_failed() -> None:
    """A transition that raises stops nothing but itself."""
    aurora = Stumbling()
    pulse = Ticker(cast("Aurora", aurora))
    pulse.start()
    pulse.wake()
    went_on = aurora.went_on.wait(timeout=10)
    pulse.close()

    assert went_on
    assert aurora.stands_still
