"""One night on which nothing goes wrong: what was called in it, to choose from."""

from functools import cache

from tests.choreography.fault_injection import FunctionCall
from tests.choreography.run_night import FaultyStage


@cache
def rehearsed() -> FaultyStage:
    """Run it once."""
    stage = FaultyStage()
    stage.run_night()
    return stage


def calls() -> list[FunctionCall]:
    """List every call of a function while an operation was open, each once for each state of it."""
    return list(
        dict.fromkeys(
            call for call in rehearsed().made if call.state or call.step == "snapshot-check"
        )
    )


def of_steps() -> list[FunctionCall]:
    """List the calls that steps make of their own: without announcements, the router and the
    heartbeat.
    """
    return [
        call
        for call in calls()
        if call.service not in ("events", "ssm") and call.state and call.step != "heartbeat"
    ]
