"""What the checker says of a real account.

Its history put together from files, and each invariant with its verdict.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.facts import Facts
from chalicelib.records.store import Item
from simulation.checker import Checker
from simulation.cloudtrail import calls_of, read_trail
from simulation.history import Bounds, Called, Entry, Unchecked, Violation, Wrote
from simulation.invariants import INVARIANTS
from simulation.invariants.calls import is_ours
from simulation.invariants.ends import left_by, slack
from simulation.invariants.projection import TARGET_KEY, settings_of
from simulation.tables import moment, read_table, stays_of, writes_of

BLIND_TO = frozenset(
    {"Announced", "Said", "Opened", "Stood"}
)  # neither CloudTrail nor a table keeps these
WIDTH = 24  # of the invariants' names
OPEN: frozenset[str] = frozenset(State) - TERMINAL
Read = TypeVar("Read")


class UnreadableError(Exception):
    """A file cannot be judged; the text is one sentence for people."""


@dataclass(frozen=True)
class Files:
    """Where the exports are."""

    state: Path
    audit: Path
    trails: tuple[Path, ...]


def history_of(files: Files, stage: str) -> list[Entry]:
    """Put the history of a stage together, in order; raises UnreadableError."""
    state = _of_stage(
        _read(files.state, lambda path: read_table(path, "state")), files.state, stage
    )
    rows = _read(files.audit, lambda path: read_table(path, "audit"))
    records = [record for trail in files.trails for record in _read(trail, read_trail)]
    try:
        writes = writes_of(state, rows)
        calls = calls_of(records, stage, stays_of(writes))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableError(f"The files cannot be put together: {_because(error)}.") from error
    return sorted([*writes, *calls], key=lambda entry: (entry.at, _rank(entry)))


def _rank(entry: Entry) -> int:
    """Say what comes first of one moment.

    The row that enters a state, then the calls in it, then records, targets.
    """
    if isinstance(entry, Wrote):
        return 3 if entry.key.startswith(TARGET_KEY) else 0 if entry.table == "audit" else 2
    return 1


def _of_stage(items: list[Item], path: Path, stage: str) -> list[Item]:
    """Leave out the records of other stages.

    None of this one is a mistake in the command rather than a good night.
    """
    stages = {str(item["stage"]) for item in items if "stage" in item}
    if stages and stage not in stages:
        raise UnreadableError(
            f"{path} has no record of the stage {stage}, only of {', '.join(sorted(stages))}."
        )
    return [item for item in items if item.get("stage", stage) == stage]


def _read(path: Path, read: Callable[[Path], Read]) -> Read:
    try:
        return read(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, EOFError) as error:  # of JSON, of text, of gzip
        raise UnreadableError(f"{path} cannot be read: {_because(error)}.") from error


def _because(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def bounds_of(
    entries: Iterable[Entry], stage: str, sources: Iterable[str], now: datetime
) -> Bounds:
    """Take sources that are not given from the records; find which operations are under way."""
    records = [entry.item for entry in entries if isinstance(entry, Wrote) and _is_record(entry)]
    plans = filter(None, map(settings_of, records))
    known = {arn.lower() for arn in sources} or {plan.source_cluster_arn for plan in plans}
    ids = {
        Facts.of_item(record.get("facts")).snapshot.source_resource_id or "" for record in records
    } - {""}
    return Bounds(
        stage=stage,
        sources=frozenset(known),
        source_resource_ids=frozenset(ids),
        blind_to=BLIND_TO,
        under_way=frozenset(
            str(record["operation_id"]) for record in records if _is_under_way(record, now)
        ),
    )


def _is_record(entry: Wrote) -> bool:
    return entry.table == "state" and not entry.key.startswith(TARGET_KEY)


def _is_under_way(record: Item, now: datetime) -> bool:
    plan, state = settings_of(record), str(record.get("state"))
    if plan is None or state not in OPEN:
        return False
    entered = moment(record, "entered_at")
    spare = slack(Bounds.heartbeat_seconds, Bounds.lease_seconds)
    return now <= left_by(State(state), entered, plan, spare, entered)


def report(bounds: Bounds, entries: list[Entry], now: datetime) -> tuple[list[str], bool]:
    """Check a history.

    Returns the lines to be shown, and whether every invariant that could be judged is kept.
    """
    checker = Checker(bounds)
    broken = [
        *(violation for entry in entries for violation in checker.see(entry)),
        *checker.rest(now),
    ]
    lines = [_heading(bounds, entries)]
    for invariant in INVARIANTS:
        lines += _verdict(invariant.name, broken, checker.unchecked)
    return lines, not broken


def _heading(bounds: Bounds, entries: list[Entry]) -> str:
    writes = [entry for entry in entries if isinstance(entry, Wrote)]
    calls = [entry for entry in entries if isinstance(entry, Called)]
    ours = [call for call in calls if is_ours(call, bounds.stage)]
    rows = sum(write.table == "audit" for write in writes)
    return (
        f"{sum(map(_is_record, writes))} operations with {rows} rows of their trail, and "
        f"{len(ours)} calls of the stage {bounds.stage}, of {len(calls)} in all; the source: "
        f"{', '.join(sorted(bounds.sources)) or 'not known'}."
    )


def _verdict(name: str, broken: list[Violation], unjudged: list[Unchecked]) -> list[str]:
    wrong = [violation.sentence for violation in broken if violation.invariant == name]
    doubts = [f"not judged: {doubt.sentence}" for doubt in unjudged if doubt.invariant == name]
    verdict = "broken" if wrong else "not judged in full" if doubts else "kept"
    return [
        f"{name:<{WIDTH}}{verdict}",
        *(f"{'':<{WIDTH}}{sentence}" for sentence in [*wrong, *doubts]),
    ]
