"""Events that come too late or from the future: they are logged, and start nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import shown_name

# EventBridge tries for 24 hours to reach a function, and Lambda's queue then keeps an event for 6:
# an older event was sent again by somebody (EventBridge user guide, retry policy; Lambda developer
# guide, asynchronous invocation).
EVENT_AGE_MAX = timedelta(hours=30)
CLOCK_SKEW_MAX = timedelta(minutes=5)  # between the sender's clock and this one


def why_untimely(envelope: Mapping[str, Any], now: datetime) -> str | None:
    """Say why an event is stale or of the future; None for one that may be delivered now.

    An event from an archive was right once, and would now replace a target or stop an operation.
    EventBridge gives each event its time, so an event without a readable time was made by hand just
    now. Who sends an event may give it another time (PutEvents, `Time`); such an event is ignored.
    """
    # EventBridge adds the name to the events that it replays (user guide, archives).
    if replay := envelope.get("replay-name"):
        return f"it was replayed from an archive, by {shown_name(replay)}"
    time = str(envelope.get("time"))
    try:
        sent_at = datetime.fromisoformat(time)
        age = now - (sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC))
        timestamp = iso_timestamp(now - age)
    except ValueError:
        return None
    except OverflowError:
        return f"its time is {shown_name(time)}, outside of the calendar in UTC"
    if age < -CLOCK_SKEW_MAX:
        return f"it is of {timestamp}, which has not come yet"
    if age > EVENT_AGE_MAX:
        return f"it is of {timestamp}, {age // timedelta(hours=1)} hours ago"
    return None
