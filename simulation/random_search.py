"""Random search: seeds, and Hypothesis, which shrinks what fails to the fewest faults."""

from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation.explore import Tally, parallel
from simulation.injector import seeded, spaced
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS

RATES = (
    0.005,
    0.02,
    0.05,
    0.15,
)  # of questions that are answered with a fault: from one in a night to a storm
GAP_MAX, FAULTS_MAX = 250, 6


def of_seed(seed: int) -> Run:
    """Play one seed: it chooses the scene, the rate, and every fault.

    Under so many faults any end is an end.
    """
    random = Random(seed)  # noqa: S311 # dice, not secrets
    scene, rate = random.choice(sorted(SCENARIOS)), random.choice(RATES)
    return play(SCENARIOS[scene], seeded(seed, rate), any_end=True, level="INFO")


def seeds(first: int, count: int, *, progress: Callable[[str], None]) -> Tally:
    """Play many seeds; what functions log is searched for secrets, too."""
    tally = Tally(f"seeds {first} to {first + count - 1}")
    for run in parallel(_light, range(first, first + count), progress=progress, kind=tally.kind):
        tally.add(run)
    return tally


def _light(seed: int) -> Run:
    run = of_seed(seed)
    run.asked = []  # questions are many, and nobody at home asks for them
    return run


def shrunk(examples: int) -> Tally:
    """Let Hypothesis choose scene and faults, and shrink what fails.

    The smallest that fails is the one counted.
    """
    tally = Tally(f"Hypothesis, {examples} examples")
    failed: list[Run] = []
    gaps = st.lists(st.tuples(st.integers(0, GAP_MAX), st.integers(0, 9)), max_size=FAULTS_MAX)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(scene=st.sampled_from(sorted(SCENARIOS)), gaps=gaps)
    def judged(scene: str, gaps: list[tuple[int, int]]) -> None:
        run = play(SCENARIOS[scene], spaced(gaps), any_end=True)
        if run.broken:
            failed.append(run)
            raise AssertionError(run.line)
        tally.add(run)

    try:
        judged()
    except AssertionError:  # Hypothesis ends with the smallest example that fails
        tally.add(failed[-1])
    return tally
