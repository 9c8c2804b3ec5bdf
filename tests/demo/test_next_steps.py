"""The last page: lines for a shell that hold no secret, and requests that the app understands."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.flow import ownership
from chalicelib.flow.choreography import State
from chalicelib.messages.requests import RestoreRequested, parse_request
from demo import aws, next_steps
from simulation.stage import TOPIC
from tests.events.test_announcements import ended

CLUSTER = {"Endpoint": "127.0.0.1", "Port": 15432}
APP = {
    "app_username": "app", "app_password": "hush-one",
    "readonly_username": "reader", "readonly_password": "hush-two",
}  # fmt: skip
MASTER = {"database": "shop", "username": "admin", "password": "hush-three"}
RECORD: dict[str, Any] = {
    "operation_id": "default-1",
    "state": "SUCCEEDED",
    "facts": {"snapshot": {"arn": "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:rds:prod"}},
}


def asked_for(record: dict[str, Any]) -> RestoreRequested:
    """Take the command apart as a shell and the app would."""
    words = shlex.split(next_steps.rerun(record))
    entry = json.loads(words[words.index("--entries") + 1])[0]
    assert (entry["Source"], entry["DetailType"]) == ("aurora-restore.local", "RestoreRequested")
    return parse_request(RestoreRequested, json.loads(entry["Detail"]))


def test_psql_lines_fetch_the_password_and_show_none() -> None:
    """The printed lines fetch each password from its secret and contain none."""
    lines = [
        connection.psql() for connection in next_steps.connections(CLUSTER, APP, MASTER, "shop")
    ]

    assert not any("hush-" in line for line in lines)
    assert [True, True, True] == ["aws secretsmanager get-secret-value" in line for line in lines]
    assert lines[0].endswith("psql -w -h 127.0.0.1 -p 15432 -U app -d shop")


def test_a_good_restore_is_asked_for_again_by_its_snapshot() -> None:
    """After a success the command restores the same snapshot, since there is no step to
    continue.
    """
    expected = RestoreRequested(
        request_id="again-default-1", snapshot_identifier=RECORD["facts"]["snapshot"]["arn"]
    )

    assert expected == asked_for(RECORD)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "SKIPPED"])
def test_any_other_end_is_continued(state: str) -> None:
    """After any other end the command reruns that operation."""
    assert asked_for(RECORD | {"state": state}) == RestoreRequested(
        request_id="again-default-1", rerun_of="default-1"
    )


def test_the_exports_work_in_any_folder() -> None:
    """The exports put this environment's programs first on the path, by their full path."""
    script = "\n".join(
        [*next_steps.exports("http://127.0.0.1:4577"), 'printf "%s" "$PATH $AWS_ENDPOINT_URL"']
    )
    ran = subprocess.run(
        ["/bin/sh", "-euc", script], cwd="/", capture_output=True, text=True, check=True, timeout=10
    )

    assert ran.stdout.startswith(f"{Path(sys.executable).parent}:")
    assert ran.stdout.endswith(" http://127.0.0.1:4577")


def test_commands_are_printed_only_where_they_work() -> None:
    """A world that ends with the demo leaves nothing to query: what leaves one running is said
    instead.
    """
    typed = [*next_steps.exports("http://127.0.0.1:4577"), next_steps.rerun(RECORD)]
    (sentence,) = next_steps.offered(typed, kept=False)

    assert typed == list(next_steps.offered(typed, kept=True))[1:]
    assert "make demo KEEP=1" in sentence


def test_the_durations_of_a_night_have_one_sum() -> None:
    """The demo and the notification tell the same sum of the listed states."""
    stage = ended(how=State.SUCCEEDED)
    operation = stage.all_operations()[-1]
    text = json.loads(stage.topics.published(TOPIC)[-1]["sqs"])["text"]
    (told,) = re.findall(
        r"^Time: ([\d.]+) s in all, ([\d.]+) s of them our own", text, re.MULTILINE
    )
    listed = re.findall(r"^  [A-Z_]+ +([\d.]+) s$", text, re.MULTILINE)
    output = next_steps.times(operation.to_item(), snapshot_seconds=1.0)

    assert f"{sum(map(float, listed)):.1f}" == told[0]
    assert output.startswith(
        f"  {told[0]} s for the restore, {told[1]} s of them our own; before it 1.0 s"
    )


def test_the_demo_calls_things_as_the_app_does() -> None:
    """The demo imports nothing of the app, so the names that both use are compared here."""
    assert aws.ARCHIVED_TAG == ownership.ARCHIVED_TAG
