"""Announces the replacement of a target some minutes ahead, so that people can cancel it."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.flow.choreography import RESTORE_ANNOUNCED
from chalicelib.flow.errors import TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.announcements import replacement_of
from chalicelib.messages.notifications import publish_announcement
from chalicelib.ports import Ports


def until_noticed(operation: Operation, ports: Ports) -> Wait | None:
    """Announce the replacement, then wait for NOTICE_MINUTES; None when it may take place.

    The time counts from when people were told. Raises what `notifications.publish` does, and
    TransientError where the bus does not take the event: nothing is replaced that nobody was told
    of.
    """
    facts, now = operation.facts, ports.now()
    if is_noticed(operation, now):
        return None
    at = (facts.swap.announced_at or now) + _notice(operation)
    if facts.swap.announced_at is None:
        _announce(operation, iso_timestamp(at), ports)
        facts = replace(facts, swap=replace(facts.swap, announced_at=now))
    reason = f"The target will be replaced at {iso_timestamp(at)}, as was announced."
    return Wait(reason, (at - now).total_seconds(), facts)


def _announce(operation: Operation, at: str, ports: Ports) -> None:
    """Tell programs and people; repeated whole until both have taken it."""
    if not all(ports.put_events([(RESTORE_ANNOUNCED, replacement_of(operation, at))])):
        raise TransientError("EventBridge did not take the announcement of the replacement.")
    publish_announcement(operation, at, ports)


def is_noticed(operation: Operation, now: datetime) -> bool:
    """Tell whether NOTICE_MINUTES have passed since the announcement, or are not to be waited."""
    notice, announced_at = _notice(operation), operation.facts.swap.announced_at
    return not notice or (announced_at is not None and now >= announced_at + notice)


def _notice(operation: Operation) -> timedelta:
    return timedelta(minutes=operation.plan.schedule.notice_minutes)
