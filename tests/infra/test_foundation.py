"""The foundation, read back from AWS: topic and key, failure queue, parameters, bucket, bus.

Changed and removed.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Made
from tests.infra.test_templates import SETTINGS

ROOT_OF_ACCOUNT = f"arn:aws:iam::{ACCOUNT}:root"
FROM_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def statements(policy: str) -> dict[str, dict[str, Any]]:
    """Read a policy's statements by their names."""
    return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}


def subscriptions(made: Made, topic: str) -> list[tuple[str, str]]:
    """List who is subscribed to a topic, and how."""
    found = made("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [(subscription["Protocol"], subscription["Endpoint"]) for subscription in found]


def parameters(made: Made) -> dict[str, str]:
    """Read the stage's parameters by the last part of their names."""
    found = made("ssm").get_parameters_by_path(Path=made.names.parameter_path)["Parameters"]
    return {parameter["Name"].rsplit("/", 1)[-1]: parameter["Value"] for parameter in found}


def test_the_topic_is_encrypted_with_a_key_that_is_the_stages_own(made: Made) -> None:
    """The topic is encrypted with a key that is rotated every year and found by its alias."""
    outputs = made.make("foundation")
    attributes = made("sns").get_topic_attributes(TopicArn=outputs["NotificationsTopicArn"])[
        "Attributes"
    ]
    key = made("kms").describe_key(KeyId=made.names.key_alias)["KeyMetadata"]

    assert [outputs["NotificationsKeyArn"]] * 2 == [attributes["KmsMasterKeyId"], key["Arn"]]
    assert made("kms").get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]


def test_alarms_of_this_account_may_use_the_key_and_nobody_of_another(made: Made) -> None:
    """Alarms of this account may use the key; the account administers it by its own policies."""
    outputs = made.make("foundation")
    policy = made("kms").get_key_policy(KeyId=outputs["NotificationsKeyArn"], PolicyName="default")[
        "Policy"
    ]
    administering, publishing = statements(policy).values()

    assert {"AWS": ROOT_OF_ACCOUNT} == administering["Principal"]
    assert "kms:*" == administering["Action"]
    assert {"Service": "cloudwatch.amazonaws.com"} == publishing["Principal"]
    assert ["kms:Decrypt", "kms:GenerateDataKey*"] == publishing["Action"]
    assert FROM_THIS_ACCOUNT == publishing["Condition"]


def test_alarms_of_this_account_may_publish(made: Made) -> None:
    """Alarms of this account may publish to the topic, and so may its own roles, but nobody without
    TLS.
    """
    topic = made.make("foundation")["NotificationsTopicArn"]
    policy = statements(made("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    own, alarms, tls = policy.values()

    assert {topic} == {statement["Resource"] for statement in policy.values()}
    assert {"AWS": ROOT_OF_ACCOUNT} == own["Principal"]
    assert {"sns:Publish", "sns:Subscribe"} <= {*own["Action"]}
    assert "Condition" not in own
    assert {"Service": "cloudwatch.amazonaws.com"} == alarms["Principal"]
    assert "sns:Publish" == alarms["Action"]
    assert FROM_THIS_ACCOUNT == alarms["Condition"]
    assert "Deny" == tls["Effect"]
    assert "*" == tls["Principal"]
    assert "sns:Publish" == tls["Action"]
    assert WITHOUT_TLS == tls["Condition"]


def test_an_address_is_subscribed_while_it_is_given(made: Made) -> None:
    """An address is subscribed while it is configured: another one replaces it, and an empty one
    ends it.
    """
    topic = made.make("foundation")["NotificationsTopicArn"]
    seen = [subscriptions(made, topic)]
    for address in ("first@example.com", "second@example.com", ""):
        made.make("foundation", NotificationEmail=address)
        seen.append(subscriptions(made, topic))

    assert [[], [("email", "first@example.com")], [("email", "second@example.com")], []] == seen


def test_the_failure_queue_keeps_what_failed_encrypted_and_for_as_long_as_can_be(
    made: Made,
) -> None:
    """The failure queue keeps its messages, encrypted, for 14 days."""
    outputs = made.make("foundation")
    attributes = made("sqs").get_queue_attributes(
        QueueUrl=outputs["FailureQueueUrl"], AttributeNames=["All"]
    )

    assert ("true", str(14 * 24 * 3600), outputs["FailureQueueArn"]) == tuple(
        attributes["Attributes"][name]
        for name in ("SqsManagedSseEnabled", "MessageRetentionPeriod", "QueueArn")
    )


@pytest.mark.parametrize(
    ("rule", "is_let_in"),
    [
        ("aurora-restore-{stage}-delete-rds-event", True),
        ("aurora-restore-{stage}x-delete-rds-event", False),
        ("somebody-elses", False),
    ],
)
def test_rules_of_this_stage_put_undeliverable_events_there(
    made: Made, rule: str, is_let_in: bool
) -> None:
    """Rules of this stage may use the failure queue; those of other stages and of other people may
    not.
    """
    queue, events = made.make("foundation"), made("events")
    name, marker = rule.format(stage=made.stage), f"aurora-restore-{made.stage}-marker"
    for detail_type in (name, marker):
        events.put_rule(
            Name=detail_type,
            EventPattern=json.dumps({"source": [made.stage], "detail-type": [detail_type]}),
        )
        nobody = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody"
        letters = {"Arn": queue["FailureQueueArn"]}
        events.put_targets(
            Rule=detail_type, Targets=[{"Id": "1", "Arn": nobody, "DeadLetterConfig": letters}]
        )
    entries = [
        {"Source": made.stage, "DetailType": detail_type, "Detail": "{}"}
        for detail_type in (name, marker)
    ]
    events.put_events(Entries=entries)
    arrived: list[str] = []
    while (
        marker not in arrived
    ):  # delivered in order, so that the other one has come before it, or will not
        (message,) = made("sqs").receive_message(
            QueueUrl=queue["FailureQueueUrl"], WaitTimeSeconds=20
        )["Messages"]
        arrived.append(json.loads(message["Body"])["detail-type"])
        made("sqs").delete_message(
            QueueUrl=queue["FailureQueueUrl"], ReceiptHandle=message["ReceiptHandle"]
        )
    found = [detail_type for detail_type in arrived if detail_type != marker]

    assert ([name] if is_let_in else []) == found


def test_parameters_exist_while_they_have_a_value(made: Made) -> None:
    """A parameter exists while it has a value, because CloudFormation cannot make an empty one;
    updates change it.
    """
    made.make("foundation")
    seen = [parameters(made)]
    for given in (
        SETTINGS,
        {**SETTINGS, "TargetClusterId": "another"},
        {"SourceClusterId": "prod-cluster"},
    ):
        made.make("foundation", **given)
        seen.append(parameters(made))
    whole = {
        "source-cluster-id": "prod-cluster",
        "source-region": "us-east-1",
        "target-cluster-id": "staging",
        "target-region": REGION,
        "kms-key-id": "alias/databases",
    }
    expected = [
        {},
        whole,
        {**whole, "target-cluster-id": "another"},
        {"source-cluster-id": "prod-cluster"},
    ]

    assert expected == seen


def test_the_bucket_is_private_and_keeps_old_versions_for_a_month(made: Made) -> None:
    """The bucket is encrypted, versioned, closed to the public, open over TLS only, and without
    access lists.
    """
    name, s3 = made.make("foundation")["BucketName"], made("s3")
    (encryption,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"][
        "Rules"
    ]
    (ownership,) = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    (tls,) = statements(s3.get_bucket_policy(Bucket=name)["Policy"]).values()

    assert "AES256" == encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    assert "Enabled" == s3.get_bucket_versioning(Bucket=name)["Status"]
    assert "BucketOwnerEnforced" == ownership["ObjectOwnership"]
    assert {True} == {
        *s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()
    }
    assert {"NoncurrentDays": 30} == rule["NoncurrentVersionExpiration"]
    assert {"DaysAfterInitiation": 7} == rule["AbortIncompleteMultipartUpload"]
    assert ("Deny", "s3:*", WITHOUT_TLS) == (tls["Effect"], tls["Action"], tls["Condition"])
    assert [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"] == tls["Resource"]


def test_a_bucket_that_is_somebody_elses_is_not_taken_over(made: Made) -> None:
    """A bucket of somebody else stops the stack, which is rolled back and says so; another name
    succeeds.
    """
    made("s3").create_bucket(
        Bucket=made.names.bucket(ACCOUNT), CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    failed = made.make("foundation")["status"]
    reasons = made.reasons("foundation")
    made.remove("foundation")
    expected = "CREATE_COMPLETE"

    assert ("ROLLBACK_COMPLETE", True) == (failed, made.names.bucket(ACCOUNT) in reasons)
    assert expected == made.make("foundation", BucketName=f"packages-{made.stage}")["status"]


@pytest.mark.parametrize(
    ("account", "is_let_in"), [("", False), (ACCOUNT, False), (OTHER_ACCOUNT, True)]
)
def test_the_sources_account_may_put_snapshot_events_where_it_is_another(
    made: Made, account: str, is_let_in: bool
) -> None:
    """The source's account may put snapshot events on the bus, and no others.

    Two stages let it in side by side, and each takes back its own permission.
    """
    made.make("foundation", SourceAccount=account)
    policy = json.loads(made("events").describe_event_bus().get("Policy") or '{"Statement": []}')
    found = [
        statement for statement in policy["Statement"] if made.stage in statement["Sid"].split("-")
    ]
    made.remove("foundation")
    after = made("events").describe_event_bus().get("Policy") or ""
    only = {
        "StringEquals": {
            "events:source": "aws.rds",
            "events:detail-type": "RDS DB Cluster Snapshot Event",
        }
    }

    assert [(f"arn:aws:iam::{OTHER_ACCOUNT}:root", "events:PutEvents", only)] * is_let_in == [
        (statement["Principal"]["AWS"], statement["Action"], statement["Condition"])
        for statement in found
    ]
    assert f"{made.stage}-" not in after


@pytest.mark.parametrize(
    "given",
    [
        {"FreshnessHours": "0"},
        {"NotificationEmail": "nobody"},
        {"SourceAccount": "12"},
        {"Stage": "Dev"},
        {"TargetRegion": "oregon"},
        {"KmsKeyId": "a key"},
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_made(
    made: Made, given: dict[str, str]
) -> None:
    """A wrong parameter is refused with the sentence of its constraint, before anything is made."""
    with pytest.raises(ClientError) as refused:
        made.make("foundation", **given)
    (name,) = given
    found = refused.value.response["Error"]["Message"]

    assert f"Parameter '{name}' failed to satisfy constraint: {name} is" in found


def test_nothing_is_left_when_the_stack_is_deleted(made: Made) -> None:
    """A deleted stack leaves no topic, queue, parameter, alarm, dashboard, bucket or alias; the key
    goes a week later.
    """
    outputs = made.make("foundation", **SETTINGS, NotificationEmail="somebody@example.com")
    status = made.remove("foundation")
    left = [
        *(topic["TopicArn"] for topic in made("sns").list_topics()["Topics"]),
        *(made("sqs").list_queues().get("QueueUrls", [])),
        *(
            metric_alarm["AlarmName"]
            for metric_alarm in made("cloudwatch").describe_alarms()["MetricAlarms"]
        ),
        *(
            dashboard_entry["DashboardName"]
            for dashboard_entry in made("cloudwatch").list_dashboards()["DashboardEntries"]
        ),
        *(bucket["Name"] for bucket in made("s3").list_buckets()["Buckets"]),
        *(alias["AliasName"] for alias in made("kms").list_aliases()["Aliases"]),
        *(parameter["Name"] for parameter in made("ssm").describe_parameters()["Parameters"]),
        *(
            subscription["SubscriptionArn"]
            for subscription in made("sns").list_subscriptions()["Subscriptions"]
        ),
    ]
    key = made("kms").describe_key(KeyId=outputs["NotificationsKeyArn"])["KeyMetadata"]

    assert "DELETE_COMPLETE" == status
    assert [] == [name for name in left if made.stage in name.replace("/", "-").split("-")]
    assert "PendingDeletion" == key["KeyState"]
