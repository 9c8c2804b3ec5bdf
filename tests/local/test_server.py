"""The server's own addresses, and the small lies of moto that it does not pass on."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.server import Server
from tests.local.conftest import Clients, Inbox

SOURCE = "us-east-1"

FOUNDATION = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Alarms: {Type: String, Default: "no"}
Conditions:
  WithAlarms: !Equals [!Ref Alarms, "yes"]
Resources:
  State:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: foundation-state
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: operation_id, AttributeType: S}
        - {AttributeName: plan, AttributeType: S}
      KeySchema: [{AttributeName: operation_id, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: by-plan
          KeySchema: [{AttributeName: plan, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: foundation-topic}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: foundation-queue}
  Parameter:
    Type: AWS::SSM::Parameter
    Properties: {Name: /foundation/name, Type: String, Value: prod-cluster}
  Key:
    Type: AWS::KMS::Key
    Properties: {Description: foundation, KeyPolicy: {}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: foundation-rule
      EventPattern: {source: [foundation]}
      Targets: [{Id: "1", Arn: !GetAtt Queue.Arn}]
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: WithAlarms
    Properties: {AlarmName: none}
"""


def fetch(server: Server, path: str, *, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """Ask an address of the server's own; return status and answer."""
    request = urllib.request.Request(server.endpoint + path, method=method)  # noqa: S310  (it is http on loopback)
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_server_says_that_it_is_well(server: Server) -> None:
    """`GET /localaws/health` answers when everything is up."""
    assert (200, {"status": "ok"}) == fetch(server, "/localaws/health")


def test_an_address_that_is_not_there_names_those_that_are(server: Server) -> None:
    """A wrong method or path is answered with a sentence."""
    status, answer = fetch(server, "/localaws/night")

    assert (404, True) == (status, "POST /localaws/night" in answer["error"])


def test_a_night_takes_the_automated_snapshot_and_its_events_arrive(
    server: Server, clients: Clients, inbox: Inbox
) -> None:
    """The snapshot appears, becomes available by itself, and both of Aurora's events reach a rule."""
    key = clients("kms", SOURCE).create_key()["KeyMetadata"]["Arn"]
    clients("kms", SOURCE).create_alias(AliasName="alias/production", TargetKeyId=key)
    clients("rds", SOURCE).create_db_cluster(
        DBClusterIdentifier="prod-cluster",
        Engine="aurora-postgresql",
        MasterUsername="postgres",
        MasterUserPassword="correct-horse-battery",
        StorageEncrypted=True,
        KmsKeyId="alias/production",
    )
    clients("rds", SOURCE).get_waiter("db_cluster_available").wait(
        DBClusterIdentifier="prod-cluster", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    clients("events", SOURCE).put_rule(Name="nights", EventPattern='{"source": ["aws.rds"]}')
    bus = "arn:aws:events:us-west-2:123456789012:event-bus/default"
    clients("events", SOURCE).put_targets(Rule="nights", Targets=[{"Id": "1", "Arn": bus}])
    clients("events").put_rule(Name="nights", EventPattern='{"source": ["aws.rds"]}')
    clients("events").put_targets(Rule="nights", Targets=[{"Id": "1", "Arn": inbox.arn}])
    status, answer = fetch(server, f"/localaws/night?cluster=prod-cluster&region={SOURCE}", method="POST")
    identifier = answer["DBClusterSnapshotIdentifier"]
    events = inbox.wait_for("source", count=2)
    (snapshot,) = clients("rds", SOURCE).describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=identifier, SnapshotType="automated"
    )["DBClusterSnapshots"]

    assert (200, True) == (status, identifier.startswith("rds:prod-cluster-"))
    assert ["RDS-EVENT-0168", "RDS-EVENT-0169"] == [event["detail"]["EventID"] for event in events]
    assert {SOURCE} == {event["region"] for event in events}
    assert ("available", key) == (snapshot["Status"], snapshot["KmsKeyId"])


@pytest.mark.parametrize(
    ("query", "status"), [("?cluster=nobody&region=us-east-1", 404), ("?cluster=prod-cluster", 400)]
)
def test_a_night_that_cannot_be_is_refused(server: Server, query: str, status: int) -> None:
    """An unknown cluster and a missing region are answered with a sentence."""
    answered, answer = fetch(server, f"/localaws/night{query}", method="POST")

    assert (status, True) == (answered, answer["error"].endswith("."))


def test_a_disabled_key_is_not_accessible(clients: Clients) -> None:
    """Aurora sees the keys of KMS as they are now."""
    key = clients("kms").create_key()["KeyMetadata"]["KeyId"]
    clients("kms").disable_key(KeyId=key)
    with pytest.raises(ClientError) as refused:
        clients("rds").create_db_cluster(
            DBClusterIdentifier="locked",
            Engine="aurora-postgresql",
            MasterUsername="postgres",
            MasterUserPassword="correct-horse-battery",
            StorageEncrypted=True,
            KmsKeyId=key,
        )

    assert "KMSKeyNotAccessibleFault" == refused.value.response["Error"]["Code"]


def test_a_template_is_made_whole(clients: Clients, inbox: Inbox) -> None:
    """Tables with indexes, topic, queue, parameter, key and a rule that delivers; a false condition makes nothing."""
    clients("cloudformation").create_stack(StackName="foundation", TemplateBody=FOUNDATION)
    queue = Inbox(clients("sqs"), "foundation-queue")
    answer = clients("events").put_events(Entries=[{"Source": "foundation", "DetailType": "x", "Detail": "{}"}])
    table = clients("dynamodb").describe_table(TableName="foundation-state")["Table"]
    parameter = clients("ssm").get_parameter(Name="/foundation/name")["Parameter"]

    assert ["by-plan"] == [index["IndexName"] for index in table["GlobalSecondaryIndexes"]]
    assert "prod-cluster" == parameter["Value"]
    assert answer["Entries"][0]["EventId"] == queue.wait_for("source")[0]["id"]


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::CloudWatch::Alarm", "Properties": {}},
        {"Type": "AWS::Serverless::Function", "Properties": {}},
        {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "cron(0 3 * * ? *)"}},
        {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": "mine"}}},
    ],
    ids=["alarm", "serverless", "cron", "pattern"],
)
def test_a_resource_that_would_be_skipped_is_refused(clients: Clients, resource: dict[str, Any]) -> None:
    """What moto would leave out and call CREATE_COMPLETE is refused by name."""
    with pytest.raises(ClientError) as refused:
        clients("cloudformation").create_stack(
            StackName="wrong", TemplateBody=json.dumps({"Resources": {"Thing": resource}})
        )

    assert "Thing" in refused.value.response["Error"]["Message"]


def test_a_service_that_moto_lacks_is_refused_not_broken(clients: Clients) -> None:
    """An action that nobody implements is refused with a sentence, and no client repeats it."""
    with pytest.raises(ClientError) as refused:
        clients("ssm").describe_ops_items()

    assert (501, 0) == tuple(
        refused.value.response["ResponseMetadata"][name] for name in ("HTTPStatusCode", "RetryAttempts")
    )
