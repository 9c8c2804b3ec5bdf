"""Watching an operation from outside: its record and its audit rows, turned into one step for each change of state."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from demo.assertions import INTENT
from demo.aws import Aws, Item
from demo.errors import TimeLimit
from demo.local_aws import LocalAwsProcess

PAUSE_SECONDS = (
    0.3  # between looks: DynamoDB answers one request at a time here, and the functions ask too
)


@dataclass(frozen=True)
class Step:
    """One change of state: when it happened, who did what, and how long that took of Aurora's time and of ours."""

    at_seconds: float  # since night fell
    state: str
    step: str
    what: str
    aurora_seconds: float
    own_seconds: float


@dataclass(frozen=True)
class Waiting:
    """Nothing new: what the operation waits for just now."""

    state: str
    for_what: str


@dataclass(frozen=True)
class Ended:
    """The operation is over; this is its record."""

    record: Item


def iso_timestamp(moment: datetime) -> str:
    """Write a moment as the records do, so that the two compare as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def watch(
    aws: Aws, world: LocalAwsProcess, night: datetime, deadline: TimeLimit
) -> Iterator[Step | Waiting | Ended]:
    """Yield the steps of the operation that the night starts, as they happen, until it has ended.

    Raises DemoError when the time is up or the world is gone.
    """
    operation_id = yield from _begun(aws, world, night, deadline)
    shown = 0
    while True:
        rows = aws.trail(operation_id)  # read first: the record is then at least as new
        record = aws.record(operation_id)
        steps = steps_of(rows, record, night)
        yield from steps[shown:]
        shown = len(steps)
        if record.get("ended_at") and shown >= record["version"]:
            yield Ended(record)
            return
        yield Waiting(record["state"], _waits_for(record))
        _pause(world, deadline, f"{operation_id}, which is {record['state']}")


def steps_of(rows: list[Item], record: Item, night: datetime) -> list[Step]:
    """Read a trail. Up to its first row Aurora took the snapshot.

    From there the record tells the times apart.
    """
    changes = [row for row in rows if INTENT not in row["metric_id"]]
    return [_step(row, number, record, night) for number, row in enumerate(changes)]


def _step(row: Item, number: int, record: Item, night: datetime) -> Step:
    at_seconds = (datetime.fromisoformat(row["at"]) - night).total_seconds()
    aurora, own = at_seconds, 0.0
    if number:
        lasted = record["durations"][number - 1]
        own = float(lasted["own_seconds"])
        aurora = float(lasted["seconds"]) - own
    return Step(at_seconds, row["to_state"], row["step"], row["what"], max(0.0, aurora), own)


def _begun(
    aws: Aws, world: LocalAwsProcess, night: datetime, deadline: TimeLimit
) -> Generator[Waiting, None, str]:
    while not (record := aws.operation_since(iso_timestamp(night))):
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
    time.sleep(min(PAUSE_SECONDS, deadline.remaining()))
