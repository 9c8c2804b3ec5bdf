"""One night on which nothing goes wrong: what was called in it and which events were delivered, to choose from."""

from functools import cache

from tests.choreography.accidents import Call
from tests.choreography.night import Night, name_of


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
    """List every call of a function, each once for each state of the operation."""
    return list(dict.fromkeys(call for call in rehearsed().made if call.step != "heartbeat" or call.state))
