"""Scenes with a sample of single faults, chosen by their number.

The classes of single faults are each kind of fault at each call, delivery and tick. Of these every
fourth is played, and of a night also the first of each kind and of each step. Continuous
integration plays every class; `make prove` plays every fault of a class and every pair.
"""

import os
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from simulation.explore import Exploration, Tally
from simulation.injector import CallSite, scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS
from simulation.scene import Scenario

EVERY = 1 if os.environ.get("CI") else 4
Fault = tuple[int, str]


class Explored(NamedTuple):
    """A scene with single faults: the runs, and by each run's line what it went through.

    `classes` has one fault of each class, whether it was played or not.
    """

    base: Run
    classes: list[Fault]
    runs: list[Run]
    paths: dict[str, list[str]]
    warnings: dict[str, list[str]]


def explored(scene: str, known: frozenset[str] = frozenset()) -> Explored:
    """Play a scene with a sample of the faults at calls and deliveries that are not `known`."""
    base = play(SCENARIOS[scene], scripted(()), watch=True, keep=True)
    faults = Exploration(scene).faults_after(base, Tally(""))
    classes = one_of_each_class(base, faults, known)
    found = Explored(base, classes, [], {}, {})
    for fault in classes[::EVERY] if known else sample(base, faults, classes):
        run = play(SCENARIOS[scene], scripted((fault,)), keep=True)
        found.runs.append(judged_by_time(run, base))
        found.paths[run.line], found.warnings[run.line] = path(run), warnings(run)
        run.simulation = None  # worlds are large, and there are hundreds of runs
    return found


def sample(base: Run, faults: list[Fault], classes: list[Fault]) -> list[Fault]:
    """Choose every fourth class, and the first fault of each kind and of each step."""
    firsts: dict[str, Fault] = {}
    for number, kind in faults:
        firsts.setdefault(kind, (number, kind))
        firsts.setdefault(base.asked[number].site.step, (number, kind))
    return sorted({*classes[::EVERY], *firsts.values()})


def one_of_each_class(base: Run, faults: list[Fault], known: frozenset[str]) -> list[Fault]:
    """Choose the first place of each fault at each method, whatever the state and the step."""
    chosen: dict[tuple[str, str], Fault] = {}
    for number, fault in faults:
        site = base.asked[number].site
        if str(site) not in known:
            chosen.setdefault((method(site), fault), (number, fault))
    return list(chosen.values())


def method(site: CallSite) -> str:
    """Name the call that a question is about, or whether it is the bus's or the clock's."""
    return site.what.split("/")[0] if site.turn else site.step


def path(run: Run) -> list[str]:
    """List the states that the first operation of a run went through."""
    assert run.simulation is not None
    rows = run.simulation.stage.trail(next(iter(run.simulation.states)))
    return [row["to_state"] for row in rows if "#intent" not in row["metric_id"]]


def warnings(run: Run) -> list[str]:
    """List the warnings of all operations of a run."""
    assert run.simulation is not None
    records = run.simulation.stage.store.tables["state"].values()
    return [warning for record in records for warning in record.get("warnings", ())]


def broken(runs: list[Run]) -> list[str]:
    """Tell which runs broke a promise: the line replays it (`make prove REPLAY=…`)."""
    return [f"{run.line}: {'; '.join(map(str, run.broken))}" for run in runs if run.broken]


def not_of_a_night(scene: str) -> list[Run]:
    """Play a scene with faults at calls and deliveries that a plain night does not make."""
    return explored(scene, _of_a_night()).runs


@cache
def _of_a_night() -> frozenset[str]:
    return frozenset(str(asked.site) for asked in play(SCENARIOS["night"], scripted(())).asked)


def names(scenes: Sequence[Scenario]) -> list[str]:
    """Name scenes."""
    return [scene.name for scene in scenes]
