"""An operation seen from outside: its record and audit rows become one step per state."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from demo.assertions import INTENT
from demo.aws import Aws, Item
from demo.local_aws import LocalAwsProcess
from demo.time_limits import TimeLimit

# localaws' DynamoDB answers one request at a time, and the functions ask it too.
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Step:
    """One change of state: when, which step did what, and how long Aurora and our code took."""

    at_seconds: float  # since the snapshot was asked for
    state: str
    step: str
    what: str
    aurora_seconds: float
    own_seconds: float


@dataclass(frozen=True)
class Waiting:
    """No new step: what the operation waits for."""

    state: str
    for_what: str


@dataclass(frozen=True)
class Ended:
    """The operation is over; this is its record."""

    record: Item


def iso_timestamp(time_: datetime) -> str:
    """Write a time as the records do, so that the two compare as text."""
    return time_.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def watch(
    aws: Aws, world: LocalAwsProcess, since: datetime, deadline: TimeLimit
) -> Iterator[Step | Waiting | Ended]:
    """Yield the steps of the operation that a snapshot starts, until it has ended.

    Raises DemoError when the time is up or the local AWS has ended.
    """
    operation_id = yield from _first_operation(aws, world, since, deadline)
    shown = 0
    while True:
        rows = aws.trail(operation_id)  # read first: the record is then at least as new
        record = aws.record(operation_id)
        steps = steps_of(rows, record, since)
        yield from steps[shown:]
        shown = len(steps)
        if record.get("ended_at") and shown >= record["version"]:
            yield Ended(record)
            return
        yield Waiting(record["state"], _waits_for(record))
        _pause(world, deadline, f"{operation_id}, which is {record['state']}")


def steps_of(rows: list[Item], record: Item, since: datetime) -> list[Step]:
    """Turn a trail into steps, with the durations of the record.

    The time before the first row is Aurora's: it took the snapshot.
    """
    changes = [row for row in rows if INTENT not in row["metric_id"]]
    return [_step(row, number, record, since) for number, row in enumerate(changes)]


def _step(row: Item, number: int, record: Item, since: datetime) -> Step:
    at_seconds = (datetime.fromisoformat(row["at"]) - since).total_seconds()
    aurora, own = at_seconds, 0.0
    if number:
        lasted = record["durations"][number - 1]
        own = float(lasted["own_seconds"])
        aurora = float(lasted["seconds"]) - own
    return Step(at_seconds, row["to_state"], row["step"], row["what"], max(0.0, aurora), own)


def _first_operation(
    aws: Aws, world: LocalAwsProcess, since: datetime, deadline: TimeLimit
) -> Generator[Waiting, None, str]:
    while not (record := aws.operation_since(iso_timestamp(since))):
        yield Waiting("night", "Aurora takes the snapshot, and its event starts the operation")
        _pause(world, deadline, "an operation to start by itself")
    return str(record["operation_id"])


def _waits_for(record: Item) -> str:
    progress = record["facts"]["copies"].get("progress")
    copied = (
        f" ({progress} % copied)" if progress is not None and record["state"] == "COPYING" else ""
    )
    return f"{record.get('waiting_for') or 'the next step'}{copied}"


def _pause(world: LocalAwsProcess, deadline: TimeLimit, waiting_for: str) -> None:
    world.check()
    deadline.check(waiting_for)
    time.sleep(min(POLL_SECONDS, deadline.remaining()))
