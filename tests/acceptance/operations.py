"""Operations of a running world, as its records tell of them, and what people type to have some."""

import os
import subprocess
import time
from typing import Any

from tests.acceptance.role_decisions import put
from tests.acceptance.up import ROOT, Up
from tests.docs.readme import commands

NIGHT_SECONDS_MAX = 300.0  # a busy machine needs three minutes
LOOK_SECONDS = 0.25
SET_UP_ALREADY = (
    'make() { command make --no-print-directory -o .venv/.ready -o .wheels/.ready YES=1 "$@"; }'
)
ENDS = {"SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"}


def newest_record(world: Up, stage: str = "local") -> dict[str, Any] | None:
    """Return the record of the operation that was created last, retirements aside."""
    found = world.client("dynamodb").query(
        TableName=f"aurora-restore-{stage}-state",
        IndexName="by-plan",
        KeyConditionExpression="#plan = :plan",
        ExpressionAttributeNames={"#plan": "plan"},
        ExpressionAttributeValues={":plan": {"S": "default"}},
        ScanIndexForward=False,
    )["Items"]
    return next(filter(is_no_retirement, found), None)


def is_no_retirement(record: dict[str, Any]) -> bool:
    """Tell a restore or a rollback from the operation that deletes a previous target later."""
    return bool(record["kind"]["S"] != "retire")


def record_of(world: Up, operation_id: str) -> dict[str, Any]:
    """Return the record of one operation."""
    key = {"operation_id": {"S": operation_id}}
    record: dict[str, Any] = world.client("dynamodb").get_item(
        TableName="aurora-restore-local-state", Key=key
    )["Item"]
    return record


def end_of_newest(world: Up, stage: str = "local") -> dict[str, Any]:
    """Wait until the newest operation has ended."""
    ends_at = time.monotonic() + NIGHT_SECONDS_MAX
    while (record := newest_record(world, stage)) is None or record["state"]["S"] not in ENDS:
        assert time.monotonic() < ends_at, record
        time.sleep(LOOK_SECONDS)
    return record


def end_of_all(world: Up) -> None:
    """Wait until no operation but retirements is open, so that the target is free."""
    query = {
        "TableName": "aurora-restore-local-state",
        "IndexName": "open-by-due",
        "KeyConditionExpression": "#open = :yes",
        "ExpressionAttributeNames": {"#open": "open"},
        "ExpressionAttributeValues": {":yes": {"S": "yes"}},
    }
    ends_at = time.monotonic() + NIGHT_SECONDS_MAX
    while found := [*filter(is_no_retirement, world.client("dynamodb").query(**query)["Items"])]:
        assert time.monotonic() < ends_at, found
        time.sleep(LOOK_SECONDS)


def wait_for_the_request(world: Up, request_id: str) -> dict[str, Any]:
    """Wait until the request has become an operation, and return its record."""
    ends_at = time.monotonic() + NIGHT_SECONDS_MAX
    while (record := newest_record(world)) is None or not record["operation_id"]["S"].startswith(
        request_id
    ):
        assert time.monotonic() < ends_at, record
        time.sleep(LOOK_SECONDS)
    return record


def wait_for_an_operation_of(world: Up, snapshot: str) -> None:
    """Wait until the newest operation is that of a snapshot, of which the ARN has some part."""
    ends_at = time.monotonic() + NIGHT_SECONDS_MAX
    while snapshot not in newest_record(world)["facts"]["M"]["snapshot"]["M"]["arn"]["S"]:  # type: ignore[index]
        assert time.monotonic() < ends_at, newest_record(world)
        time.sleep(LOOK_SECONDS)


def asked_for(world: Up, request_id: str) -> dict[str, Any]:
    """Ask for a restore, and wait for its end."""
    put(world, "RestoreRequested", request_id=request_id)
    wait_for_the_request(world, request_id)
    return end_of_newest(world)


def type_in(world: Up, *blocks: str) -> str:
    """Type blocks of the README into one shell, at this world's port; return what they print."""
    exports = commands("Keep it running")[0].replace("4577", str(world.port))
    typed = "\n".join([SET_UP_ALREADY, exports, *blocks])
    env, shell = {**os.environ, "PORT": str(world.port)}, ["bash", "-euc", typed]
    done = subprocess.run(
        shell, cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=300
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
