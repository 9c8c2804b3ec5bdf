"""A scene: what stands there, what happens besides faults, and the ends that are right for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chalicelib.flow.choreography import ROWS, State
from simulation import actions
from simulation.injector import FINE, FaultChooser, FaultInjector
from simulation.simulation import Simulation

GOOD = frozenset({State.SUCCEEDED})
FAILS = frozenset({State.FAILED})
STOPS = frozenset({State.CANCELLED})
Story = Callable[[Simulation], None]
Incident = Callable[[Simulation, str], None]


@dataclass(frozen=True)
class Scenario:
    """One story.

    `ends` are the states in which its operations may end, one by one in the order of their
    creation, the last for all that follow; `ends_late` those that a fault may lead to, as when it
    holds a cancel back until there is nothing left to cancel; `operations` how many of them there
    are, and `least` how many there have to be. `retirements` are the ends of those that delete a
    previous target, which are not counted. Single faults are searched for in the states that are
    `searched`, where any are named, and of those `every` second, third and so on is played.
    """

    name: str
    play: Story
    ends: tuple[frozenset[State], ...] = (GOOD,)
    ends_late: frozenset[State] = frozenset()
    operations: int = 1
    least: int | None = None
    retirements: frozenset[State] = frozenset({State.RETIRED})
    environment: Mapping[str, str] = field(default_factory=dict)
    searched: frozenset[State] = frozenset()
    every: int = 1
    furnish: Story = actions.our_target  # what stands there before: commonly an old target of ours
    pace: float = 10
    lambda_seconds: float = 60

    def simulation(self, injector: FaultChooser) -> Simulation:
        """Make the stage as it is before the story begins; nothing goes wrong so far."""
        quiet = FaultInjector(lambda _number, _options, _site: FINE)
        simulation = Simulation(
            quiet, environment=self.environment, pace=self.pace, lambda_seconds=self.lambda_seconds
        )
        self.furnish(simulation)
        simulation.functions.tick()
        simulation.functions.ticks = (
            0  # the story's first tick is a cold start's again, which looks after the plans
        )
        simulation.stage.clock.advance(60)
        simulation.injector, simulation.expected = injector, self.least or self.operations
        return simulation


def too_late(state: State, ends: tuple[frozenset[State], ...]) -> bool:
    """Tell whether a story needs a cancellation in a state that has none any more."""
    return STOPS in ends and ROWS[state].on_cancel is None


def night(simulation: Simulation) -> None:
    """Let night fall."""
    simulation.stage.night()


def at(state: State, then: Incident) -> Story:
    """Let night fall, and something happen when the operation has come to a state."""

    def play(simulation: Simulation) -> None:
        simulation.stage.night()
        if operation_id := simulation.until(state):
            then(simulation, operation_id)
        else:
            simulation.expected = 1  # faults led it another way

    return play
