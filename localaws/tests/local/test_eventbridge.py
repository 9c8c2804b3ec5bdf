"""EventBridge accepts, matches and delivers as on AWS, and refuses what localaws does not deliver
to.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.server import Server
from tests.local.bus import ACCOUNT, ENTRY, connect, put
from tests.local.conftest import RULES_MAY, Clients, Inbox
from tests.local.warm_server import create_function

BUS = f"arn:aws:events:{{region}}:{ACCOUNT}:event-bus/default"
QUEUE = f"arn:aws:sqs:us-west-2:{ACCOUNT}:tiny"
TRIED = {
    "id": "1",
    "account": ACCOUNT,
    "source": "mine",
    "time": "2026-11-23T03:04:05Z",
    "region": "us-west-2",
    "detail-type": "Something",
    "detail": {},
}


def test_a_queue_gets_the_whole_envelope(clients: Clients, inbox: Inbox) -> None:
    """An SQS target receives version, account and resources too, and the time that was given."""
    connect(clients, "to-queue", {"source": ["mine"]}, inbox.arn)
    time = datetime(2026, 11, 23, 3, 4, 5, 678000, tzinfo=UTC)
    answer = put(clients, Time=time, Resources=["arn:aws:x"])
    (event,) = inbox.wait_for("source", event_id=answer["EventId"])
    expected = {
        "version": "0",
        "id": answer["EventId"],
        "detail-type": "Something",
        "source": "mine",
        "account": ACCOUNT,
        "time": "2026-11-23T03:04:05Z",
        "region": "us-west-2",
        "resources": ["arn:aws:x"],
        "detail": {"a": 1},
    }

    assert expected == event


def test_an_event_is_forwarded_unchanged_and_once(clients: Clients, inbox: Inbox) -> None:
    """A default bus of another region gets the very event, and does not pass it on to a third."""
    east, west, third = "us-east-1", "us-west-2", "eu-west-1"
    connect(clients, "forward", {"source": ["far"]}, BUS.format(region=west), east)
    connect(clients, "arrived", {"source": ["far"], "region": [east]}, inbox.arn, west)
    connect(clients, "onward", {"source": ["far"]}, BUS.format(region=third), west)
    lost = Inbox(clients("sqs", third), "lost")
    connect(clients, "lost", {"source": ["far", "near"]}, lost.arn, third)
    answer = put(clients, east, Source="far", Resources=["arn:aws:y"])
    (event,) = inbox.wait_for("source", event_id=answer["EventId"])
    last = put(clients, third, Source="near")
    arrived = lost.wait_for("source")

    assert (east, ACCOUNT, ["arn:aws:y"]) == (event["region"], event["account"], event["resources"])
    assert [last["EventId"]] == [event["id"] for event in arrived]


def test_a_disabled_rule_delivers_nothing(clients: Clients, inbox: Inbox) -> None:
    """Of two events only the one put after the rule was enabled again arrives."""
    connect(clients, "sleeping", {"source": ["sleepy"]}, inbox.arn)
    clients("events").disable_rule(Name="sleeping")
    put(clients, Source="sleepy")
    connect(clients, "marker", {"source": ["marker"]}, inbox.arn)
    inbox.wait_for("source", event_id=put(clients, Source="marker")["EventId"])
    clients("events").enable_rule(Name="sleeping")
    second = put(clients, Source="sleepy")
    inbox.wait_for("source", event_id=second["EventId"])
    found = [event["id"] for event in inbox.wait_for("source") if event["source"] == "sleepy"]

    assert [second["EventId"]] == found


def test_a_topic_fans_out_to_its_queue(clients: Clients, inbox: Inbox) -> None:
    """An SNS target publishes the event, and the subscribed queue receives it."""
    topic = clients("sns").create_topic(Name="topic", Attributes={"Policy": RULES_MAY})["TopicArn"]
    clients("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn)
    connect(clients, "to-topic", {"source": ["fan"]}, topic)
    answer = put(clients, Source="fan")
    (notification,) = inbox.wait_for("TopicArn")

    assert answer["EventId"] == json.loads(notification["Message"])["id"]


def test_an_event_without_a_target_goes_to_the_dead_letters(clients: Clients, inbox: Inbox) -> None:
    """A function that is not there is not retried.

    Its event lands in the target's dead-letter queue.
    """
    letters = Inbox(clients("sqs"), "letters")
    clients("events").put_rule(Name="to-nobody", EventPattern='{"source": ["lonely"]}')
    missing = f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:nobody"
    target = {"Id": "1", "Arn": missing, "DeadLetterConfig": {"Arn": letters.arn}}
    clients("events").put_targets(Rule="to-nobody", Targets=[target])

    assert put(clients, Source="lonely")["EventId"] == letters.wait_for("source")[0]["id"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Source": "aws.rds"}, "NotAuthorizedForSourceException"),
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": "x" * 129}, "InvalidArgument"),
        ({"Detail": "not json"}, "MalformedDetail"),
        ({"Detail": "[1]"}, "MalformedDetail"),
    ],
)
def test_a_wrong_entry_fails_alone(clients: Clients, fields: dict[str, Any], code: str) -> None:
    """A wrong entry has an error code, while the request succeeds and the right entry gets an
    id.
    """
    answer = clients("events").put_events(Entries=[{**ENTRY, **fields}, ENTRY])

    assert 1 == answer["FailedEntryCount"]
    assert code == answer["Entries"][0]["ErrorCode"]
    assert "EventId" in answer["Entries"][1]


def test_an_event_for_a_bus_that_is_not_there_is_accepted(clients: Clients) -> None:
    """An event for a bus that does not exist gets an event id and is dropped, as on AWS."""
    assert "EventId" in put(clients, EventBusName="nowhere")


def test_too_much_at_once_is_refused(clients: Clients) -> None:
    """A request above 256 KB is refused whole."""
    with pytest.raises(ClientError) as refused:
        put(clients, Detail=json.dumps({"a": "x" * 262_144}))

    assert "ValidationException" == refused.value.response["Error"]["Code"]


def test_a_function_runs_only_for_a_rule_that_it_permits(clients: Clients, server: Server) -> None:
    """Without AddPermission for the rule a function is not invoked: the event goes to the dead
    letters.
    """
    create_function(server.endpoint, "closed", "def handler(event, context):\n    return None\n")
    letters = Inbox(clients("sqs"), "closed-letters")
    clients("events").put_rule(Name="knock", EventPattern='{"source": ["knock"]}')
    function = f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:closed"
    target = {"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": letters.arn}}
    clients("events").put_targets(Rule="knock", Targets=[target])

    assert put(clients, Source="knock")["EventId"] == letters.wait_for("source")[0]["id"]


def test_a_pattern_can_be_tested(clients: Clients) -> None:
    """TestEventPattern says whether an event matches a pattern."""
    answer = clients("events").test_event_pattern(
        EventPattern='{"source": ["mine"]}', Event=json.dumps(TRIED)
    )

    assert answer["Result"]


@pytest.mark.parametrize(
    "event", ["no event", "[]", "{}", json.dumps({**TRIED, "n": float("nan")})]
)
def test_a_pattern_is_tested_against_an_event_only(clients: Clients, event: str) -> None:
    """TestEventPattern refuses what is not an event."""
    with pytest.raises(ClientError) as refused:
        clients("events").test_event_pattern(EventPattern='{"source": ["mine"]}', Event=event)

    assert "ValidationException" == refused.value.response["Error"]["Code"]
    assert "Parameter Event is not valid." == refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"EventPattern": '{"source": [{"begins": "a"}]}'}, "InvalidEventPatternException"),
        ({"EventPattern": '{"source": "a"}'}, "InvalidEventPatternException"),
        ({"ScheduleExpression": "cron(0 3 * * ? *)"}, "LocalAwsNotModelled"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException"),
    ],
)
def test_a_rule_that_would_lie_is_refused(
    clients: Clients, rule: dict[str, str], code: str
) -> None:
    """Unknown operators, cron and malformed rates are refused when the rule is put."""
    with pytest.raises(ClientError) as refused:
        clients("events").put_rule(Name="wrong", **rule)

    assert code == refused.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"Arn": f"arn:aws:states:us-west-2:{ACCOUNT}:stateMachine:x"}, "LocalAwsNotModelled"),
        ({"Arn": f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/custom"}, "LocalAwsNotModelled"),
        ({"InputPath": "$.detail"}, "LocalAwsNotModelled"),
        ({"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:elsewhere"}, "ValidationException"),
        ({"Arn": "tiny"}, "ValidationException"),
        ({"Id": "a b"}, "ValidationException"),
        ({"Input": "not JSON"}, "ValidationException"),
        (
            {"DeadLetterConfig": {"Arn": f"arn:aws:sns:us-west-2:{ACCOUNT}:letters"}},
            "ValidationException",
        ),
        ({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "ValidationException"),
        ({"RetryPolicy": {"MaximumEventAgeInSeconds": 86_401}}, "ValidationException"),
    ],
    ids=json.dumps,
)
def test_a_target_that_is_not_delivered_to_is_refused(
    clients: Clients, target: dict[str, Any], code: str
) -> None:
    """A target that localaws does not deliver to, or not as AWS does, is refused with a sentence
    when it is put.
    """
    events = clients("events")
    events.put_rule(Name="targets", EventPattern='{"source": ["x"]}')
    with pytest.raises(ClientError) as refused:
        events.put_targets(Rule="targets", Targets=[{"Id": "1", "Arn": QUEUE, **target}])

    assert code == refused.value.response["Error"]["Code"]
    assert "." == refused.value.response["Error"]["Message"][-1]


@pytest.mark.parametrize(
    "detail", ['{"a": NaN}', '{"a":' * 5_000 + "1" + "}" * 5_000], ids=["NaN", "deep"]
)
def test_a_detail_that_is_no_json_is_malformed(clients: Clients, detail: str) -> None:
    """A Detail that AWS's JSON reader refuses never reaches a rule."""
    assert "MalformedDetail" == put(clients, Detail=detail)["ErrorCode"]
