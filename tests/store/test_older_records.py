"""Records that the version before wrote, with flat facts and settings, kept as files."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.older_records import outdated
from chalicelib.flow.operation import Operation
from chalicelib.records.operations import Operations, WriteResult
from chalicelib.records.store import Change

FOLDER = Path(__file__).with_name("older_records")
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def older(name: str) -> dict[str, Any]:
    """Read one of the files."""
    item: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return item


def put(operations: Operations, item: dict[str, Any]) -> str:
    """Put a record into the table as the version before did, and return its key."""
    key = str(item["operation_id"])
    attributes = {name: value for name, value in item.items() if name != "operation_id"}
    operations.store.change(Change(key, assign=attributes))
    return key


def values(item: Any) -> list[str]:
    """List every value of a record, wherever it stands, in order."""
    if isinstance(item, dict):
        return sorted(value for part in item.values() for value in values(part))
    if isinstance(item, list):
        return sorted(value for part in item for value in values(part))
    return [str(float(item)) if isinstance(item, int | float) else str(item)]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_the_version_before_is_read_whole(name: str) -> None:
    """A record of the version before is read without losing a value, and is written in the new
    form.
    """
    item = older(name)
    present = Operation.from_item(item).to_item()

    assert Counter(values(item)) <= Counter(values(present))
    assert "delete-first" == present["settings"]["target"]["replacement"]
    assert () == outdated(present)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_was_written_anew_reads_the_same(name: str) -> None:
    """A record reads the same after it was written in the new form."""
    operation = Operation.from_item(older(name))
    again = Operation.from_item(operation.to_item())

    assert operation.to_item() == again.to_item()
    assert () == again.outdated


def test_the_next_change_writes_the_whole_record_in_the_new_form(operations: Operations) -> None:
    """The next change of a record of the version before leaves nothing of the older form behind."""
    key = put(operations, older("copying"))
    claim = operations.claim(key, (State.COPYING,), owner="me", now=NOW, until=NOW)
    assert claim.operation is not None
    after = claim.operation.enter(State.FAILING, NOW, claim.operation.facts)
    written = operations.advance(claim.operation, after, step="a", what="it failed", owner="me")
    item = operations.store.get(key) or {}

    assert written in (WriteResult.DONE, WriteResult.LOCK_LOST)
    assert () == outdated(item)


def test_facts_that_are_remembered_turn_the_record_into_the_new_form(
    operations: Operations,
) -> None:
    """A record never has facts of the new form beside settings of the older one.

    The version before would read it as a record that knows nothing.
    """
    key = put(operations, older("target_deleting"))
    claim = operations.claim(key, (State.TARGET_DELETING,), owner="me", now=NOW, until=NOW)
    assert claim.operation is not None
    operations.save_facts(claim.operation, claim.operation.facts)
    item = operations.store.get(key) or {}

    assert () == outdated(item)


def test_a_record_of_both_forms_is_read_whole_and_written_in_the_present_one() -> None:
    """A record that a function of the version before changed during a deployment loses nothing.

    Such a function writes flat facts and attributes of the older names beside nested settings.
    """
    before = older("target_deleting")
    mixed = Operation.from_item(before).to_item() | {
        "facts": before["facts"],
        "stopped_in": "TARGET_DELETING",
        "bugs": 2,
    }
    del mixed["unexpected_errors"]
    operation = Operation.from_item(mixed)

    assert Operation.from_item(before).facts == operation.facts
    assert State.TARGET_DELETING is operation.stopped_at
    assert 2 == operation.unexpected_errors
    assert {"facts", "stopped_in", "bugs"} == {*operation.outdated}
    assert () == Operation.from_item(operation.to_item()).outdated


@pytest.mark.parametrize("facts", [None, [], "all", {"snapshot": None}, {"copies": "both"}])
@pytest.mark.parametrize("flat", [{}, {"snapshot_arn": "arn", "copy_arn": "arn"}])
def test_facts_that_are_no_map_are_refused(facts: Any, flat: dict[str, Any]) -> None:
    """A record whose facts, or a phase of them, are no map is refused, and never read as empty."""
    damaged = facts | flat if isinstance(facts, dict) else facts
    item = older("copying") | {"facts": damaged}

    with pytest.raises(UnreadableRecordError, match="facts"):
        Operation.from_item(item)


def test_reading_changes_nothing_of_the_item() -> None:
    """Reading a record leaves the item as it was, also where flat and nested facts are mixed."""
    item = older("copying")
    item["facts"] |= {"snapshot": {"arn": "arn"}}
    Operation.from_item(item)

    assert {"arn": "arn"} == item["facts"]["snapshot"]


def test_a_record_that_cannot_be_read_keeps_no_lease(operations: Operations) -> None:
    """A claim that finds a record which it cannot read gives the lease back.

    A function of another version, which can read it, does not have to wait for the lease's end.
    """
    key = put(operations, older("copying") | {"facts": "none"})
    with pytest.raises(UnreadableRecordError):
        operations.claim(key, (State.COPYING,), owner="me", now=NOW, until=NOW)
    item = operations.store.get(key) or {}

    assert set() == {"lease_owner", "lease_until"} & item.keys()
