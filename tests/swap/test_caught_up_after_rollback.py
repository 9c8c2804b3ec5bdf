"""Snapshots that people went back from: nothing restores them again by itself."""

from collections.abc import Callable

import pytest

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.records.store import Change
from chalicelib.records.targets import target_key
from tests.pointer.pointer_stage import PointerStage
from tests.swap.swap_stage import SwapStage, first_and_second

HOUR = 3600
CREATED = "snapshot"  # in the names of the functions that hear of one


def events_of_snapshots_come(stage: SwapStage, *after: int) -> None:
    """Deliver the events of snapshots so many seconds late; without a time they are lost."""

    def faulty(name: str, envelope: dict[str, object]) -> list[float]:
        is_one = CREATED in name.lower() and envelope.get("source") == "aws.rds"
        return [*after] if is_one else [0]

    stage.delivery_fault = faulty


def went_back(stage: SwapStage, *after: int, update: Callable[[SwapStage], None]) -> None:
    """Restore a snapshot by a request before its event comes, and go back from it."""
    first_and_second(stage)
    first = stage.restores()[0].facts.snapshot.arn
    stage.run(20 * HOUR)
    events_of_snapshots_come(stage, *after)
    stage.night()
    for _ in range(3):
        stage.deliver()
        stage.step_time()
    stage.request(REQUESTED, request_id="now")
    while "now" not in (found := stage.restores()[-1]).operation_id:
        stage.deliver() if stage.queue else stage.step_time()
    stage.run(2 * HOUR)
    (requested,) = [one for one in stage.restores() if one.operation_id == found.operation_id]
    assert (State.SUCCEEDED, True) == (requested.state, requested.facts.snapshot.arn != first)
    update(stage)
    stage.ask_back(requested)
    stage.run(900)


def nothing(_stage: SwapStage) -> None:
    """Leave the target's item as it is."""


def forget(stage: SwapStage) -> None:
    """Leave what the version before wrote: the last success alone."""
    stage.operations.store.change(
        Change(target_key(stage.target().arn), remove=("newest_opened_at",))
    )


@pytest.mark.parametrize("update", [nothing, forget])
@pytest.mark.parametrize("after", [(), (3 * HOUR,)])
@pytest.mark.parametrize("make", [SwapStage, PointerStage])
def test_a_snapshot_that_people_went_back_from_is_not_caught_up(
    make: type[SwapStage], after: tuple[int, ...], update: Callable[[SwapStage], None]
) -> None:
    """Its event was lost, or comes after the rollback, and a request had restored it."""
    stage = make()
    went_back(stage, *after, update=update)
    back, stood = stage.restores()[-1], stage.target().opened_id
    stage.run(4 * HOUR)
    later = stage.restores()[3:]

    assert (State.SUCCEEDED, True) == (back.state, back.rolls_back is not None)
    assert stood == stage.target().opened_id
    assert [State.SKIPPED for _ in after] == [found.state for found in later]
    assert all("before somebody went back to older data" in str(one.reason) for one in later)


def test_a_newer_snapshot_is_caught_up_after_a_rollback() -> None:
    """The next night's event is lost, too, and people had none of that data."""
    stage = SwapStage()
    went_back(stage, update=nothing)
    count = len(stage.restores())
    stage.run(20 * HOUR)
    stage.night()
    stage.run(2 * HOUR)

    assert (count + 1, State.SUCCEEDED) == (len(stage.restores()), stage.restores()[-1].state)
    assert stage.restores()[-1].facts.snapshot.created_at == stage.target().newest_opened_at
