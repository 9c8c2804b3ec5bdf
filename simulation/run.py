"""Plays one scene with one oracle: what was asked, what broke, and the state of the world between invocations."""

import contextlib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.observability import logger
from simulation.fingerprint import fingerprint
from simulation.history import Said, Violation
from simulation.injector import Asked, Asking, Schedule, spelt
from simulation.scenarios import Scene
from simulation.watched_stage import BrokenError, Struck
from simulation.world import World


@dataclass
class Run:
    """What came of a run.

    `boundaries` are pairs: how many questions had been asked, and what the world was then.
    """

    scene: str
    schedule: Schedule
    asked: list[Asked]
    boundaries: list[tuple[int, int]] = field(default_factory=list)
    broken: list[Violation] = field(default_factory=list)
    storm: bool = False  # any end was an end
    cut: bool = False  # ended where another run had gone on from
    seconds: float = 0  # from the beginning of the story until everything had come to rest
    world: World | None = None

    @property
    def line(self) -> str:
        """The line that replays it."""
        return spelt(self.scene, self.schedule, storm=self.storm)


class _Sink(io.TextIOBase):
    """Where log lines and metrics go: into the history of the world that runs."""

    world: World | None = None

    def write(self, text: str) -> int:
        if self.world is not None and text.strip():
            self.world.see(Said(self.world.clock.now(), "log", text))
        return len(text)


_SINK = _Sink()


@contextlib.contextmanager
def heard(world: World, level: str) -> Iterator[None]:
    """Let what functions log be part of the world's history."""
    handler: Any = logger.registered_handler
    before, level_before, stream = _SINK.world, logger.log_level, handler.stream
    handler.setStream(_SINK)
    logger.setLevel(level)
    _SINK.world = world
    try:
        with contextlib.redirect_stdout(_SINK):
            yield
    finally:
        _SINK.world = before
        logger.setLevel(level_before)
        handler.setStream(stream)


class SeenBeforeError(BaseException):
    """The world is as another run had it, which went on from there to a good end."""


def play(
    scene: Scene,
    oracle: Asking,
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

    `watch` takes the world's fingerprint between invocations, `keep` keeps the world. A run ends
    where its fingerprint is one of `seen`, once more than `since` questions were asked. Under many
    faults `any_end` is an end. Calls of RDS that are not `checked` are not held against botocore's
    model.
    """
    run = Run(scene.name, (), oracle.asked, storm=any_end)
    with contextlib.redirect_stdout(_SINK):
        world = scene.world(oracle)
    world.checked = checked

    def note() -> None:
        run.boundaries.append((len(oracle.asked), fingerprint(world)))
        if seen and since < len(oracle.asked) and run.boundaries[-1][1] in seen:
            raise SeenBeforeError

    if watch or seen:
        world.at_boundary = note
    began = world.clock.now()
    with heard(world, level):
        try:
            scene.play(world)
            world.rest()
            run.broken = [] if any_end else _wrong_ends(scene, world)
        except BrokenError as error:
            run.broken = error.violations
        except SeenBeforeError:
            run.cut = True
    run.schedule, run.seconds = oracle.schedule, (world.clock.now() - began).total_seconds()
    run.world = world if keep else None
    return run


def _wrong_ends(scene: Scene, world: World) -> list[Violation]:
    late = scene.ends_late if any(isinstance(one, Struck) for one in world.entries) else frozenset()
    fine = [ends | late for ends in scene.ends]
    ended = list(world.states.items())  # in the order of creation
    wrong = {
        one: state
        for number, (one, state) in enumerate(ended)
        if state not in fine[min(number, len(fine) - 1)]
    }
    broken = [
        Violation("ends-well", f"{one} ended {state}: {_reason(world, one)}")
        for one, state in wrong.items()
    ]
    if len(world.states) > scene.operations:
        broken.append(
            Violation("ends-well", f"{len(world.states)} operations began, not {scene.operations}.")
        )
    return broken


def _reason(world: World, operation_id: str) -> str:
    return str(world.store.tables["state"][operation_id].get("reason", "without a reason"))
