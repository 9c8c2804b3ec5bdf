"""Every call that a function makes on a good night: interrupted, unanswered, throttled, or overtaken by a duplicate."""

import pytest

from chalicelib.choreography import State
from tests.choreography.accidents import Call, CrashError, raised, refused
from tests.choreography.night import Night
from tests.choreography.rehearsal import calls

every_call = pytest.mark.parametrize("call", calls(), ids=str)


def hurt(night: Night, call: Call, happens: object, *, after_effect: bool = False, times: int = 1) -> None:
    """Let something happen at one call."""
    night.hurt(
        happens,  # type: ignore[arg-type]
        step=call.step, state=call.state, call=f"{call.service}.{call.method}", after_effect=after_effect, times=times,
    )  # fmt: skip


@every_call
def test_a_function_that_dies_before_a_call_costs_time_only(night: Night, call: Call) -> None:
    """The lease runs out, the heartbeat announces again, and the night ends as it would have."""
    hurt(night, call, raised(CrashError()))

    assert (State.SUCCEEDED, 1, []) == (night.dream().state, night.crashes, night.broken_promises())


@every_call
def test_a_function_that_dies_after_a_call_costs_time_only(night: Night, call: Call) -> None:
    """What was begun is found again and adopted."""
    hurt(night, call, raised(CrashError()), after_effect=True)

    assert (State.SUCCEEDED, 1, []) == (night.dream().state, night.crashes, night.broken_promises())


@every_call
def test_a_throttled_call_costs_time_only(night: Night, call: Call) -> None:
    """It is tried again with backoff."""
    hurt(night, call, refused("Throttling"), times=2)

    assert (State.SUCCEEDED, []) == (night.dream().state, night.broken_promises())


@every_call
def test_a_call_that_was_obeyed_and_answered_with_an_error_costs_time_only(night: Night, call: Call) -> None:
    """An answer that is lost does not make the call undone."""
    hurt(night, call, refused("InternalFailure", 500), after_effect=True)

    assert (State.SUCCEEDED, []) == (night.dream().state, night.broken_promises())


@every_call
def test_a_duplicate_in_the_middle_of_a_call_changes_nothing(night: Night, call: Call) -> None:
    """While one invocation acts, the other finds the lease taken."""
    hurt(night, call, lambda: night.invoke(night.running, night.delivered[-1]) if night.running != "heartbeat" else night.beat())

    assert (State.SUCCEEDED, []) == (night.dream().state, night.broken_promises())
