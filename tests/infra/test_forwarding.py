"""The forwarding stack: Aurora's own events reach the stage's bus, from another region and another
account.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server

from tests.infra.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, SOURCE_REGION, Made

WAIT_SECONDS = 20
SNAPSHOT_EVENTS = ["RDS-EVENT-0168", "RDS-EVENT-0169"]


class Elsewhere(Made):
    """The stacks of one stage that are in another account."""

    def __call__(self, service: str, region: str = REGION) -> Any:
        """Give a client of the other account."""
        return self.clients.of_account(service, region, OTHER_ACCOUNT)


@pytest.fixture
def elsewhere(made: Made) -> Made:
    """Give the same stage's part in the source's account."""
    return Elsewhere(made.clients, made.stage)


def listen(made: Made) -> str:
    """Have a queue get what reaches the stage's bus from Aurora; returns its URL."""
    sqs, name = made("sqs"), f"heard-{made.stage}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    url: str = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    pattern = {"source": ["aws.rds"], "detail-type": ["RDS DB Cluster Snapshot Event"]}
    made("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}
    made("events").put_targets(Rule=name, Targets=[target])
    return url


def night(server: Server, source: Made, cluster: str, account: str) -> None:
    """Have Aurora make a cluster in the source's region and take its automated snapshot."""
    rds = source("rds", SOURCE_REGION)
    master = {"MasterUsername": "postgres", "MasterUserPassword": "correct-horse"}
    rds.create_db_cluster(DBClusterIdentifier=cluster, Engine="aurora-postgresql", **master)
    waiting = {"Delay": 0.05, "MaxAttempts": 400}
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=cluster, WaiterConfig=waiting)
    server.aurora.take_automated_snapshot(cluster, account=account, region=SOURCE_REGION)


def heard(sqs: Any, url: str, count: int) -> Iterator[dict[str, Any]]:
    """Wait for so many events."""
    for _ in range(count):
        (message,) = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=WAIT_SECONDS
        )["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        yield json.loads(message["Body"])


def test_snapshot_events_reach_the_stages_region(server: Server, made: Made) -> None:
    """Snapshot events reach the bus of the stage's region unedited; events of clusters stay in
    their region.
    """
    made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION)
    url = listen(made)
    night(server, made, f"source-{made.stage}", ACCOUNT)
    events = list(heard(made("sqs"), url, 2))

    assert SNAPSHOT_EVENTS == [event["detail"]["EventID"] for event in events]
    assert {(SOURCE_REGION, ACCOUNT)} == {(event["region"], event["account"]) for event in events}
    made.remove("forwarding", region=SOURCE_REGION)


def test_snapshot_events_reach_the_stages_account(
    server: Server, made: Made, elsewhere: Made
) -> None:
    """Snapshot events reach the stage's account, whose foundation lets the source's account in."""
    made.make("foundation", SourceAccount=OTHER_ACCOUNT)
    elsewhere.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION, TargetAccount=ACCOUNT)
    url = listen(made)
    night(server, elsewhere, f"source-{made.stage}", OTHER_ACCOUNT)

    assert [(snapshot_event, OTHER_ACCOUNT) for snapshot_event in SNAPSHOT_EVENTS] == [
        (event["detail"]["EventID"], event["account"]) for event in heard(made("sqs"), url, 2)
    ]
    elsewhere.remove("forwarding", region=SOURCE_REGION)
    made.remove("foundation")


def test_what_cannot_be_forwarded_is_kept(server: Server, elsewhere: Made) -> None:
    """Events that a bus does not accept are kept in the stack's own queue, which its alarm
    watches.
    """
    outputs = elsewhere.make(
        "forwarding", region=SOURCE_REGION, TargetRegion=REGION, TargetAccount=ACCOUNT
    )
    night(server, elsewhere, f"source-{elsewhere.stage}", OTHER_ACCOUNT)
    events = heard(elsewhere("sqs", SOURCE_REGION), outputs["FailureQueueUrl"], 2)
    (alarm,) = elsewhere("cloudwatch", SOURCE_REGION).describe_alarms()["MetricAlarms"]

    assert SNAPSHOT_EVENTS == [event["detail"]["EventID"] for event in events]
    assert [outputs["FailureQueueArn"].rsplit(":", 1)[-1]] == [
        dimension["Value"] for dimension in alarm["Dimensions"]
    ]
    elsewhere.remove("forwarding", region=SOURCE_REGION)


@pytest.mark.parametrize("topic", ["", f"arn:aws:sns:{SOURCE_REGION}:{ACCOUNT}:people"])
def test_the_alarm_notifies_a_topic_if_one_is_given(made: Made, topic: str) -> None:
    """The alarm notifies a topic of its own region where one is given, because it cannot publish to
    another.
    """
    made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION, AlarmTopicArn=topic)
    alarms = made("cloudwatch", SOURCE_REGION).describe_alarms()["MetricAlarms"]
    (alarm,) = (alarm for alarm in alarms if made.stage in alarm["AlarmName"].split("-"))

    assert [[topic] * bool(topic)] * 2 == [
        alarm.get("AlarmActions", []),
        alarm.get("OKActions", []),
    ]


def test_the_rule_is_tried_again_and_its_role_can_do_nothing_else(made: Made) -> None:
    """The rule retries for a day, and only it may use the role, only to put events on the stage's
    bus.
    """
    outputs = made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION)
    name = outputs["RoleArn"].rsplit("/", 1)[-1]
    (target,) = made("events", SOURCE_REGION).list_targets_by_rule(
        Rule=outputs["RuleArn"].rsplit("/", 1)[-1]
    )["Targets"]
    (trust,) = made("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    policy = made("iam").get_role_policy(RoleName=name, PolicyName="put-events")["PolicyDocument"]
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    found = target["RetryPolicy"]

    assert {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400} == found
    assert outputs["RoleArn"] == target["RoleArn"]
    assert bus == target["Arn"]
    assert {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": outputs["RuleArn"]},
    } == trust["Condition"]
    assert [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}] == policy[
        "Statement"
    ]


def test_a_stage_may_forward_from_several_regions(clients: EndpointClients, made: Made) -> None:
    """A stage may forward from several regions: the stacks do not clash in the account's list of
    roles.
    """
    regions = (SOURCE_REGION, "eu-central-1")
    found = [made.make("forwarding", region=region, TargetRegion=REGION) for region in regions]

    assert ["CREATE_COMPLETE"] * 2 == [stack["status"] for stack in found]
    assert 2 == len({stack["RoleArn"] for stack in found})
