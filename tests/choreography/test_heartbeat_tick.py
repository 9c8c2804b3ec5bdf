"""What one tick of the heartbeat costs, whom it announces, and what it leaves to the next one."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Change, Item, TableName
from chalicelib.runtime.heartbeat import ANNOUNCED_PER_TICK
from simulation.in_memory_services import client_error
from simulation.in_memory_store import InMemoryStore
from simulation.stage import SimulatedStage
from tests.choreography.fault_injection import CrashError, raised
from tests.choreography.run_night import FaultyStage

INTERVAL = 300  # seconds, as CATCH_UP_INTERVAL has it


class WatchedStore(InMemoryStore):
    """The same tables; what is asked of them is noted."""

    def __init__(self, store: InMemoryStore) -> None:
        super().__init__()
        self.tables, self.asked = store.tables, list[str]()

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, consistently."""
        self.asked.append("get")
        return super().get(key, table)

    def change_all(self, *changes: Change) -> None:
        """Write all or nothing; raises ConditionError."""
        self.asked.append("change")
        super().change_all(*changes)

    def query(self, index: str, value: str, **how: Any) -> Any:
        """Read an index."""
        self.asked.append(f"query {index}")
        return super().query(index, value, **how)


def at(stage: FaultyStage, seconds: float) -> None:
    """Go to so many seconds after the next beginning of an interval of CATCH_UP_INTERVAL, and let
    the heart beat.
    """
    stage.clock.advance(INTERVAL - stage.clock.now().timestamp() % INTERVAL + seconds)
    stage.beat()


def asked(stage: FaultyStage, seconds: float) -> list[str]:
    """List a tick's calls other than of its tables, some seconds into an interval."""
    before = len(stage.made)
    at(stage, seconds)
    return [f"{call.service}.{call.method}" for call in stage.made[before:]]


def test_a_tick_with_nothing_due_reads_one_index_and_nothing_else(stage: FaultyStage) -> None:
    """A tick's cost grows with what is due, not with past operations or plans."""
    stage.run_night()
    stage.store = watched = WatchedStore(stage.store)

    assert ([], ["query open-by-due"]) == (asked(stage, 120), watched.asked)


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_the_plans_are_checked_at_the_first_tick_of_an_interval(
    stage: FaultyStage, seconds: float
) -> None:
    """Whenever in its minute that tick comes, also when the one before came later in its own."""
    stage.run_night()
    at(stage, 30)
    found = asked(stage, seconds)

    assert ["ssm.get_parameters_by_path", "rds.describe_db_cluster_snapshots"] == found


def test_a_lost_tick_delays_the_check_of_the_plans_by_one_interval(stage: FaultyStage) -> None:
    """Nothing is remembered between ticks, so nothing can be remembered wrongly."""
    stage.run_night()
    at(stage, 75)

    assert "ssm.get_parameters_by_path" in asked(stage, 5)


def test_the_first_successful_tick_after_a_deployment_enables_the_catch_up() -> None:
    """Catch-up begins at the first tick that succeeds, not at the next interval."""
    stage = SimulatedStage()
    stage.clock.advance(100)
    stage.faults.fail_next("ssm", "get_parameters_by_path", "InternalFailure", status=500)
    stage.beat()
    stage.clock.advance(60)
    stage.beat()

    assert stage.clock.now() == stage.target().catch_up_since


def many(stage: FaultyStage, count: int, **attributes: object) -> None:
    """Have so many records due long ago, the oldest first, like one that waits for its copy."""
    stage.night()
    item = stage.store.tables["state"].pop(stage.reach(State.COPYING).operation_id)
    stage.queue.clear()
    for number in range(count):
        name, due = (
            f"one-of-many-{number:04d}",
            f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}.000Z",
        )
        stage.store.tables["state"][name] = {
            **item,
            "operation_id": name,
            "due_at": due,
            **attributes,
        }


def test_a_tick_announces_ten_per_call_up_to_its_limit(
    stage: FaultyStage,
) -> None:
    """The rest are the oldest at the next tick."""
    many(stage, 40)
    before = len(stage.calls_of("put_events"))
    stage.beat()
    first = [envelope["detail"]["operation_id"] for envelope in stage.queue]
    calls = len(stage.calls_of("put_events")) - before
    stage.queue.clear()
    stage.clock.advance(60)
    stage.beat()
    second = [envelope["detail"]["operation_id"] for envelope in stage.queue]

    assert (3, ANNOUNCED_PER_TICK, 40) == (calls, len(first), len({*first, *second}))
    assert "one-of-many-0030" == second[0]


def test_ended_operations_do_not_count_towards_the_limit_of_a_tick(stage: FaultyStage) -> None:
    """No step asks RDS for them, so they are announced and closed besides."""
    many(stage, 40)
    ended = stage.store.tables["state"].values()
    for item in [item for item in ended if str(item["operation_id"]).endswith(("0", "5"))]:
        item["state"] = "SUCCEEDED"
    stage.beat()
    told = [envelope["detail-type"] for envelope in stage.queue]

    assert 8 == told.count("RestoreSucceeded")
    assert ANNOUNCED_PER_TICK == told.count("SnapshotCopyStarted")
    assert [] == [item for item in ended if item.get("state") == "SUCCEEDED" and "open" in item]


class Choosy:
    """EventBridge that does not take the entry of one operation: PutEvents may answer well all the
    same.
    """

    def __init__(self, bus: Any, operation_id: str, *, whole: bool) -> None:
        self._bus, self._refused, self._whole = bus, operation_id, whole

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 # boto3's own name
        """Take the others; or, as for a request that is too large, refuse all of them."""
        bad = [self._refused in entry["Detail"] for entry in Entries]
        if self._whole and any(bad):
            raise client_error("RequestEntityTooLarge", "A test asked for this.", "PutEvents", 413)
        self._bus.put_events(
            Entries=[entry for entry, is_bad in zip(Entries, bad, strict=True) if not is_bad]
        )
        answers = [
            {"ErrorCode": "InternalFailure"} if is_bad else {"EventId": "x"} for is_bad in bad
        ]
        return {"FailedEntryCount": sum(bad), "Entries": answers}


class ChoosyNight(FaultyStage):
    """A night whose bus takes nothing of the operation that `refused` names."""

    refused, whole = "", False

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        choosy = service == "events" and self.refused
        return Choosy(client, self.refused, whole=self.whole) if choosy else client


@pytest.mark.parametrize("whole", [False, True])
def test_only_a_failed_entry_is_sent_again(whole: bool) -> None:
    """Entries that EventBridge took are not put again; an end that it refused stays open."""
    stage = ChoosyNight()
    many(stage, 10, state="SUCCEEDED")
    stage.refused, stage.whole = "one-of-many-0003", whole
    stage.beat()
    told = sorted(envelope["detail"]["operation_id"] for envelope in stage.queue)
    still_open = [key for key, item in stage.store.tables["state"].items() if item.get("open")]
    stage.queue.clear()
    stage.refused = ""
    stage.clock.advance(60)
    stage.beat()

    assert [f"one-of-many-000{number}" for number in (0, 1, 2, 4, 5, 6, 7, 8, 9)] == told
    assert ["one-of-many-0003"] == still_open
    assert ["one-of-many-0003"] == [envelope["detail"]["operation_id"] for envelope in stage.queue]


def test_a_tick_that_dies_between_postponing_and_announcing_loses_nothing(
    stage: FaultyStage,
) -> None:
    """At most ten announcements are one tick late."""
    many(stage, 25)
    stage.inject(raised(CrashError()), call="events.put_events")
    stage.beat()
    stage.clock.advance(60)
    stage.beat()

    assert [f"one-of-many-{number:04d}" for number in range(25)] == sorted(
        envelope["detail"]["operation_id"] for envelope in stage.queue
    )


def test_a_wait_is_announced_at_the_tick_nearest_to_its_end(stage: FaultyStage) -> None:
    """A wait is announced at the nearest tick, neither nearly a tick early nor late."""
    stage.night()
    operation = stage.reach(State.COPYING)
    stage.queue.clear()
    told = []
    for early in (31, 30, 0):
        stage.edit(
            operation.operation_id,
            due_at=iso_timestamp(stage.clock.now() + timedelta(seconds=early)),
        )
        stage.beat()
        told.append(len(stage.queue))
        stage.queue.clear()

    assert [0, 1, 1] == told
