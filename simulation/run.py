"""One run of one scenario: what the injector was asked, and which invariants do not hold."""

import contextlib
import io
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.observability import logger
from simulation.fingerprint import fingerprint
from simulation.history import Said, Violation
from simulation.injector import FaultInjector, Question, Schedule, format_run
from simulation.recorder import InjectedFault, InvariantViolation
from simulation.scene import Scenario
from simulation.simulation import Simulation


@dataclass
class Run:
    """What came of a run.

    `boundaries` are pairs: how many questions had been asked, and what the simulation was then.
    """

    scene: str
    schedule: Schedule
    asked: list[Question]
    boundaries: list[tuple[int, int]] = field(default_factory=list)
    broken: list[Violation] = field(default_factory=list)
    storm: bool = False  # any end was an end
    cut: bool = False  # ended where another run had gone on from
    seconds: float = 0  # from the beginning of the story until everything had come to rest
    simulation: Simulation | None = None

    @property
    def line(self) -> str:
        """The line that replays it."""
        return format_run(self.scene, self.schedule, storm=self.storm)


class _Sink(io.TextIOBase):
    """Where log lines and metrics go: into the history of the simulation that runs."""

    simulation: Simulation | None = None

    def write(self, text: str) -> int:
        if self.simulation is not None and text.strip():
            self.simulation.recorder.see(Said(self.simulation.stage.clock.now(), "log", text))
        return len(text)


_SINK = _Sink()


@contextlib.contextmanager
def heard(simulation: Simulation | None, level: str) -> Iterator[None]:
    """Let what functions log be part of the world's history; without one it is dropped."""
    handler: Any = logger.registered_handler
    before, level_before, stream = _SINK.simulation, logger.log_level, handler.stream
    handler.setStream(_SINK)
    logger.setLevel(level)
    model = logging.getLogger("localaws")  # says what the injected faults did to its data
    was_disabled, model.disabled = model.disabled, True
    _SINK.simulation = simulation
    try:
        with contextlib.redirect_stdout(_SINK):
            yield
    finally:
        model.disabled = was_disabled
        _SINK.simulation = before
        logger.setLevel(level_before)
        handler.setStream(stream)


class SeenBeforeError(BaseException):
    """The simulation is as another run had it, which went on from there to a good end."""


def play(
    scene: Scenario,
    injector: FaultInjector,
    *,
    watch: bool = False,
    level: str = "ERROR",
    keep: bool = False,
    seen: Collection[int] = (),
    since: int = 0,
    any_end: bool = False,
    checked: bool = True,
) -> Run:
    """Play a scene to its rest.

    `watch` takes the world's fingerprint between invocations, `keep` keeps the simulation. A run
    ends where its fingerprint is one of `seen`, once more than `since` questions were asked. Under
    many faults `any_end` is an end. Calls of RDS that are not `checked` are not held against
    botocore's model.
    """
    run = Run(scene.name, (), injector.asked, storm=any_end)
    with heard(None, "ERROR"):  # functions run in what came before the story, too
        simulation = scene.simulation(injector)
    simulation.stage.checked = checked

    def note() -> None:
        run.boundaries.append((len(injector.asked), fingerprint(simulation)))
        if seen and since < len(injector.asked) and run.boundaries[-1][1] in seen:
            raise SeenBeforeError

    if watch or seen:
        simulation.functions.at_boundary = note
    began = simulation.stage.clock.now()
    with heard(simulation, level):
        try:
            scene.play(simulation)
            simulation.rest()
            run.broken = [] if any_end else _wrong_ends(scene, simulation)
        except InvariantViolation as error:
            run.broken = error.violations
        except SeenBeforeError:
            run.cut = True
    run.schedule = injector.schedule
    run.seconds = (simulation.stage.clock.now() - began).total_seconds()
    run.simulation = simulation if keep else None
    return run


def _wrong_ends(scene: Scenario, simulation: Simulation) -> list[Violation]:
    late = (
        scene.ends_late
        if any(isinstance(entry, InjectedFault) for entry in simulation.recorder.entries)
        else frozenset()
    )
    fine = [ends | late for ends in scene.ends]
    ended = list(simulation.begun.items())  # in the order of creation
    wrong = {
        operation_id: state
        for number, (operation_id, state) in enumerate(ended)
        if state not in fine[min(number, len(fine) - 1)]
    }
    broken = [
        Violation("ends-well", f"{operation_id} ended {state}: {_reason(simulation, operation_id)}")
        for operation_id, state in wrong.items()
    ]
    allowed = scene.retirements | late
    wrong = {name: simulation.states[name] for name in simulation.retirements}
    broken += [
        Violation("ends-well", f"{operation_id} ended {state}: {_reason(simulation, operation_id)}")
        for operation_id, state in sorted(wrong.items())
        if state not in allowed
    ]
    if len(simulation.begun) > scene.operations:
        broken.append(
            Violation(
                "ends-well", f"{len(simulation.begun)} operations began, not {scene.operations}."
            )
        )
    return broken


def _reason(simulation: Simulation, operation_id: str) -> str:
    return str(
        simulation.stage.store.tables["state"][operation_id].get("reason", "without a reason")
    )
