"""How long a function's calls take: assumptions, in one place, the same for all contenders."""

import heapq
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from localaws.clock import VirtualClock

# All assumed, in seconds: medians as they are commonly reported for calls within a region, at 256
# MB.
CALL_SECONDS: Final[Mapping[str, float]] = {
    "rds": 0.25,
    "dynamodb": 0.01,
    "events": 0.03,
    "sns": 0.05,
    "secretsmanager": 0.05,
    "kms": 0.03,
    "ssm": 0.05,
    "ec2": 0.2,
    "route53": 0.1,
    "postgresql": 0.02,
}
# A function at 256 MB has 256/1769 of a processor (Lambda developer guide, memory), and is said to
# have a whole one during INIT. Measured on one core: 0.25 s for the imports, 0.14 s for three
# clients of boto3. So 0.25 + 0.14 / 0.145, and 0.3 for the runtime.
COLD_START_SECONDS: Final = 1.5
WARM_START_SECONDS: Final = 0.02  # until the handler runs, and what it computes
BUS_SECONDS: Final = (
    0.5  # from PutEvents to the function ("typically about half a second", EventBridge FAQ)
)
TRANSITION_SECONDS: Final = 0.05  # of Step Functions
KEPT_WARM: Final = timedelta(minutes=10)  # an idle function's environment; AWS promises nothing


class LocalClock(VirtualClock):
    """A clock that runs ahead within an invocation and is set back after it.

    An invocation that waits by itself holds all others up instead: else they would see what it
    writes at its end long before that.
    """

    ahead_seconds = 0.0
    _holds_all = False

    def now(self) -> datetime:
        """Return the moment as the present invocation has it."""
        return super().now() + timedelta(seconds=self.ahead_seconds)

    def spend(self, seconds: float) -> None:
        """Let the present invocation take a while."""
        self.ahead_seconds += seconds

    def hold_all(self) -> None:
        """Let the time that the present invocation has spent, and spends, pass for all."""
        self._holds_all = True
        self._pass_for_all()

    def back(self) -> None:
        """End the present invocation."""
        if self._holds_all:
            self._pass_for_all()
        self._holds_all, self.ahead_seconds = False, 0.0

    def _pass_for_all(self) -> None:
        self.advance(self.ahead_seconds)
        self.ahead_seconds = 0.0


class Warmth:
    """Which functions have an environment to run in.

    One that is free, or a new one, which starts cold.
    """

    def __init__(self) -> None:
        self._free_at: dict[str, list[datetime]] = defaultdict(list)

    def start_seconds(self, function: str, now: datetime) -> float:
        """Say how long it takes until the handler runs, and take the environment."""
        free = self._free_at[function]
        while free and free[0] < now - KEPT_WARM:
            heapq.heappop(free)
        if free and free[0] <= now:
            heapq.heappop(free)
            return WARM_START_SECONDS
        return COLD_START_SECONDS

    def ended(self, function: str, at: datetime) -> None:
        """Give the environment back."""
        heapq.heappush(self._free_at[function], at)
