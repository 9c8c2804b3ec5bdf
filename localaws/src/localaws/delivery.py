"""EventBridge's delivery: from a bus, through its rules, to their targets, in a thread of its own.

moto delivers inside the request, to Lambda not at all, and forwards to another bus as a new event.
Here an event keeps its id, time, account, region and source wherever it is forwarded to, and is
forwarded once at most, as EventBridge does.
"""

import json
import logging
import queue
import threading
from dataclasses import dataclass
from typing import Any, Final

from moto.events.models import Rule, events_backends

from localaws import patterns
from localaws.functions import Functions
from localaws.logs import Logs
from localaws.targets import Event, TargetArn, Targets, UndeliverableError, to_queue

DEFAULT_BUS: Final = "default"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Arrival:
    """An event on a bus. `forwarded` says that it came from another bus and goes to no third."""

    event: Event
    account: str
    region: str
    bus: str
    forwarded: bool


@dataclass(frozen=True)
class _Firing:
    """A scheduled rule that fired."""

    rule: Rule
    event: Event


class Delivery:
    """The buses of all accounts and regions."""

    def __init__(self, functions: Functions, logs: Logs) -> None:
        self._arrivals: queue.SimpleQueue[_Arrival | _Firing | None] = queue.SimpleQueue()
        self._targets = Targets(functions, logs, self._forward)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="localaws-delivery", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def publish(self, event: Event, *, account: str, region: str, bus: str = DEFAULT_BUS) -> None:
        """Accept an event (the whole envelope) on a bus.

        It is delivered later, in order of arrival.
        """
        self._arrivals.put(_Arrival(event, account, region, bus, forwarded=False))

    def hand_over(self, rule: Rule, event: Event) -> None:
        """Hand an event to the targets of one rule, whatever its pattern says: a schedule fired."""
        self._arrivals.put(_Firing(rule, event))

    def _forward(self, event: Event, account: str, region: str) -> None:
        # The very event: moto would give it another id, time and account.
        self._arrivals.put(_Arrival(event, account, region, DEFAULT_BUS, forwarded=True))

    def _run(self) -> None:
        """Deliver one after the other.

        No event ends this thread: nothing would be delivered after it.
        """
        while (arrival := self._arrivals.get()) is not None and not self._closed:
            try:
                self._take(arrival)
            except Exception:  # noqa: BLE001  (whatever it is, the next event is to be delivered)
                _log.exception("Event %s is lost.", arrival.event["id"])

    def _take(self, arrival: _Arrival | _Firing) -> None:
        if isinstance(arrival, _Arrival):
            self._match(arrival)
        else:
            self._hand_over(arrival.rule, arrival.event, forwarded=False)

    def _match(self, arrival: _Arrival) -> None:
        bus = events_backends[arrival.account][arrival.region].event_buses.get(arrival.bus)
        if bus is None:  # AWS drops an event for a bus that is not there, too
            return
        for rule in list(bus.rules.values()):
            raw = rule.event_pattern.dump()
            if rule.state == "ENABLED" and raw and self._fits(rule, raw, arrival.event):
                self._hand_over(rule, arrival.event, forwarded=arrival.forwarded)

    @staticmethod
    def _fits(rule: Rule, raw: str, event: Event) -> bool:
        try:
            return patterns.matches(event, patterns.parse(raw))
        except patterns.InvalidPatternError:
            _log.exception("The pattern of rule %s is not valid; it matches nothing.", rule.arn)
            return False

    def _hand_over(self, rule: Rule, event: Event, *, forwarded: bool) -> None:
        for target in list(rule.targets):
            # AWS forwards an event once, not through a chain of buses (EventBridge user guide).
            if forwarded and TargetArn.of_arn(target["Arn"]).is_bus:
                _log.warning(
                    "Event %s came from another bus and is not forwarded to a third.", event["id"]
                )
                continue
            try:
                self._targets.deliver(target, event, source_arn=rule.arn)
            except UndeliverableError as error:
                self._give_up(target, event, str(error), rule.arn)

    @staticmethod
    def _give_up(target: dict[str, Any], event: Event, reason: str, rule_arn: str) -> None:
        """Send the event to the target's dead-letter queue.

        AWS does not retry a missing target either.
        """
        _log.error("Event %s (%s) is not delivered: %s", event["id"], event["detail-type"], reason)
        letters = target.get("DeadLetterConfig", {}).get("Arn")
        if letters:
            why = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], "ERROR_MESSAGE": reason}
            try:
                to_queue(
                    TargetArn.of_arn(letters), json.dumps(event), rule_arn=rule_arn, attributes=why
                )
            except UndeliverableError as error:
                _log.error("Event %s is lost: %s", event["id"], error)

    def close(self) -> None:
        """Stop after the event in hand; those behind it are lost with the buses."""
        self._closed = True
        self._arrivals.put(None)
        if self._thread.is_alive():
            self._thread.join()
