"""CloudFormation: of each resource type, what an update changes is changed in AWS, and what it
takes away is gone.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from localaws.cloudformation.resource_types import RESOURCE_TYPES
from tests.local import stack_state
from tests.local.conftest import Clients
from tests.local.stack_state import ACCOUNT, read
from tests.local.stacks import StackUnderTest, template, unique

Properties = dict[str, Any]
Read = Callable[[Clients, str], Any]


def tags(**found: str) -> list[dict[str, str]]:
    """Write tags as most types have them."""
    return [{"Key": key, "Value": value} for key, value in found.items()]


def policy(sid: str) -> Properties:
    """Write a policy that is known by its statement's name."""
    own = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [own]}


def trust(service: str) -> Properties:
    """Write a role's trust in a service."""
    own = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [own]}


class Case(NamedTuple):
    """A type with its properties before and after an update, and how what stands is read."""

    type: str
    fixed: Properties
    before: Properties
    after: Properties
    read: Read
    seen: tuple[Any, Any]


WATCH = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
TABLE = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}  # fmt: skip
BUCKET = {
    "VersioningConfiguration": {"Status": "Enabled"},
    "LifecycleConfiguration": {
        "Rules": [
            {"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}
        ]
    },
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
}
BUS = {"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"}
RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "true"}}
EXPIRING = {"TimeToLiveSpecification": {"AttributeName": "at", "Enabled": "true"}}
A, B = {"Tags": tags(a="1", both="1")}, {"Tags": tags(b="2", both="2")}
TAGGED_A, TAGGED_B = read(A["Tags"]), read(B["Tags"])

CASES = [
    Case(
        "AWS::CloudWatch::Alarm",
        WATCH,
        {"Threshold": 1, "AlarmActions": ["arn:aws:sns:us-west-2:1:t"], **A},
        {"Threshold": "2", **B},
        stack_state.of_alarm,
        ((1.0, 1, TAGGED_A), (2.0, 0, TAGGED_B)),
    ),
    Case(
        "AWS::CloudWatch::Dashboard",
        {},
        {"DashboardBody": '{"widgets": []}', **A},
        {"DashboardBody": '{"start": "x"}', **B},
        stack_state.of_dashboard,
        (({"widgets": []}, TAGGED_A), ({"start": "x"}, TAGGED_B)),
    ),
    Case(
        "AWS::DynamoDB::Table",
        TABLE,
        {**RECOVERABLE, **EXPIRING, "DeletionProtectionEnabled": "true", **A},
        B,
        stack_state.of_table,
        ((True, "ENABLED", "ENABLED", TAGGED_A), (False, "DISABLED", "DISABLED", TAGGED_B)),
    ),
    Case(
        "AWS::Events::Rule",
        {},
        {"EventPattern": {"source": ["a"]}, "Targets": [{"Id": "1", **BUS}], **A},
        {
            "EventPattern": {"source": ["b"]},
            "State": "DISABLED",
            "Targets": [{"Id": "2", **BUS}],
            **B,
        },
        stack_state.of_rule,
        (
            ({"source": ["a"]}, "ENABLED", ["1"], TAGGED_A),
            ({"source": ["b"]}, "DISABLED", ["2"], TAGGED_B),
        ),
    ),
    Case(
        "AWS::IAM::Role",
        {},
        {
            "AssumeRolePolicyDocument": trust("a"),
            "MaxSessionDuration": "7200",
            **A,
            "Policies": [{"PolicyName": "first", "PolicyDocument": policy("x")}],
        },
        {
            "AssumeRolePolicyDocument": trust("b"),
            "MaxSessionDuration": 3600,
            **B,
            "Policies": [{"PolicyName": "second", "PolicyDocument": policy("x")}],
        },
        stack_state.of_role,
        (
            ("a.amazonaws.com", 7200, ["first"], TAGGED_A),
            ("b.amazonaws.com", 3600, ["second"], TAGGED_B),
        ),
    ),
    Case(
        "AWS::KMS::Key",
        {},
        {"Description": "a", "EnableKeyRotation": True, "KeyPolicy": policy("a"), **A},
        {"KeyPolicy": policy("b"), **B},
        stack_state.of_key,
        (("a", True, "a", TAGGED_A), ("", False, "b", TAGGED_B)),
    ),
    Case(
        "AWS::Logs::LogGroup",
        {},
        {"RetentionInDays": "7", **A},
        B,
        stack_state.of_log_group,
        ((7, TAGGED_A), (None, TAGGED_B)),
    ),
    Case(
        "AWS::S3::Bucket",
        {},
        {**BUCKET, **A},
        B,
        stack_state.of_bucket,
        (("Enabled", True, True, True, TAGGED_A), ("Suspended", False, False, False, TAGGED_B)),
    ),
    Case(
        "AWS::SecretsManager::Secret",
        {},
        {"Description": "a", **A},
        {"Description": "b", **B},
        stack_state.of_secret,
        (("a", TAGGED_A), ("b", TAGGED_B)),
    ),
    Case(
        "AWS::SNS::Topic",
        {},
        {"DisplayName": "a", "KmsMasterKeyId": "alias/a", **A},
        {"DisplayName": "b", **B},
        stack_state.of_topic,
        (("a", "alias/a", TAGGED_A), ("b", "", TAGGED_B)),
    ),
    Case(
        "AWS::SSM::Parameter",
        {"Type": "String"},
        {"Value": "a", "Tags": TAGGED_A},
        {"Value": "b", "Tags": TAGGED_B},
        stack_state.of_parameter,
        (("a", TAGGED_A), ("b", TAGGED_B)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)
def test_an_update_changes_resources_in_place(clients: Clients, case: Case) -> None:
    """An update changes the resource in place: it adds, changes and takes away what the template
    says.
    """
    stack, seen, ids = StackUnderTest(clients), [], set()
    name = RESOURCE_TYPES[case.type].name
    own = {name: unique("kind")} if name else {}
    for do, properties in ((stack.create, case.before), (stack.update, case.after)):
        body = template(
            {"One": {"Type": case.type, "Properties": {**own, **case.fixed, **properties}}}
        )
        status = do(body, Capabilities=["CAPABILITY_NAMED_IAM"])

        assert ([], f"{do.__name__.upper()}_COMPLETE") == (stack.reasons(), status)
        ids.add(stack.resources["One"])
        seen.append(case.read(clients, stack.resources["One"]))

    assert (case.seen, 1) == (tuple(seen), len(ids))


def test_an_alias_is_turned_to_another_key(clients: Clients) -> None:
    """An alias is turned to another key, and stays the same resource."""
    stack, name = StackUnderTest(clients), f"alias/{unique('kind')}"
    keys = {
        key: {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy("x")}}
        for key in ("A", "B")
    }
    found = []
    for do, key in ((stack.create, "A"), (stack.update, "B")):
        alias = {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": name, "TargetKeyId": {"Ref": key}},
        }
        do(template({**keys, "Alias": alias}))
        found.append(clients("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyId"])

    assert [stack.resources["A"], stack.resources["B"]] == found


@pytest.mark.parametrize("kind", ["SNS::Topic", "SQS::Queue", "S3::Bucket"])
def test_a_policy_is_changed_moved_and_taken_back(clients: Clients, kind: str) -> None:
    """A policy is changed, moved and taken back; what has none any more is as it was when it was
    new.
    """
    stack = StackUnderTest(clients)
    things = {owner: {"Type": f"AWS::{kind}", "Properties": {}} for owner in ("A", "B")}
    seen: list[tuple[str | None, ...]] = []
    for do, sid, on in (
        (stack.create, "first", "A"),
        (stack.update, "second", "A"),
        (stack.update, "second", "B"),
    ):
        about = (
            {"Bucket": {"Ref": on}}
            if kind == "S3::Bucket"
            else {f"{kind.split('::')[1]}s": [{"Ref": on}]}
        )
        properties = {**about, "PolicyDocument": policy(sid)}
        do(template({**things, "Policy": {"Type": f"AWS::{kind}Policy", "Properties": properties}}))
        seen.append(tuple(_sid(clients, kind, stack.resources[owner]) for owner in ("A", "B")))
    stack.update(template(things))
    seen.append(tuple(_sid(clients, kind, stack.resources[owner]) for owner in ("A", "B")))

    assert [("first", None), ("second", None), (None, "second"), (None, None)] == seen


def _sid(clients: Clients, kind: str, physical_id: str) -> str | None:
    """Give the name of the statement that a template has put on it, or None."""
    if kind == "SNS::Topic":
        written = clients("sns").get_topic_attributes(TopicArn=physical_id)["Attributes"]["Policy"]
    elif kind == "SQS::Queue":
        attributes = clients("sqs").get_queue_attributes(
            QueueUrl=physical_id, AttributeNames=["All"]
        )["Attributes"]
        written = attributes.get("Policy", "{}")
    else:
        s3 = clients("s3")
        try:
            written = s3.get_bucket_policy(Bucket=physical_id)["Policy"]
        except s3.exceptions.ClientError:
            return None
    sids = [statement.get("Sid") for statement in json.loads(written).get("Statement", [])]
    return next((sid for sid in sids if sid in ("first", "second")), None)
