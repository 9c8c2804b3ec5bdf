"""A data folder that takes no more: what needs no file goes on, the rest is refused so that clients
repeat it.
"""

import io
import json
import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from localaws.server import Server
from tests.local.bus import put
from tests.local.conftest import Clients, Inbox
from tests.local.warm_server import create_function

BYTES_MAX = 1_000
"""No file grows beyond this meanwhile.

The operating system then refuses to write, as on a full disk.
"""


@contextmanager
def full_disk() -> Iterator[None]:
    """Have this process, the server in it too, write no more than the beginning of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES_MAX, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full(server: Server) -> None:
    """Fill the folder's files beyond the limit, and the disk for the time of a test."""
    for file in ("iam.jsonl", "logs/writes.log", "logs/echo.log"):
        with (server.folder / file).open("a") as journal:
            journal.write(" " * BYTES_MAX + "\n")


ECHO = "import boto3\ndef handler(event, context):\n    print('told')\n    return event\n"


def test_a_function_that_cannot_be_unpacked_is_not_made(server: Server, clients: Clients) -> None:
    """A function that cannot be unpacked is not made: the refusal says what is full, and clients
    repeat the call.
    """
    source = (
        "TEXT = '" + "x" * 2 * BYTES_MAX + "'\ndef handler(event, context):\n    return len(TEXT)\n"
    )
    with full_disk(), pytest.raises(ClientError) as refused:
        create_function(server.endpoint, "large", source)
    made = [
        function["FunctionName"] for function in clients("lambda").list_functions()["Functions"]
    ]

    assert "ServiceUnavailable" == refused.value.response["Error"]["Code"]
    assert 503 == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert "large" not in made
    assert f"The data folder {server.folder} is full." in refused.value.response["Error"]["Message"]


def test_a_function_keeps_its_code_when_the_new_one_cannot_be_kept(
    server: Server, clients: Clients
) -> None:
    """An update that is refused changes nothing: the function runs its old code."""
    create_function(server.endpoint, "echo", ECHO)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", "#" * 2 * BYTES_MAX)
    with full_disk(), pytest.raises(ClientError):
        clients("lambda", attempts=1).update_function_code(
            FunctionName="echo", ZipFile=archive.getvalue()
        )
    found = json.load(clients("lambda").invoke(FunctionName="echo", Payload='{"a": 1}')["Payload"])

    assert {"a": 1} == found


def test_a_zip_that_is_none_is_refused(server: Server, clients: Clients) -> None:
    """A zip that cannot be unpacked is an error of the caller, and leaves no function."""
    create_function(server.endpoint, "unzipped", ECHO)
    with pytest.raises(ClientError) as refused:
        clients("lambda").update_function_code(FunctionName="unzipped", ZipFile=b"no zip")

    assert "InvalidParameterValueException" == refused.value.response["Error"]["Code"]


@pytest.mark.usefixtures("full")
def test_events_and_functions_go_on_without_a_line_in_a_file(
    server: Server, clients: Clients
) -> None:
    """In a full folder events are delivered and functions run; their lines are in CloudWatch and
    not in the files.
    """
    create_function(server.endpoint, "writes", ECHO)
    received = Inbox(clients("sqs"), "written")
    clients("events").put_rule(Name="full", EventPattern='{"source": ["full"]}')
    targets = ["arn:aws:logs:us-west-2:123456789012:log-group:writes", received.arn]
    clients("events").put_targets(
        Rule="full", Targets=[{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)]
    )
    with full_disk():
        event = put(clients, Source="full")["EventId"]
        (delivered,) = received.wait_for("source", event_id=event)
        answer = json.load(clients("lambda").invoke(FunctionName="writes", Payload="{}")["Payload"])
    lines = clients("logs").filter_log_events(logGroupName="writes")["events"]

    assert event == delivered["id"]
    assert {} == answer
    assert [event] == [json.loads(line["message"])["id"] for line in lines]
