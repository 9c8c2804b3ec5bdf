"""Two stages share an account and hear only themselves."""

import json
import time
from typing import Any

import pytest

from tests.deployment.place import REGION, Place

SECONDS_MAX = 30.0


def operations(place: Place, stage: str) -> list[dict[str, Any]]:
    """Read the operations of a stage."""
    items: list[dict[str, Any]] = place.clients("dynamodb", REGION).scan(TableName=f"aurora-restore-{stage}-state")[
        "Items"
    ]
    return [item for item in items if "open" in item]


def was_invoked(place: Place, function: str) -> bool:
    """Tell whether a function wrote a line."""
    group = f"/aws/lambda/{function}"
    return bool(place.clients("logs", REGION).describe_log_streams(logGroupName=group)["logStreams"])


def test_what_is_asked_of_one_the_other_does_not_hear(place: Place) -> None:
    """The same event source but for the stage's name; and each leaves by itself."""
    checkout = place.checkout("both", dev={}, test={})
    statuses = [place.deploy(stage, checkout).status for stage in ("dev", "test")]
    wish = {"Source": "aurora-restore.dev", "DetailType": "RestoreRequested", "Detail": json.dumps({"request_id": "x"})}
    place.clients("events", REGION).put_events(Entries=[wish])
    ends_at = time.monotonic() + SECONDS_MAX
    while not operations(place, "dev"):
        if time.monotonic() > ends_at:
            pytest.fail("The stage dev did not obey.")
    heard = [was_invoked(place, f"aurora-restore-{stage}-snapshot-check") for stage in ("dev", "test")]
    gone = place.destroy("dev", checkout, "--force")

    assert [0, 0] == statuses
    assert ([True, False], []) == (heard, operations(place, "test"))
    assert (0, 0, 11) == (gone.status, len(place.functions("dev")), len(place.functions("test")))
