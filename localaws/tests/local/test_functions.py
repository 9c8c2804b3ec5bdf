"""Functions run from their deployed zips, as on Lambda."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Clients, Inbox
from tests.local.sample_function import deploy, write_app

ENTRY = {"DetailType": "Asked", "Detail": "{}"}


def ask(clients: Clients, **event: Any) -> dict[str, Any]:
    """Invoke `ask` and wait for its answer."""
    answer: dict[str, Any] = clients("lambda").invoke(
        FunctionName="tiny-local-ask", Payload=json.dumps(event), LogType="Tail"
    )
    return {**answer, "Payload": json.load(answer["Payload"])}


def put(clients: Clients, source: str) -> str:
    """Put an event of a source on the default bus and return its id."""
    answer = clients("events").put_events(Entries=[{**ENTRY, "Source": source}])
    return str(answer["Entries"][0]["EventId"])


def test_an_event_reaches_the_deployed_handler(app: Path, clients: Clients, inbox: Inbox) -> None:
    """A rule of `chalice deploy` delivers the whole envelope, and the handler sees its own
    environment.
    """
    event_id = put(clients, "tiny.echo")
    (told,) = inbox.wait_for("event", event_id=event_id)
    event = told["event"]
    found = [
        *(event[name] for name in ("id", "version", "account", "region")),
        told["colour"],
    ]

    assert [event_id, "0", "123456789012", "us-west-2", "blue"] == found


def test_a_handler_sees_its_package_and_boto3_only(
    app: Path, clients: Clients, inbox: Inbox
) -> None:
    """Neither this repository nor its environment is on the path of a function."""
    (told,) = inbox.wait_for("event", event_id=put(clients, "tiny.echo"))
    paths = told["modules"]

    assert [] == [path for path in paths if "site-packages" in path or Path(path) == Path.cwd()]


def test_a_warm_worker_is_used_again(app: Path, clients: Clients) -> None:
    """Two invocations one after the other run in one process."""
    first, second = ask(clients), ask(clients)

    assert first["Payload"]["process"] == second["Payload"]["process"]


def test_an_answer_has_the_documented_context(app: Path, clients: Clients) -> None:
    """The context names the function, and Lambda's own variables are set."""
    answer = ask(clients)["Payload"]
    version = f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}"
    environment = answer["environment"]
    found = tuple(
        answer["context"][name] for name in ("function_name", "function_version", "log_group_name")
    )

    assert ("tiny-local-ask", "$LATEST", "/aws/lambda/tiny-local-ask") == found
    assert "us-west-2" == environment["AWS_REGION"]
    assert "tiny-local-ask" == environment["AWS_LAMBDA_FUNCTION_NAME"]
    assert environment["AWS_EXECUTION_ENV"].startswith(version)


def test_what_a_function_prints_is_in_its_log_group(app: Path, clients: Clients) -> None:
    """A printed line is in the tail of the answer and in CloudWatch Logs."""
    tail = base64.b64decode(ask(clients, what="the-time")["LogResult"]).decode()
    events = clients("logs").filter_log_events(logGroupName="/aws/lambda/tiny-local-ask")["events"]

    assert "asked the-time" in tail.splitlines()
    assert "asked the-time" in [event["message"] for event in events]


@pytest.mark.parametrize(
    ("end", "kind"),
    [("raise", "LookupError"), ("exit", "Runtime.ExitError")],
    ids=["raises", "exits"],
)
def test_a_function_that_fails_says_how(app: Path, clients: Clients, end: str, kind: str) -> None:
    """An exception, and the death of the process, come back as function errors."""
    answer = ask(clients, end=end)

    assert ("Unhandled", kind) == (answer["FunctionError"], answer["Payload"]["errorType"])


def test_an_event_is_tried_three_times(app: Path, clients: Clients, inbox: Inbox) -> None:
    """A function that raises runs again twice, with the same request id.

    Then the failure's destination is told.
    """
    failures = Inbox(clients("sqs"), "failures")
    clients("lambda").put_function_event_invoke_config(
        FunctionName="tiny-local-fail",
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )
    put(clients, "tiny.fail")
    (record,) = failures.wait_for("requestContext")
    attempts = inbox.wait_for("attempt", count=3)
    context = record["requestContext"]

    assert 1 == len({attempt["attempt"] for attempt in attempts})
    assert ("RetriesExhausted", 3) == (context["condition"], context["approximateInvokeCount"])
    assert "ValueError" == record["responsePayload"]["errorType"]


def test_no_more_retries_than_asked_for(app: Path, clients: Clients) -> None:
    """MaximumRetryAttempts of the asynchronous settings is honoured, and the last settings put are
    those that count.
    """
    dropped = Inbox(clients("sqs"), "dropped")
    clients("lambda").put_function_event_invoke_config(
        FunctionName="tiny-local-fail",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": dropped.arn}},
    )
    put(clients, "tiny.fail")

    assert 1 == dropped.wait_for("requestContext")[0]["requestContext"]["approximateInvokeCount"]


def test_a_function_is_ended_at_its_timeout(app: Path, clients: Clients, inbox: Inbox) -> None:
    """A handler that outlives its timeout of one second is killed, after seeing how little time it
    had.
    """
    event = dict.fromkeys(
        ("version", "id", "detail-type", "source", "account", "time", "region"), ""
    )
    payload = json.dumps({**event, "resources": [], "detail": {}})
    answer = clients("lambda").invoke(FunctionName="tiny-local-slow", Payload=payload)
    error = json.load(answer["Payload"])

    assert "Unhandled" == answer["FunctionError"]
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert 0 < inbox.wait_for("began")[0]["milliseconds"] <= 1000


def test_a_schedule_fires(app: Path, inbox: Inbox) -> None:
    """`rate(5 minutes)` invokes with a scheduled event, as often as this world's speed says."""
    first, second = inbox.wait_for("ticked", count=2)[:2]
    event = first["ticked"]

    assert ("aws.events", "Scheduled Event") == (event["source"], event["detail-type"])
    assert event["id"] != second["ticked"]["id"]
    assert ["arn:aws:events:us-west-2:123456789012:rule/tiny-local-tick-event"] == event[
        "resources"
    ]


def test_two_invocations_of_one_function_run_at_once(
    app: Path, clients: Clients, inbox: Inbox
) -> None:
    """Two invocations of one function run at once, each in a process of its own."""
    for _ in range(2):
        clients("lambda").invoke(
            FunctionName="tiny-local-ask", Payload=json.dumps({"pause": 1}), InvocationType="Event"
        )
    told = inbox.wait_for("paused", count=2)

    assert 2 == len({event["paused"] for event in told})


def test_above_the_reserved_concurrency_a_caller_is_throttled(app: Path, clients: Clients) -> None:
    """With nothing reserved but zero, a synchronous call is refused as Lambda refuses it."""
    functions = clients("lambda", attempts=1)
    functions.put_function_concurrency(
        FunctionName="tiny-local-slow", ReservedConcurrentExecutions=0
    )
    with pytest.raises(ClientError) as refused:
        functions.invoke(FunctionName="tiny-local-slow", Payload="{}")
    functions.delete_function_concurrency(FunctionName="tiny-local-slow")

    assert "TooManyRequestsException" == refused.value.response["Error"]["Code"]


def test_a_deployment_replaces_warm_workers(
    app: Path, clients: Clients, inbox: Inbox, environment: dict[str, str]
) -> None:
    """The next event after a deployment sees the new settings."""
    deploy(write_app(app, queue=inbox.url, colour="red"), environment)
    (told,) = inbox.wait_for("event", event_id=put(clients, "tiny.echo"))

    assert "red" == told["colour"]


@pytest.mark.parametrize(
    "setting",
    [
        {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-west-2:123456789012:tiny"}},
        {"Runtime": "python3.10"},
    ],
    ids=["dead letters", "another runtime"],
)
def test_what_would_be_dropped_is_refused(
    app: Path, clients: Clients, setting: dict[str, Any]
) -> None:
    """A setting that moto would accept and forget, or that would run differently here, is refused
    with a sentence.
    """
    with pytest.raises(ClientError) as refused:
        clients("lambda").update_function_configuration(FunctionName="tiny-local-ask", **setting)

    assert "LocalAwsNotModelled" == refused.value.response["Error"]["Code"]
    assert refused.value.response["Error"]["Message"].endswith(".")
