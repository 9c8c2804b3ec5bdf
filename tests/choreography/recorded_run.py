"""One night on which nothing goes wrong: what was called in it and which events were delivered, to
choose from.
"""

from functools import cache
from itertools import pairwise

from tests.choreography.fault_injection import Call
from tests.choreography.run_night import Night, name_of

READS = ("describe_", "get_", "prove_", "verify_")


@cache
def rehearsed() -> Night:
    """Run it once."""
    night = Night()
    night.dream()
    return night


def events() -> list[str]:
    """Name every event that was delivered, in order, each once."""
    return list(dict.fromkeys(map(name_of, rehearsed().delivered)))


def calls() -> list[Call]:
    """List every call of a function while an operation was open, each once for each state of it."""
    return list(
        dict.fromkeys(
            call for call in rehearsed().made if call.state or call.step == "snapshot-check"
        )
    )


def first_calls() -> list[Call]:
    """List those that begin something: a function's first in a state, but for announcements, which
    are events.
    """
    made = [call for call in rehearsed().made if call in calls()]
    begins = [
        after
        for before, after in pairwise(made)
        if (before.step, before.state) != (after.step, after.state) and after not in announcements()
    ]
    return list(dict.fromkeys([made[0], *begins]))


def effects() -> list[Call]:
    """List the calls of steps that change something."""
    return [call for call in of_steps() if not call.method.startswith(READS)]


def announcements() -> list[Call]:
    """List the calls by which steps put events."""
    return [call for call in calls() if call.service == "events" and call.step != "heartbeat"]


def looks() -> list[Call]:
    """List the first call of each step in each state."""
    return [
        next(call for call in of_steps() if call.state == state)
        for state in dict.fromkeys(_states())
    ]


def _states() -> list[str]:
    return [call.state for call in of_steps()]


def of_steps() -> list[Call]:
    """List the calls that steps make of their own: without announcements, the door and the
    heartbeat.
    """
    return [
        call
        for call in calls()
        if call.service not in ("events", "ssm") and call.state and call.step != "heartbeat"
    ]
