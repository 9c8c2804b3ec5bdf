"""Scheduled rules: `rate(…)` fires as often as it says, divided by the speed of this world.

`cron(…)` is refused.
"""

import logging
import re
import threading
import time
from collections.abc import Iterator
from typing import Final

from moto.core.exceptions import JsonRESTError
from moto.events.models import Rule, events_backends

from localaws.delivery import DEFAULT_BUS, Delivery
from localaws.event_envelope import envelope
from localaws.refusals import NotModelledError

_UNIT_SECONDS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
_RATE: Final = re.compile(r"rate\((?P<count>[1-9]\d*) (?P<unit>minute|hour|day)(?P<plural>s?)\)")

LOOK_SECONDS_MAX: Final = 1.0
"""How long a scheduled rule that CloudFormation made may go unnoticed."""

_log = logging.getLogger(__name__)


def period_seconds(expression: str) -> float:
    """Read a rate; refuse cron, and what AWS refuses (`rate(1 minutes)`, `rate(0 minutes)`)."""
    if expression.startswith("cron("):
        raise NotModelledError(
            f"localaws does not model {expression}: it divides time by a factor. Use rate(…) here."
        )
    rate = _RATE.fullmatch(expression)
    if rate is None or (rate["plural"] == "") != (rate["count"] == "1"):
        raise JsonRESTError("ValidationException", "Parameter ScheduleExpression is not valid.")
    return float(int(rate["count"]) * _UNIT_SECONDS[rate["unit"]])


class Schedules:
    """The thread that fires scheduled rules.

    A rule fires first one period after it was put or enabled.
    """

    def __init__(self, delivery: Delivery, *, speed: float) -> None:
        self._delivery = delivery
        self._speed = speed
        self._next_at: dict[str, float] = {}
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="localaws-schedules", daemon=True)

    def start(self) -> None:
        """Begin to fire."""
        self._thread.start()

    def look_again(self) -> None:
        """Take notice of a rule that was put or changed."""
        self._wake.set()

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            rules = {f"{rule.arn} {rule.scheduled_expression}": rule for rule in _scheduled_rules()}
            self._next_at = {key: self._next_of(key, rule) for key, rule in rules.items()}
            for key, rule in rules.items():
                if self._next_at[key] <= time.monotonic():
                    self._fire(key, rule)
            soonest = min(self._next_at.values(), default=time.monotonic() + LOOK_SECONDS_MAX)
            self._wake.wait(min(max(0.0, soonest - time.monotonic()), LOOK_SECONDS_MAX))

    def _next_of(self, key: str, rule: Rule) -> float:
        return self._next_at.get(key) or time.monotonic() + self._period_of(rule)

    def _period_of(self, rule: Rule) -> float:
        return period_seconds(str(rule.scheduled_expression)) / self._speed

    def _fire(self, key: str, rule: Rule) -> None:
        """Fire once, and skip what was missed while the machine slept."""
        period = self._period_of(rule)
        # From the planned time, not from now: a rate keeps its beat.
        late = time.monotonic() - self._next_at[key]
        self._next_at[key] += period * (1 + late // period)
        event = envelope(
            source="aws.events",
            detail_type="Scheduled Event",
            detail={},
            account=rule.account_id,
            region=rule.region_name,
            resources=[rule.arn],
        )
        self._delivery.hand_over(rule, event)

    def close(self) -> None:
        """Stop firing."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()


def _scheduled_rules() -> Iterator[Rule]:
    for regions in list(events_backends.values()):
        for backend in list(regions.values()):
            for rule in list(backend.event_buses[DEFAULT_BUS].rules.values()):
                if rule.state == "ENABLED" and _RATE.fullmatch(rule.scheduled_expression or ""):
                    yield rule
