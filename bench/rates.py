"""What is watched while a night is measured.

Aurora's own time, the rate of RDS's calls, the heartbeat's ticks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bench.meter import HEARTBEAT, Meter

# requests at once, and per second after that, of an account in a region: user guide, throttling
RDS_BURST: Final = 300
RDS_PER_SECOND: Final = 12


@dataclass
class Busy:
    """How long Aurora had something under way: its own time, which no contender can shorten."""

    seconds: float = 0.0
    since: datetime | None = None
    until: datetime | None = None

    def see(self, now: datetime, due: datetime | None) -> None:
        """Take note of what is due next, at a moment.

        What was due last was the end of it when nothing is any more.
        """
        if due is not None:
            self.since, self.until = self.since or now, due
        elif self.since is not None and self.until is not None:
            self.seconds += (self.until - self.since).total_seconds()
            self.since = self.until = None


@dataclass
class Rates:
    """Calls of RDS by the second, and by the heartbeat's tick that led to them."""

    by_second: Counter[int] = field(default_factory=Counter)
    by_tick: Counter[int] = field(default_factory=Counter)
    ticked: Counter[int] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)

    def called(self, now: datetime, tick: int, *, asked: bool) -> None:
        """Count one call, and whether it is of an invocation that the tick itself asked for."""
        second = int(now.timestamp())
        self.by_second[second] += 1
        if tick:
            self.by_tick[tick] += 1
            self.ticked[second] += 1
            self.asked[second] += asked


def minute_most(by_second: Mapping[int, int]) -> int:
    """Find the most calls of any sixty seconds on end."""
    return max(
        (sum(by_second.get(second + after, 0) for after in range(60)) for second in by_second),
        default=0,
    )


def beyond(by_second: Mapping[int, int]) -> int:
    """Count the calls that RDS would have throttled: those that find no token in its bucket."""
    tokens, last, refused = RDS_BURST, min(by_second, default=0), 0
    for second, calls in sorted(by_second.items()):
        tokens = min(RDS_BURST, tokens + RDS_PER_SECOND * (second - last))
        refused += max(0, calls - tokens)
        tokens, last = max(0, tokens - calls), second
    return refused


@dataclass(frozen=True)
class Tick:
    """One tick of the heartbeat.

    How long it ran, and all that the heartbeat had read by index when it ended.
    """

    seconds: float
    items_read: int
    units_read: float
    items: int
    units: float

    @classmethod
    def of(cls, seconds: float, meter: Meter, earlier: Sequence["Tick"]) -> "Tick":
        """Make the record of the tick that ends now."""
        items, units = (
            int(meter.counts[HEARTBEAT, "items by index"]),
            meter.counts[HEARTBEAT, "read units"],
        )
        last = earlier[-1] if earlier else cls(0, 0, 0, 0, 0)
        return cls(seconds, items, units, items - last.items_read, units - last.units_read)
