"""Whole operations on DynamoDB's tables: all that a night reads and writes there is taken by both
stores, and answered alike.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.records.store import (
    KEYS,
    Change,
    ConditionError,
    DynamoStore,
    Item,
    Store,
    TableName,
)
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.store.conftest import ACCOUNT, REGION, TABLES
from tests.swap.swap_stage import SwapStage


class DeleteFirstStage(SwapStage):
    """A stage with REPLACEMENT=delete-first."""

    def __init__(self) -> None:
        super().__init__(REPLACEMENT="delete-first")


class BothStores:
    """The dictionaries, which the stage looks into, and DynamoDB's tables beside them."""

    def __init__(self, twin: Any, dynamo: Store) -> None:
        self._twin, self._dynamo = twin, dynamo
        self.tables = twin.tables
        for table, items in self.tables.items():
            for key, item in items.items():
                begun = {name: value for name, value in item.items() if name != KEYS[table]}
                dynamo.change(Change(key, assign=begun, table=table))

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item."""
        found = self._dynamo.get(key, table)
        assert self._twin.get(key, table) == found
        return found

    def change(self, change: Change) -> Item:
        """Write one item."""
        try:
            written = self._dynamo.change(change)
        except ConditionError:
            with pytest.raises(ConditionError):
                self._twin.change(change)
            raise
        assert self._twin.change(change) == written
        return written

    def change_all(self, *changes: Change) -> None:
        """Write all or nothing."""
        try:
            self._dynamo.change_all(*changes)
        except ConditionError:
            with pytest.raises(ConditionError):
                self._twin.change_all(*changes)
            raise
        self._twin.change_all(*changes)

    def query(self, index: str, value: str, **how: Any) -> Iterator[Item]:
        """Read an index."""
        found = list(self._dynamo.query(index, value, **how))
        assert list(self._twin.query(index, value, **how)) == found
        yield from found


@pytest.fixture(params=[SwapStage, PointerStage, DeleteFirstStage])
def stage(request: pytest.FixtureRequest, client: Any) -> SwapStage:
    """Give a stage of each kind, whose records are in both stores."""
    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        table.items.clear()
    state_table, audit_table = TABLES
    made: SwapStage = request.param()
    dynamo = DynamoStore(client, state_table=state_table, audit_table=audit_table)
    made.store = BothStores(made.store, dynamo)  # type: ignore[assignment]
    return made


def test_a_rerun_two_nights_and_the_end_of_the_previous_target(stage: SwapStage) -> None:
    """From a failure before the first success to the deletion of what the second night replaced."""
    stage.inject(
        refused("InvalidParameterCombination"), call="rds.restore_db_cluster_from_snapshot"
    )
    failed = stage.run_night()
    stage.call_faults.clear()
    stage.request(REQUESTED, rerun_of=failed.operation_id)
    again = stage.run_until_ended(2)
    second = stage.run_night()
    stage.run(20 * 3600)

    assert [] == stage.failures
    assert State.FAILED is failed.state, failed.reason
    assert [State.SUCCEEDED] * 2 == [again.state, second.state], (again.reason, second.reason)
    assert {State.RETIRED} >= {found.state for found in stage.retirements()}


def test_a_night_that_people_take_back(stage: SwapStage) -> None:
    """A rollback, or its refusal where nothing is kept."""
    ended = stage.run_night()
    stage.ask_back(ended)
    stage.run(3600)
    states = [found.state for found in stage.restores()]

    assert [] == stage.failures
    assert {State.SUCCEEDED} == set(states)
    assert len(states) == (1 if isinstance(stage, DeleteFirstStage) else 2)
