"""The longest time that production's passwords could open the copy.

A new cluster has no instance, so nothing answers there. An instance that is `creating` is
inaccessible (user guide, DB instance status), so the time counts from the last look that showed the
writer `creating`. It ends when the logins are closed. The true time is never longer.
"""

from dataclasses import replace
from datetime import datetime

from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.text_limits import counted

MINUTE_SECONDS = 60


def not_before(operation: Operation, moment: datetime) -> Facts:
    """Note that nobody could log in until `moment`, where this operation made the cluster.

    A cluster that an earlier run of the chain made may have been open since then, whatever became
    of its instances.
    """
    facts = operation.facts
    if facts.users.exposed_from is None or facts.users.exposed_from < operation.created_at:
        return facts
    return replace(
        facts, users=replace(facts.users, exposed_from=max(facts.users.exposed_from, moment))
    )


def ended(facts: Facts, now: datetime) -> Facts:
    """Note when production's logins were closed for the first time; later closings add no time."""
    known = facts.users.exposed_until or facts.users.production_logins_closed
    return facts if known else replace(facts, users=replace(facts.users, exposed_until=now))


def seconds_max(facts: Facts) -> float | None:
    """Give the longest time, in seconds; None where it has not ended, or is not recorded."""
    if facts.users.exposed_from is None or facts.users.exposed_until is None:
        return None
    return round((facts.users.exposed_until - facts.users.exposed_from).total_seconds(), 3)


def sentence(facts: Facts) -> str:
    """Give the time as a part of a sentence; empty where it is not known."""
    seconds = seconds_max(facts)
    if seconds is None:
        return ""
    kept = facts.users.logins_kept
    passwords = "the other passwords of production" if kept else "production's passwords"
    return f"{passwords} worked on the copy for at most {_describe(seconds)}"


def _describe(seconds: float) -> str:
    minutes, rest = divmod(int(-(-seconds // 1)), MINUTE_SECONDS)
    parts = [counted(minutes, "minute")] if minutes else []
    return " ".join([*parts, counted(rest, "second")] if rest or not parts else parts)
