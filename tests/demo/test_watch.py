"""Reading a trail: every change of state once, with Aurora's time told apart from ours."""

from datetime import UTC, datetime

from demo.watch import Step, steps_of
from tests.demo import scene

NIGHT = datetime(2026, 11, 23, 2, 10, tzinfo=UTC)


def test_steps_show_auroras_time_and_ours() -> None:
    """The first step took Aurora's snapshot, the others what the record says; intents are no
    steps.
    """
    steps = steps_of(list(scene.trail()), scene.outcome().record, NIGHT)
    found = [
        Step(1.0, "ACCEPTED", "a-step", "something was done", 1.0, 0.0),
        Step(2.0, "COPYING", "a-step", "something was done", 0.0, 0.5),
        Step(3.0, "SUCCEEDED", "a-step", "something was done", 7.0, 1.5),
    ]

    assert steps == found
