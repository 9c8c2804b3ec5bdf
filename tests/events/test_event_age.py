"""Events of the past: replayed from an archive, or older than anything that EventBridge could still
be delivering.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.messages.event_age import EVENT_AGE_MAX, why_untimely
from chalicelib.messages.requests import RestoreRequested, parse_request

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def of(moment: datetime | str | None, **more: Any) -> dict[str, Any]:
    """Make an envelope with this time."""
    time = moment.isoformat().replace("+00:00", "Z") if isinstance(moment, datetime) else moment
    return {"id": "1", "time": time, **more}


@pytest.mark.parametrize(
    "age", [timedelta(0), timedelta(hours=24), EVENT_AGE_MAX, timedelta(minutes=-5)]
)
def test_what_could_still_be_on_its_way_is_fresh(age: timedelta) -> None:
    """EventBridge tries for a day and Lambda for a quarter of one.

    A clock that is ahead makes no event old.
    """
    assert None is why_untimely(of(NOW - age), NOW)


@pytest.mark.parametrize("age", [EVENT_AGE_MAX + timedelta(seconds=1), timedelta(days=365)])
def test_what_nobody_could_still_be_delivering_is_stale(age: timedelta) -> None:
    """An event older than any delivery is stale, and the reason says when it was."""
    assert f"it is of {(NOW - age).isoformat()[:19]}.000Z" in str(why_untimely(of(NOW - age), NOW))


@pytest.mark.parametrize(
    "time", ["2026-11-20T04:00:00", "2026-11-20T04:00:00Z", "2026-11-20T01:00:00-03:00"]
)
def test_a_time_is_of_its_zone_and_without_one_of_utc(time: str) -> None:
    """A time with a zone is read in it, and one without as UTC."""
    assert "it is of 2026-11-20T04:00:00.000Z, 72 hours ago" == why_untimely(of(time), NOW)


def test_what_is_replayed_is_stale_however_young_it_is() -> None:
    """EventBridge adds the replay's name and leaves everything else as it was."""
    found = why_untimely(of(NOW, **{"replay-name": "last-week"}), NOW)

    assert "it was replayed from an archive, by last-week" == found


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-13-45T00:00:00Z"])
def test_an_event_without_a_time_that_can_be_read_is_fresh(time: str | None) -> None:
    """EventBridge gives each a time: this one was made by hand, just now."""
    assert None is why_untimely(of(time), NOW)


def test_an_event_without_any_time_is_fresh() -> None:
    """An event without a time, such as the console's test event, is fresh."""
    assert None is why_untimely({}, NOW)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_outside_of_the_calendar_is_untimely(time: str) -> None:
    """A time beyond the calendar is readable, but EventBridge delivers nothing at it."""
    why = why_untimely({"time": time}, datetime(2026, 11, 23, tzinfo=UTC))

    assert f"its time is {time}, outside of the calendar in UTC" == why


@pytest.mark.parametrize(
    "written", ["RDS:Prod-1", "ARN:aws:rds:us-east-1:123456789012:cluster-snapshot:RDS:Prod-1"]
)
def test_a_snapshots_identifier_is_read_in_any_case(written: str) -> None:
    """RDS stores identifiers in lower case."""
    request = parse_request(RestoreRequested, {"snapshot_identifier": written})

    assert written.lower() == request.snapshot_identifier
