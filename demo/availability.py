"""How long a client of the target got no answer, when that was, and what its answers were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Self

from demo.assertions import INTENT, CheckResult
from demo.aws import Item
from demo.inspection import TargetInspection
from demo.steady_client import Answer, Reading, SteadyClient

# What AWS takes for them on average (localaws's figures), at the pace of the local AWS.
PACE: Final = 60
RENAME_SECONDS: Final = 120 / PACE
RESTART_SECONDS: Final = 720 / PACE
# The app looks every three seconds whether a rename is done, and the machine may be busy.
MARGIN_SECONDS: Final = 15.0
RESTARTING, POINTING = "TARGET_RESTARTING", "TARGET_PROVEN"
POINTER_SECONDS: Final = 30.0  # that clients may take to connect to what a pointer names


@dataclass(frozen=True)
class Silence:
    """The time from one answer to the next."""

    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        """Give its length."""
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True)
class Service:
    """What a client got from its beginning to its end."""

    asked: int
    began: datetime
    ended: datetime
    readings: Sequence[Reading]

    @classmethod
    def of(cls, client: SteadyClient) -> Self:
        """Take what a client got that has ended."""
        return cls(client.asked, client.began, client.ended, client.readings)

    @property
    def longest_silence(self) -> Silence:
        """Find the longest time without an answer."""
        times = [self.began, *(reading.at for reading in self.readings), self.ended]
        silences = [Silence(*pair) for pair in pairwise(times)]
        return max(silences, key=lambda silence: silence.seconds)

    def half_made(self, first: Answer, then: Answer) -> Reading | None:
        """Find the first answer that is neither whole, or the first data again after the other."""
        allowed = [first, then]
        for reading in self.readings:
            if reading.answer not in allowed:
                return reading
            if reading.answer == then:
                allowed = [then]
        return None


def check_service(
    service: Service, trail: Sequence[Item], first: Answer, then: Answer
) -> CheckResult:
    """Check that a client saw only whole data, and was without an answer no longer than it must."""
    if wrong := service.half_made(first, then):
        return CheckResult(False, f"A client saw half-made data: {_told(wrong)}.")
    if not service.readings or service.readings[-1].answer != then:
        return CheckResult(False, "A client that queried all the time never saw the other data.")
    silence, states = service.longest_silence, _states(trail)
    during = ", ".join(_during(states, silence)) or "no change of state"
    most = seconds_allowed(trail)
    summary = (
        f"A client that queried every 200 ms got {len(service.readings):,} of {service.asked:,} "
        f"answers, each of whole data; the longest time without one was {silence.seconds:.1f} s, "
        f"in {during}"
    )
    if most is None:
        return CheckResult(True, f"{summary}.")
    if silence.seconds > most:
        return CheckResult(False, f"{summary}: more than the {most:.0f} s that it may take.")
    return CheckResult(True, f"{summary} (at most {most:.0f} s).")


def check_return(before: TargetInspection, after: TargetInspection) -> CheckResult:
    """Check that the cluster from before the night is the target again, data and all."""
    if after.resource_id != before.resource_id:
        return CheckResult(False, f"The target is {after.resource_id}, not the old cluster.")
    if (after.tables, after.stale_in) != (before.tables, before.stale_in):
        return CheckResult(False, "The target does not hold the rows of before the night.")
    return CheckResult(
        True,
        f"The target is {before.resource_id} again, with yesterday's rows: the command of "
        "the notification brought it back.",
    )


def seconds_allowed(trail: Sequence[Item]) -> float | None:
    """Give the longest time without an answer: two renames, a restart if there was one, a margin.

    None where the old target was deleted first: a restore takes what it takes.
    """
    states = [state for state, _ in _states(trail)]
    if POINTING in states:
        return POINTER_SECONDS
    if "SWAPPING" not in states:
        return None
    restart = RESTART_SECONDS if RESTARTING in states else 0.0
    return 2 * RENAME_SECONDS + restart + MARGIN_SECONDS


def _states(trail: Sequence[Item]) -> list[tuple[str, datetime]]:
    """List the states and when each began."""
    return [
        (str(row["to_state"]), datetime.fromisoformat(row["at"]))
        for row in trail
        if INTENT not in row["metric_id"]
    ]


def _during(states: list[tuple[str, datetime]], silence: Silence) -> list[str]:
    """Name the states in which a silence was."""
    ends = [began for _, began in states[1:]] + [silence.ended]
    return [
        state
        for (state, began), ended in zip(states, ends, strict=True)
        if began < silence.ended and ended > silence.began
    ]


def _told(reading: Reading) -> str:
    answer = reading.answer
    mark = "with" if answer.is_stale else "without"
    return f"{answer.content.rows:,} rows, {mark} the mark of an earlier night, at {reading.at:%X}"
