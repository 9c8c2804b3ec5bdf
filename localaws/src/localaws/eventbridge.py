"""EventBridge's API: moto's rules and targets, checked as AWS checks them.

Delivery is another thread's (`delivery.py`), so `PutEvents` returns at once and never fails because
of a target.
"""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from moto.core.exceptions import JsonRESTError
from moto.events.responses import EventsHandler

from localaws import patterns
from localaws.delivery import DEFAULT_BUS, Delivery
from localaws.documents import strict_json
from localaws.event_envelope import envelope
from localaws.refusals import NotModelledError
from localaws.schedules import Schedules, period_seconds
from localaws.targets import RefusedTargetError, check_target

# Of one PutEvents call, of one rule, and so on: EventBridge's quotas and API reference.
ENTRIES_MAX: Final = 10
REQUEST_BYTES_MAX: Final = 256 * 1024
TIME_BYTES: Final = 14
DETAIL_TYPE_CHARACTERS_MAX: Final = 128
TARGETS_PER_RULE_MAX: Final = 5
EVENT_FIELDS: Final = frozenset({"id", "account", "source", "time", "region", "detail-type"})

Entry = dict[str, Any]


class EventBridge(EventsHandler):
    """The API of EventBridge. The server fills in `delivery` and `schedules`."""

    delivery: ClassVar[Delivery]
    schedules: ClassVar[Schedules]

    def put_rule(self) -> tuple[str, dict[str, Any]]:
        """Check the pattern and the schedule as PutRule does, then keep the rule."""
        pattern, schedule = self._get_param("EventPattern"), self._get_param("ScheduleExpression")
        if pattern:
            _check_pattern(pattern)
        if schedule:
            period_seconds(schedule)
        answer = super().put_rule()
        self.schedules.look_again()
        return answer

    def enable_rule(self) -> tuple[str, dict[str, Any]]:
        """Enable a rule; a schedule counts from now."""
        answer = super().enable_rule()
        self.schedules.look_again()
        return answer

    def put_targets(self) -> tuple[str, dict[str, Any]]:
        """Refuse targets that would not be delivered to, then keep the others' whole list."""
        targets: list[Entry] = self._get_param("Targets")
        if len(targets) > TARGETS_PER_RULE_MAX:
            raise JsonRESTError(
                "LimitExceededException", f"A rule has at most {TARGETS_PER_RULE_MAX} targets."
            )
        for target in targets:
            try:
                check_target(target, region=self.region)
            except RefusedTargetError as error:
                raise JsonRESTError("ValidationException", str(error)) from error
        return super().put_targets()

    def test_event_pattern(self) -> str:  # type: ignore[override]  # moto's answers nothing
        """Tell whether an event matches a pattern."""
        event = _event_to_test(self._get_param("Event") or "")
        pattern = _check_pattern(self._get_param("EventPattern"))
        return json.dumps({"Result": patterns.matches(event, pattern)})

    def put_events(self) -> str:
        """Accept entries one by one; a wrong one is reported in its place and stops no other."""
        entries: list[Entry] = self._get_param("Entries") or []
        if not 1 <= len(entries) <= ENTRIES_MAX:
            raise JsonRESTError(
                "ValidationException",
                f"PutEvents takes 1 to {ENTRIES_MAX} entries, not {len(entries)}.",
            )
        if self._get_param("EndpointId"):
            raise NotModelledError("localaws does not model EndpointId of PutEvents. Leave it out.")
        # Unlike a wrong entry, a request that is too large is refused whole.
        if sum(map(_size, entries)) > REQUEST_BYTES_MAX:
            raise JsonRESTError(
                "ValidationException", "Total size of the entries in the request is over the limit."
            )
        results = [self._accept(entry) for entry in entries]
        failed = sum("ErrorCode" in result for result in results)
        return json.dumps({"FailedEntryCount": failed, "Entries": results})

    def _accept(self, entry: Entry) -> dict[str, str]:
        problem = _problem_of(entry)
        if problem:
            return {"ErrorCode": problem[0], "ErrorMessage": problem[1]}
        event = self._event_of(entry)
        bus = str(entry.get("EventBusName") or DEFAULT_BUS).rsplit("/", 1)[-1]
        self.delivery.publish(event, account=self._owner_of_bus(entry), region=self.region, bus=bus)
        return {"EventId": event["id"]}

    def _event_of(self, entry: Entry) -> Entry:
        time = entry.get("Time")
        return envelope(
            source=entry["Source"],
            detail_type=entry["DetailType"],
            detail=json.loads(entry["Detail"]),
            account=self.current_account,
            region=self.region,
            resources=list(entry.get("Resources") or []),
            time=None if time is None else datetime.fromtimestamp(float(time), UTC),
        )

    def _owner_of_bus(self, entry: Entry) -> str:
        """Give the account of the bus: another's, when the bus is named by its ARN."""
        bus = str(entry.get("EventBusName") or "")
        return bus.split(":")[4] if bus.startswith("arn:") else self.current_account


def _event_to_test(text: str) -> Entry:
    """Read the event of TestEventPattern. Its documentation demands `resources` too.

    The real API does not.
    """
    try:
        event = strict_json(text)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not event.keys() >= EVENT_FIELDS:
        raise JsonRESTError("ValidationException", "Parameter Event is not valid.")
    return event


def _check_pattern(pattern: str) -> dict[str, Any]:
    try:
        return patterns.parse(pattern)
    except patterns.InvalidPatternError as error:
        text = f"Event pattern is not valid. Reason: {error}"
        raise JsonRESTError("InvalidEventPatternException", text) from error


def _size(entry: Entry) -> int:
    """Count an entry's bytes as EventBridge does: its texts, and 14 for a time."""
    texts = [
        entry.get("Source"),
        entry.get("DetailType"),
        entry.get("Detail"),
        *(entry.get("Resources") or []),
    ]
    return sum(len(str(text).encode()) for text in texts if text) + (
        TIME_BYTES if "Time" in entry else 0
    )


def _problem_of(entry: Entry) -> tuple[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return (
                "InvalidArgument",
                f"Parameter {name} is not valid. Reason: {name} is a required argument.",
            )
    # Only AWS's own services may be such a source.
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    if len(entry["DetailType"]) > DETAIL_TYPE_CHARACTERS_MAX:
        return (
            "InvalidArgument",
            f"Parameter DetailType is longer than {DETAIL_TYPE_CHARACTERS_MAX} characters.",
        )
    return None if _is_object(entry["Detail"]) else ("MalformedDetail", "Detail is malformed.")


def _is_object(text: str) -> bool:
    try:
        return isinstance(strict_json(text), dict)
    except ValueError:
        return False
