"""Events of the past are let be: what was right once would replace a target now, or stop an
operation.
"""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.refusals.scene import RefusalScene, is_sentence

PAST = ["old", "replayed"]


def put_again(scene: RefusalScene, event: dict[str, Any], past: str) -> dict[str, Any]:
    """Make an event as it would come days later, or out of an archive."""
    if past == "replayed":
        return {**event, "replay-name": "by-mistake"}
    long_ago = scene.stage.clock.now() - timedelta(hours=31)
    return {**event, "time": long_ago.isoformat(timespec="seconds").replace("+00:00", "Z")}


def deliver_again(scene: RefusalScene, past: str) -> None:
    """Deliver what waits on the bus as an event of the past."""
    scene.stage.deliver_one(put_again(scene, scene.stage.queue.pop(), past))


@pytest.mark.parametrize("past", PAST)
def test_a_stale_request_starts_nothing_and_is_notified(scene: RefusalScene, past: str) -> None:
    """An old request could replace a target in use, so it is refused."""
    scene.stage.put("RestoreRequested", request_id="before-the-release")
    deliver_again(scene, past)
    (notice,) = scene.stage.notices()

    assert [] == scene.stage.all_operations()
    assert [] == scene.stage.failures
    assert notice["reason"].startswith("The event was not accepted: it ")
    assert is_sentence(notice["reason"])
    assert "Send it again if it is still needed." == notice["remedy"]
    assert 1 == len(scene.logs.metrics("RequestRefused"))


@pytest.mark.parametrize("past", PAST)
def test_a_stale_cancel_stops_nothing_and_is_notified(scene: RefusalScene, past: str) -> None:
    """An old cancel was about an earlier operation, so it is refused."""
    scene.stage.night()
    operation = scene.run_until(State.COPYING)
    scene.stage.queue.clear()
    scene.stage.put("CancelRequested", operation_id=operation.operation_id)
    deliver_again(scene, past)

    assert operation == scene.stage.only()
    assert ["The event was not accepted"] == [
        notice["reason"].split(":")[0] for notice in scene.stage.notices()
    ]


@pytest.mark.parametrize("past", PAST)
def test_a_stale_snapshot_event_starts_nothing(scene: RefusalScene, past: str) -> None:
    """The snapshot is there and nobody restored it: the heartbeat decides what is caught up, not an
    archive.
    """
    scene.stage.night()
    scene.stage.move_to(scene.stage.aurora.next_transition() or scene.stage.clock.now())
    scene.stage.aurora.tick()
    created = scene.stage.queue.pop()
    scene.stage.deliver_one(put_again(scene, created, past))

    assert [] == scene.stage.all_operations()
    assert [] == scene.stage.notices()
    assert 1 == len(scene.logs.metrics("EventIgnored"))
    assert scene.logs.lines("Ignored: it ")


@pytest.mark.parametrize("past", PAST)
def test_stale_announcements_and_rds_events_wake_nobody(scene: RefusalScene, past: str) -> None:
    """Ours and RDS's: the record would not be theirs any more, and the heartbeat announces what
    still is.
    """
    scene.stage.night()
    operation = scene.run_until(State.TARGET_DELETING)
    deliver_again(scene, past)
    waiting = scene.stage.only()

    assert (operation, 1) == (waiting, len(scene.logs.lines("Ignored: it ")))
    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state
