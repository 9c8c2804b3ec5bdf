"""How a state changes: at most one end, one version and one row for each change."""

from dataclasses import replace

from chalicelib.flow.choreography import State
from simulation.history import Entry, Wrote
from tests.simulation.trace_builder import TraceBuilder, broken, names, rewritten, without

LAST = "night-1#000015"


def test_a_whole_success_breaks_nothing() -> None:
    """Copy, deletion, restore, users, archive: every promise is kept."""
    assert [] == broken(TraceBuilder().succeed())


def test_failures_cancellations_and_skips_break_nothing() -> None:
    """Each end with its reason and remedy, one after another on one target."""
    failed = TraceBuilder("failed").copy().fail()
    cancelled = TraceBuilder("cancelled", at=failed.now).fail(State.CANCELLED)
    skipped = TraceBuilder("skipped", at=cancelled.now).fail(State.SKIPPED)

    assert [] == broken(failed, cancelled, skipped)


def test_an_end_after_an_end_is_seen() -> None:
    """A second end is found in the record and in the trail."""
    found = broken(
        TraceBuilder().fail().go(State.CANCELLED, reason="Late.", remedy="None.", notified=True)
    )
    expected = "single-terminal-state: night-1 had ended FAILED, and was then written as CANCELLED."

    assert expected in found
    assert (
        "single-terminal-state: night-1 ended FAILED at version 3, and has a row of version 4."
        in found
    )


def test_a_record_may_close_after_its_end() -> None:
    """Leaving the index of open operations is no change of state."""
    assert "single-terminal-state" not in names(broken(TraceBuilder().fail()))


def test_a_version_that_stands_still_is_seen() -> None:
    """A state that changes without its version would let two writers win."""
    trace = TraceBuilder()
    record = trace.operation.to_item()
    changed = {**record, "state": "SNAPSHOT_FOUND"}
    trace.entries.append(Wrote(trace.now, "a-step", "state", "night-1", changed, record))
    expected = "version: night-1 went from ACCEPTED to SNAPSHOT_FOUND while its version rose by 0."

    assert expected in broken(trace)


def test_a_change_without_its_row_is_seen() -> None:
    """A change without an audit row is found at the next change, and at rest."""
    found = broken(
        without(TraceBuilder().succeed(), lambda entry: _is_row(entry, "night-1#000003"))
    )

    assert "version: The row night-1#000004 came without the row of version 3." in found
    assert any(
        "night-1 is at version 15, and its trail has the rows [1, 2, 4" in violation
        for violation in found
    )


def test_a_missing_last_row_is_seen_at_rest() -> None:
    """Nothing follows it that could miss it."""
    found = broken(without(TraceBuilder().succeed(), lambda entry: _is_row(entry, LAST)))

    assert any(violation.startswith("version: night-1 is at version 15") for violation in found)


def test_a_row_that_is_written_twice_is_seen() -> None:
    """A row is the trail of one change only."""
    trace = TraceBuilder()
    trace.entries.append(trace.entries[1])

    assert "version: The row night-1#000001 was written twice." in broken(trace)


def test_a_row_that_does_not_follow_is_seen() -> None:
    """A row whose from_state is not the to_state of the row before it is found."""
    found = broken(rewritten(TraceBuilder().copy().fail(), "night-1#000003", from_state="ACCEPTED"))
    expected = (
        "version: The row night-1#000003 goes from ACCEPTED to COPYING, but before it stood "
        "SNAPSHOT_FOUND."
    )

    assert expected in found


def test_a_way_that_the_flow_does_not_know_is_seen() -> None:
    """A change that the flow does not allow is found in record and row, as is an unknown state."""
    found = broken(TraceBuilder().go(State.TARGET_CLEAR).fail())
    strange = broken(rewritten(TraceBuilder().fail(), "night-1#000002", to_state="DREAMING"))
    expected = (
        "version: night-1 went from ACCEPTED to TARGET_CLEAR, a way that the flow does not know."
    )

    assert expected in found
    assert any(
        "goes from ACCEPTED to DREAMING, of which the flow does not know both" in violation
        for violation in strange
    )


def test_a_row_under_another_name_is_seen() -> None:
    """The key is made of operation and version."""
    trace = TraceBuilder()
    trace.entries[1] = _renamed(trace.entries[1], "night-1#1")

    assert any("not named after its operation" in violation for violation in broken(trace.fail()))


def _is_row(entry: Entry, key: str) -> bool:
    return isinstance(entry, Wrote) and entry.table == "audit" and entry.key == key


def _renamed(entry: Entry, key: str) -> Entry:
    assert isinstance(entry, Wrote)
    return replace(entry, key=key)
