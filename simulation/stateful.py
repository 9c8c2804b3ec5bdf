"""Weeks in the life of a stage, by Hypothesis.

People, nights, bursts and faults in any order, judged at every step.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chalicelib.flow.choreography import STEPS, TERMINAL
from simulation import actions, scenarios
from simulation.explore import Tally
from simulation.injector import FINE, CallSite, FaultInjector
from simulation.recorder import InjectedFault, InvariantViolation
from simulation.run import heard

A_LIFE = "a life"
STEPS_MAX = 25  # of one life
TALLY = Tally("")


class Life(RuleBasedStateMachine):
    """One stage, to which anything happens that can happen to one."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[int, int]] = []
        self._told: list[str] = []
        self.simulation = scenarios.SCENARIOS["night"].simulation(FaultInjector(self._answer))
        self.simulation.expected = 0

    def _answer(self, _number: int, options: Sequence[str], _site: CallSite) -> str:
        if not self._waiting or len(options) == 1:
            return FINE
        after, pick = self._waiting[0]
        self._waiting[0] = (after - 1, pick)
        return FINE if after else options[1 + self._waiting.pop(0)[1] % (len(options) - 1)]

    def _live(self, what: str, then: Callable[[], Any]) -> None:
        """Let something happen; a broken promise fails the example with the life so far."""
        self._told.append(what)
        with heard(self.simulation, "ERROR"):
            try:
                then()
            except InvariantViolation as error:
                raise AssertionError(
                    "\n".join([*self._told, *map(str, error.violations)])
                ) from error

    @rule()
    def night_falls(self) -> None:
        """Aurora takes its snapshot, whose name has the minute in it.

        There is one a minute at most.
        """
        self._live("a minute passes", lambda: self.simulation.run(61))
        self._live("night falls", self.simulation.stage.night)

    @rule(minutes=st.sampled_from([1, 3, 10, 60]))
    def time_passes(self, minutes: int) -> None:
        """Let some minutes pass."""
        self._live(f"{minutes} minutes pass", lambda: self.simulation.run(minutes * 60))

    @rule(after=st.integers(0, 120), pick=st.integers(0, 9))
    def a_fault_waits(self, after: int, pick: int) -> None:
        """One of the next questions is answered with a fault."""
        self._waiting.append((after, pick))
        self._told.append(f"after {after} more questions fault {pick}")

    @precondition(lambda self: self.simulation.open)
    @rule(
        incident=st.sampled_from(
            ["cancel", "settings", "newer", "older", "silence", "throttling", "no_heartbeat"]
        )
    )
    def something_happens(self, incident: str) -> None:
        """To an operation that is open."""
        operation_id = min(self.simulation.open)
        self._live(
            f"{incident} {operation_id}",
            lambda: getattr(actions, incident)(self.simulation, operation_id),
        )

    @precondition(lambda self: any(state in TERMINAL for state in self.simulation.states.values()))
    @rule(step=st.sampled_from([None, *STEPS]))
    def somebody_asks_again(self, step: str | None) -> None:
        """For what ended last, perhaps from a step."""
        ended = [
            operation_id
            for operation_id, state in self.simulation.states.items()
            if state in TERMINAL
        ]
        how = {"from_step": step} if step else {}
        self._live(
            f"again {ended[-1]} {step}",
            lambda: self.simulation.bus.put("RestoreRequested", rerun_of=ended[-1], **how),
        )

    @rule()
    def somebody_asks(self) -> None:
        """For the newest snapshot."""
        self._live("somebody asks", lambda: self.simulation.bus.put("RestoreRequested"))

    def teardown(self) -> None:
        """Faults stop, and everything comes to its end."""
        self._waiting.clear()
        self._live("the end", self.simulation.rest)
        TALLY.schedules += 1
        TALLY.injected += sum(
            isinstance(entry, InjectedFault) for entry in self.simulation.recorder.entries
        )


def lives(examples: int) -> Tally:
    """Live many lives.

    Hypothesis shrinks one that goes wrong to the fewest things that happen in it.
    """
    TALLY.__dict__.update(Tally(f"lives of a stage, up to {STEPS_MAX} happenings each").__dict__)
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Life, settings=how)
    except AssertionError as error:
        TALLY.broken.append((A_LIFE, str(error).splitlines()))
    return TALLY
