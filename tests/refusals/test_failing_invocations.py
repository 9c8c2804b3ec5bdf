"""What no operation can be told of fails the invocation: Lambda retries, and an alarm sees it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.flow.choreography import STEPS, State
from chalicelib.flow.errors import SettingsError, TablesBusyError, UnreadableRecordError
from chalicelib.ports import Ports
from chalicelib.records.store import Change, DynamoStore, Store
from simulation.stage import TARGET_REGION, SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene


class TablelessStage(SimulatedStage):
    """A stage whose functions look for tables that nobody made."""

    def ports(self) -> Ports:
        """Compose the world of one invocation, with DynamoDB itself behind it."""
        client = boto3.client(
            "dynamodb",
            region_name=TARGET_REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        store = DynamoStore(client, state_table="not-there", audit_table="not-there-either")
        return replace(super().ports(), store=store)


@pytest.fixture
def tableless(logs: LogOutput) -> Iterator[TablelessStage]:
    """Give a stage without tables."""
    with mock_aws():
        yield TablelessStage()


def codes(stage: SimulatedStage) -> list[str]:
    """List the error codes of AWS that functions failed with."""
    return [
        failure.response["Error"]["Code"]
        for failure in stage.failures
        if isinstance(failure, ClientError)
    ]


def announced(operation_id: str) -> dict[str, Any]:
    """Make an announcement that any step would act on."""
    return {
        "id": "one",
        "source": "aurora-restore.test",
        "detail-type": "Announced",
        "account": "123456789012",
        "region": TARGET_REGION,
        "resources": [],
        "detail": {"operation_id": operation_id},
    }


def test_a_missing_table_fails_every_steps_invocation(tableless: TablelessStage) -> None:
    """A missing table fails the invocation of each step, and the event is retried."""
    for step in STEPS:
        tableless.invoke(step, announced("some-operation"))

    assert ["ResourceNotFoundException"] * len(STEPS) == codes(tableless)


def test_a_missing_table_fails_the_router_the_heartbeat_and_a_cancel(
    tableless: TablelessStage,
) -> None:
    """A snapshot is not lost by it: the event comes again, and the next heartbeat looks."""
    tableless.night()
    tableless.settle()
    tableless.put("RestoreRequested")
    tableless.put("CancelRequested", operation_id="some-operation")
    tableless.deliver()
    tableless.beat()

    assert ["ResourceNotFoundException"] * 3 == codes(tableless)


class BusyStore:
    """The tables of a stage, which fail once at the next write of a state."""

    def __init__(self, store: Store) -> None:
        self._store, self.fails_at = store, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def change_all(self, *changes: Change) -> None:
        """Fail before the write, or after it."""
        fails_at, self.fails_at = self.fails_at, ""
        if fails_at == "before":
            raise TablesBusyError("DynamoDB is busy: ThrottlingException.")
        self._store.change_all(*changes)
        if fails_at == "after":
            raise TablesBusyError("DynamoDB is busy: RequestTimeout.")


class BusyStage(SimulatedStage):
    """A stage whose tables may be busy."""

    busy: BusyStore | None = None

    def ports(self) -> Ports:
        """Compose the world of one invocation, with those tables."""
        self.busy = self.busy or BusyStore(self.store)
        return replace(super().ports(), store=cast("Store", self.busy))


@pytest.mark.parametrize("fails_at", ["before", "after"])
def test_an_outcome_that_cannot_be_written_holds_no_lease(logs: LogOutput, fails_at: str) -> None:
    """Lambda's retry finds the record free, or finds that it was written after all."""
    assert logs
    stage = BusyStage()
    stage.staging()
    stage.night()
    while State.COPYING not in [found.state for found in stage.all_operations()]:
        stage.step_time()
    stage.settle(3600)
    assert stage.busy
    stage.busy.fails_at = fails_at
    check = "check-copy-status", announced(stage.only().operation_id)
    stage.invoke(*check)
    failed = stage.only()
    is_written = fails_at == "after"

    assert [TablesBusyError] == [type(failure) for failure in stage.failures]
    assert (is_written, None) == (failed.state is State.SNAPSHOT_READY, failed.lease_owner)
    stage.invoke(*check)
    assert (State.SNAPSHOT_READY, 1) == (stage.only().state, len(stage.failures))
    assert State.SUCCEEDED is stage.run_to_the_end().state


def spoil(stage: SimulatedStage, operation_id: str) -> None:
    """Make a record that no version of ours has written."""
    now = "2026-11-23T00:00:00.000Z"
    stage.store.tables["state"][operation_id] = {
        "operation_id": operation_id,
        "open": "yes",
        "due_at": now,
        "state": "COPYING",
        "settings": "all of them",
    }


def test_a_record_that_cannot_be_read_fails_the_invocation_and_stays_as_it_is(
    scene: RefusalScene,
) -> None:
    """The sentence names the record and what is wrong with it."""
    spoil(scene.stage, "spoiled")
    scene.stage.invoke("sns-notification", announced("spoiled"))
    (failure,) = scene.stage.failures

    assert isinstance(failure, UnreadableRecordError)
    assert str(failure).startswith("The record 'spoiled' cannot be read: ")
    assert "plan" in str(failure)


def test_one_unreadable_record_stops_nobody_elses_operation(scene: RefusalScene) -> None:
    """Every tick of the heartbeat logs and counts it, and goes on to the others."""
    spoil(scene.stage, "spoiled")
    scene.stage.night()
    scene.stage.run(3 * 3600)
    records = [
        key
        for key in scene.stage.store.tables["state"]
        if key != "spoiled" and not key.startswith("target#")
    ]
    operation = scene.stage.operations.read(records[0])

    assert operation is not None
    assert State.SUCCEEDED is operation.state
    assert [] == scene.stage.failures
    assert len(scene.logs.metrics("RecordUnreadable")) > 60
    assert "ERROR" == scene.logs.lines("The record 'spoiled' cannot be read")[0]["level"]


def test_invalid_settings_fail_the_router_and_no_running_operation(
    scene: RefusalScene,
) -> None:
    """A plan is frozen in its record: somebody's mistake in SSM reaches the next operation, and an
    alarm.
    """
    scene.stage.night()
    scene.run_until(State.COPYING)
    scene.stage.parameters.put_parameter(
        Name="/aurora-restore/test/target-cluster-id", Value="prod-cluster"
    )
    scene.stage.parameters.put_parameter(
        Name="/aurora-restore/test/target-region", Value="us-east-1"
    )
    scene.stage.clock.advance(60)
    scene.stage.night()
    while not scene.stage.failures:
        scene.stage.step_time()
    failure = scene.stage.failures[0]

    assert isinstance(failure, SettingsError)
    assert "the target is the source cluster itself" in str(failure)
    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state


def test_a_stage_without_an_environment_says_everything_that_is_missing(
    logs: LogOutput,
) -> None:
    """A stage without an environment names every variable that is missing."""
    stage = SimulatedStage()
    stage.environment.clear()
    with pytest.raises(SettingsError) as caught:
        stage.ports()

    assert "ENVIRONMENT is not set" in str(caught.value)
    assert "STATE_TABLE_NAME is not set" in str(caught.value)
    assert "AUDIT_TABLE_NAME is not set" in str(caught.value)
