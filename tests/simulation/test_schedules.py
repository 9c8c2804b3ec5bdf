"""A sample of single faults, chosen by their number, and of pairs.

The classes of single faults are each kind of fault at each call, delivery and tick. Of these every
fourth is played, and of a night also the first of each kind and of each step. Continuous
integration plays every class; `make prove` plays every fault of a class and every pair.
"""

import os
from typing import NamedTuple

import pytest

from simulation.explore import Exploration, Tally
from simulation.injector import CallSite, Schedule, scripted
from simulation.replay import judged_by_time
from simulation.run import Run, play
from simulation.scenarios import CORE, SCENARIOS

EVERY = 1 if os.environ.get("CI") else 4
FIRSTS_APART, SECONDS_APART = 16, 40  # of thirty thousand pairs, so many are left out each time
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


def pairs(explored: Explored) -> list[Schedule]:
    """Choose second faults in the worlds that some of the first faults bring about."""
    exploration = Exploration(explored.base.scene)
    exploration.faults_after(explored.base, Tally(""))
    chosen: list[Schedule] = []
    for single in explored.runs[::FIRSTS_APART]:
        run = exploration.run(single.schedule, watch=True)
        seconds = exploration.faults_after(run, Tally(""))[::SECONDS_APART]
        chosen += [(*run.schedule, second) for second in seconds]
    return chosen


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


@pytest.fixture(scope="module")
def night() -> Explored:
    """Play a night with one fault of each kind at each call."""
    return explored("night")


def test_the_sample_holds_each_kind_of_fault_each_step_and_each_call(night: Explored) -> None:
    """What is left out differs from what is played in its combination only."""
    asked = night.base.asked
    played = [fault for run in night.runs for fault in run.schedule]

    assert 300 < len(night.classes)
    assert {kind for question in asked for kind in question.options[1:]} == {
        kind for _, kind in played
    }
    assert {question.site.step for question in asked} == {
        asked[number].site.step for number, _ in played
    }
    assert {method(asked[number].site) for number, _ in night.classes} == {
        method(asked[number].site) for number, _ in played
    }


def test_no_single_fault_changes_how_a_night_ends(night: Explored) -> None:
    """A night with one fault of the sample keeps every promise."""
    assert [] == broken(night.runs)


def test_no_single_fault_changes_the_path_of_a_night(night: Explored) -> None:
    """A night with one fault goes through the states of a good night, and warns of nothing."""
    good_path = path(night.base)
    detours = {line: states for line, states in night.paths.items() if states != good_path}
    warned = {line: texts for line, texts in night.warnings.items() if texts}

    assert 300 < len(night.runs) * EVERY
    assert good_path[-1] == "SUCCEEDED"
    assert ({}, {}) == (detours, warned)


def test_every_call_and_every_delivery_is_asked_about(night: Explored) -> None:
    """The injector is asked at calls of each service, at statements, at deliveries and at ticks.

    A call that changes something has at least eight faults.
    """
    asked = {
        question.site.what.split(".")[0]: question.options
        for question in night.base.asked
        if "." in question.site.what
    }
    bus = {question.site.step for question in night.base.asked}
    services = {
        "rds",
        "dynamodb",
        "events",
        "sns",
        "secretsmanager",
        "kms",
        "ec2",
        "ssm",
        "postgresql",
    }

    assert services <= set(asked)
    assert {"the bus", "the clock"} <= bus
    assert 8 <= max(len(options) - 1 for options in asked.values())


def test_a_sample_of_pairs_of_faults_changes_nothing_either(night: Explored) -> None:
    """A second fault in a world that only the first one brought about breaks no promise."""
    chosen = pairs(night)

    assert 20 < len(chosen)
    assert [] == broken([play(SCENARIOS["night"], scripted(pair)) for pair in chosen])


@pytest.mark.parametrize("scene", [scene.name for scene in CORE if scene.name != "night"])
def test_no_single_fault_changes_how_a_scene_ends_that_is_no_plain_night(
    scene: str, night: Explored
) -> None:
    """A fault at a call that a plain night does not make breaks no promise of another scene.

    Such calls belong to adoption, cancelling, reruns, a final snapshot and so on.
    """
    known = frozenset(str(asked.site) for asked in night.base.asked)

    assert [] == broken(explored(scene, known).runs)
