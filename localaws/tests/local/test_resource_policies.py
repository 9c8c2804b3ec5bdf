"""A queue, a topic, and another account's bus take from a rule only what their policy lets in."""

import json
import uuid
from typing import Any

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server
from tests.local.bus import ACCOUNT, ENTRY, connect, put
from tests.local.conftest import Clients, Inbox

WAIT_SECONDS = 20


def policy(**statement: Any) -> str:
    """Write the policy of a queue with one statement."""
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
    }
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**allow, "Resource": "*", **statement}]}
    )


RULE = f"arn:aws:events:us-west-2:{ACCOUNT}:rule/guarded"
DENIED = json.loads(policy(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "true"}}))[
    "Statement"
]


@pytest.mark.parametrize(
    ("written", "lets_in"),
    [
        (None, False),
        (policy(), True),
        (policy(Condition={"ArnEquals": {"aws:SourceArn": RULE}}), True),
        (
            policy(Condition={"ArnLike": {"AWS:SourceArn": [f"{RULE}-not", "arn:*:rule/guard*"]}}),
            True,
        ),
        (policy(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}), True),
        (
            policy(Principal="*", Action="sqs:*", Condition={"ArnEquals": {"aws:SourceArn": RULE}}),
            True,
        ),
        (policy(Condition={"ArnEquals": {"aws:SourceArn": f"{RULE}-not"}}), False),
        (policy(Condition={"StringEquals": {"aws:SourceAccount": "222222222222"}}), False),
        (policy(Condition={"StringEquals": {"aws:PrincipalTag/team": "x"}}), False),
        (policy(Principal={"Service": "sns.amazonaws.com"}), False),
        (policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), False),
        (policy(Action="sqs:ReceiveMessage"), False),
        (policy(Resource=f"arn:aws:sqs:us-west-2:{ACCOUNT}:another"), False),
        (json.dumps({"Statement": [*json.loads(policy())["Statement"], *DENIED]}), False),
    ],
)
def test_a_queue_takes_only_what_its_policy_lets_in(
    clients: Clients, inbox: Inbox, written: str | None, lets_in: bool
) -> None:
    """A queue takes from a rule only what its policy lets in; the rest goes to the dead letters,
    with the reason.
    """
    guarded = Inbox(clients("sqs"), f"guarded-{uuid.uuid4()}", policy=written)
    target = {"Id": "1", "Arn": guarded.arn, "DeadLetterConfig": {"Arn": inbox.arn}}
    clients("events").put_rule(Name="guarded", EventPattern='{"source": ["guard"]}')
    clients("events").put_targets(Rule="guarded", Targets=[target])
    put_one = put(clients, Source="guard")["EventId"]
    reached = guarded if lets_in else inbox

    assert put_one == reached.wait_for("source", event_id=put_one)[0]["id"]


def test_a_dead_letter_says_why(clients: Clients) -> None:
    """The rule, the target and the reason are attributes of the message."""
    letters, guarded = (
        Inbox(clients("sqs"), "why-letters"),
        Inbox(clients("sqs"), "why", policy=None),
    )
    target = {"Id": "1", "Arn": guarded.arn, "DeadLetterConfig": {"Arn": letters.arn}}
    clients("events").put_rule(Name="why", EventPattern='{"source": ["why"]}')
    clients("events").put_targets(Rule="why", Targets=[target])
    put(clients, Source="why")
    (message,) = clients("sqs").receive_message(
        QueueUrl=letters.url, MessageAttributeNames=["All"], WaitTimeSeconds=WAIT_SECONDS
    )["Messages"]
    attributes = {
        name: message_attribute["StringValue"]
        for name, message_attribute in message["MessageAttributes"].items()
    }

    assert f"arn:aws:events:us-west-2:{ACCOUNT}:rule/why" == attributes["RULE_ARN"]
    assert guarded.arn == attributes["TARGET_ARN"]
    assert "does not let events.amazonaws.com in" in attributes["ERROR_MESSAGE"]


def test_dead_letters_need_a_policy_too(clients: Clients, inbox: Inbox) -> None:
    """A dead-letter queue needs a policy too: without one the event is lost, and the next rule's
    target gets it.
    """
    nothing = Inbox(clients("sqs"), "no-letters", policy=None)
    target = {"Id": "1", "Arn": nothing.arn, "DeadLetterConfig": {"Arn": nothing.arn}}
    clients("events").put_rule(Name="a-lossy-one", EventPattern='{"source": ["lossy"]}')
    clients("events").put_targets(Rule="a-lossy-one", Targets=[target])
    connect(clients, "b-whole-one", {"source": ["lossy"]}, inbox.arn)
    event_id = put(clients, Source="lossy")["EventId"]
    inbox.wait_for("source", event_id=event_id)

    assert [] == clients("sqs").receive_message(QueueUrl=nothing.url).get("Messages", [])


def test_a_topic_takes_only_what_its_policy_lets_in(clients: Clients, inbox: Inbox) -> None:
    """A topic takes from a rule only what its policy lets in; the policy that it begins with lets
    no rule in.
    """
    topic = clients("sns").create_topic(Name="guarded-topic")["TopicArn"]
    target = {"Id": "1", "Arn": topic, "DeadLetterConfig": {"Arn": inbox.arn}}
    clients("events").put_rule(Name="to-guarded-topic", EventPattern='{"source": ["to-topic"]}')
    clients("events").put_targets(Rule="to-guarded-topic", Targets=[target])
    event_id = put(clients, Source="to-topic")["EventId"]

    assert event_id == inbox.wait_for("source", event_id=event_id)[0]["id"]


@pytest.mark.parametrize(
    ("conditions", "arrives"),
    [
        ({"events:source": "far"}, True),
        ({"events:source": "far", "events:detail-type": "Something"}, True),
        ({"events:source": "near"}, False),
        (None, False),
    ],
)
def test_another_accounts_bus_lets_in_what_its_policy_says(
    server: Server, clients: Clients, inbox: Inbox, conditions: dict[str, str] | None, arrives: bool
) -> None:
    """Another account's bus lets events in by account, source and detail-type; the rest goes to the
    sender's dead letters.
    """
    other, bus = "222222222222", f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/default"
    theirs = EndpointClients(server.endpoint).of_account("events", "us-west-2", other)
    ours = clients("events")
    ours.remove_permission(RemoveAllPermissions=True)
    if conditions is not None:
        statement = {
            "Sid": "other",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{other}:root"},
            "Resource": bus,
            "Action": "events:PutEvents",
            "Condition": {"StringEquals": conditions},
        }
        ours.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    arrived = Inbox(clients("sqs"), f"arrived-{uuid.uuid4()}")
    connect(clients, "from-another-account", {"source": ["far"], "account": [other]}, arrived.arn)
    letters = EndpointClients(server.endpoint).of_account("sqs", "us-west-2", other)
    theirs.put_rule(Name="away", EventPattern='{"source": ["far"]}')
    lost = Inbox(letters, "away-letters")
    theirs.put_targets(
        Rule="away", Targets=[{"Id": "1", "Arn": bus, "DeadLetterConfig": {"Arn": lost.arn}}]
    )
    event_id = theirs.put_events(Entries=[{**ENTRY, "Source": "far"}])["Entries"][0]["EventId"]
    reached = arrived if arrives else lost

    assert other == reached.wait_for("source", event_id=event_id)[0]["account"]
