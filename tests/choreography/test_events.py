"""Events are hints: a restore ends the same whether they are lost, doubled, late or out of order.

One lost, doubled or late event is an example in test_interrupted.py; here many go wrong at once.
"""

import json
from collections import deque
from random import Random
from typing import Any

from chalicelib.flow.choreography import State
from tests.choreography import delivery_faults
from tests.choreography.recorded_run import rehearsed
from tests.choreography.run_night import FaultyStage

GOOD_PATH = rehearsed().path()


def test_no_event_of_a_restore_that_has_ended_changes_anything(stage: FaultyStage) -> None:
    """Every event that comes again after the end is ignored.

    There is no new operation, no change of the record, and no call that changes Aurora.
    """
    effects = ("delete_db_cluster", "restore_db_cluster_from_snapshot", "publish")
    ended = stage.run_night()
    before = stage.calls_of(*effects)
    for envelope in list(stage.delivered):
        stage.deliver_one(envelope)
    stage.run(300)

    assert (ended, before) == (stage.only(), stage.calls_of(*effects))
    assert [] == stage.broken_promises()


def test_a_night_without_any_rds_event_succeeds(stage: FaultyStage) -> None:
    """The catch-up starts an operation that no event announced, and polls find what is ready."""
    stage.delivery_fault = delivery_faults.only_ours
    ended = stage.run_night()

    assert (State.SUCCEEDED, GOOD_PATH) == (ended.state, stage.path())
    assert [] == stage.broken_promises()


def test_a_night_with_only_the_heartbeat_succeeds(stage: FaultyStage) -> None:
    """A restore goes on when every event is lost but those that the heartbeat repeats."""
    stage.delivery_fault = lambda _name, envelope: (
        [0] if stage.put_by.get(envelope["id"]) == "heartbeat" else []
    )
    ended = stage.run_night()

    assert (State.SUCCEEDED, GOOD_PATH) == (ended.state, stage.path())
    assert [] == stage.broken_promises()


def test_events_in_any_order_change_nothing(stage: FaultyStage) -> None:
    """A restore ends the same when every event comes twice and in random order."""
    random = Random(0)  # noqa: S311 # dice, not secrets

    class Shuffled(deque[dict[str, object]]):
        def popleft(self) -> dict[str, object]:
            self.rotate(random.randrange(len(self)))
            return super().popleft()

    stage.queue = Shuffled()
    stage.delivery_fault = lambda _name, _envelope: [0, 0, 30]
    ended = stage.run_night()

    assert (State.SUCCEEDED, GOOD_PATH) == (ended.state, stage.path())
    assert [] == stage.broken_promises()


def test_an_instances_event_with_rds_before_its_name_wakes_its_operation(
    stage: FaultyStage,
) -> None:
    """An event wakes its operation also when its ARN has `rds:` before the instance's name.

    AWS's samples spell it so; live events do not.
    """
    caught: list[str] = []

    def keep(name: str, envelope: dict[str, Any]) -> list[float]:
        if not name.startswith("DB instance created"):
            return [0]
        caught.append(json.dumps(envelope).replace(":db:", ":db:rds:"))
        return []

    stage.delivery_fault = keep
    stage.night()
    stage.reach(State.INSTANCES_CREATING)
    while not caught:
        stage.step_time()
    before = stage.state()
    stage.deliver_one(json.loads(caught[-1]))

    assert (State.INSTANCES_CREATING, True) == (before, stage.state() != State.INSTANCES_CREATING)
