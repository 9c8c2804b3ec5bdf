"""The last page: lines for a shell that hold no secret, and requests that the app understands."""

import json
import shlex
from typing import Any

import pytest

from chalicelib import plan
from chalicelib.events import RestoreRequested, parse_request
from console.demo import aws, closing

CLUSTER = {"Endpoint": "127.0.0.1", "Port": 15432}
APP = {
    "app_username": "app", "app_password": "hush-one",
    "readonly_username": "reader", "readonly_password": "hush-two",
}  # fmt: skip
MASTER = {"database": "shop", "username": "admin", "password": "hush-three"}
RECORD: dict[str, Any] = {
    "operation_id": "default-1",
    "state": "SUCCEEDED",
    "facts": {"snapshot_arn": "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:rds:prod"},
}


def asked_for(record: dict[str, Any]) -> RestoreRequested:
    """Take the command apart as a shell and the app would."""
    words = shlex.split(closing.rerun(record))
    entry = json.loads(words[words.index("--entries") + 1])[0]
    assert (entry["Source"], entry["DetailType"]) == ("aurora-restore.local", "RestoreRequested")
    return parse_request(RestoreRequested, json.loads(entry["Detail"]))


def test_psql_lines_fetch_the_password_and_show_none() -> None:
    """Whoever reads over a shoulder learns nothing."""
    lines = [door.psql() for door in closing.doors(CLUSTER, APP, MASTER, "shop")]

    assert not any("hush-" in line for line in lines)
    assert [True, True, True] == ["aws secretsmanager get-secret-value" in line for line in lines]
    assert lines[0].endswith("psql -h 127.0.0.1 -p 15432 -U app -d shop")


def test_a_good_restore_is_asked_for_again_by_its_snapshot() -> None:
    """An operation that succeeded has no step to continue at."""
    expected = RestoreRequested(request_id="again-default-1", snapshot_identifier=RECORD["facts"]["snapshot_arn"])

    assert expected == asked_for(RECORD)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "SKIPPED"])
def test_any_other_end_is_continued(state: str) -> None:
    """The operation is named."""
    assert asked_for(RECORD | {"state": state}) == RestoreRequested(request_id="again-default-1", rerun_of="default-1")


def test_the_demo_calls_things_as_the_app_does() -> None:
    """The demo imports nothing of the app, so the names that both use are compared here."""
    assert aws.ARCHIVED_TAG == plan.ARCHIVED_TAG
