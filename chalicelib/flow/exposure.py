"""How long production's passwords could open the copy: at most, by what Aurora showed, never less than it was.

A new cluster has no instance, so nothing answers there. An instance that is `creating` is
inaccessible (user guide, DB instance status): the time counts from the last look that showed the
writer so. It ends when the logins are closed.
"""

from dataclasses import replace
from datetime import datetime

from chalicelib.flow.facts import Facts
from chalicelib.flow.limits import counted
from chalicelib.flow.operation import Operation

MINUTE_SECONDS = 60


def not_before(operation: Operation, moment: datetime) -> Facts:
    """Note that nobody could enter until `moment`, where the cluster was made by this very operation.

    What an earlier run of the chain made may have been open since then, whatever became of its
    instances.
    """
    facts = operation.facts
    if facts.users.exposed_from is None or facts.users.exposed_from < operation.created_at:
        return facts
    return replace(
        facts, users=replace(facts.users, exposed_from=max(facts.users.exposed_from, moment))
    )


def ended(facts: Facts, now: datetime) -> Facts:
    """Note when production's logins were closed for the first time: what is closed again was not open again."""
    known = facts.users.exposed_until or facts.users.production_logins_closed
    return facts if known else replace(facts, users=replace(facts.users, exposed_until=now))


def seconds_max(facts: Facts) -> float | None:
    """Give the longest time, in seconds.

    None where it has not ended, or where records do not tell.
    """
    if facts.users.exposed_from is None or facts.users.exposed_until is None:
        return None
    return round((facts.users.exposed_until - facts.users.exposed_from).total_seconds(), 3)


def sentence(facts: Facts) -> str:
    """Say it as a part of a sentence; empty where it is not known."""
    seconds = seconds_max(facts)
    if seconds is None:
        return ""
    whose = (
        "the other passwords of production" if facts.users.logins_kept else "production's passwords"
    )
    return f"{whose} could open the copy for at most {_spelt(seconds)}"


def _spelt(seconds: float) -> str:
    minutes, rest = divmod(int(-(-seconds // 1)), MINUTE_SECONDS)
    parts = [counted(minutes, "minute")] if minutes else []
    return " ".join([*parts, counted(rest, "second")] if rest or not parts else parts)
