"""What stands in AWS, read back by its own calls, for each resource type that templates make."""

import json
from typing import Any

from tests.local.conftest import Clients

ACCOUNT = "123456789012"


def read(found: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Read such tags."""
    return {tag[key]: tag[value] for tag in found}


def of_alarm(clients: Clients, name: str) -> Any:
    """Read threshold, actions and tags of an alarm."""
    (alarm,) = clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    found = clients("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    return alarm["Threshold"], len(alarm["AlarmActions"]), read(found)


def of_dashboard(clients: Clients, name: str) -> Any:
    """Read body and tags of a dashboard."""
    body = clients("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"
    return json.loads(body), read(
        clients("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"]
    )


def of_table(clients: Clients, name: str) -> Any:
    """Read protection, recovery, expiry and tags of a table."""
    client = clients("dynamodb")
    table = client.describe_table(TableName=name)["Table"]
    recovery = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return (
        table["DeletionProtectionEnabled"],
        recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"],
        read(client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
    )


def of_rule(clients: Clients, name: str) -> Any:
    """Read pattern, state, targets and tags of a rule."""
    rule = clients("events").describe_rule(Name=name)
    targets = clients("events").list_targets_by_rule(Rule=name)["Targets"]
    found = clients("events").list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
    return (
        json.loads(rule["EventPattern"]),
        rule["State"],
        [target["Id"] for target in targets],
        read(found),
    )


def of_log_group(clients: Clients, name: str) -> Any:
    """Read retention and tags of a log group."""
    (group,) = clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = group["arn"].removesuffix(":*")
    return group.get("retentionInDays"), clients("logs").list_tags_for_resource(resourceArn=arn)[
        "tags"
    ]


def of_role(clients: Clients, name: str) -> Any:
    """Read trust, session, policies and tags of a role."""
    iam = clients("iam")
    role = iam.get_role(RoleName=name)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return (
        statement["Principal"]["Service"],
        role["MaxSessionDuration"],
        iam.list_role_policies(RoleName=name)["PolicyNames"],
        read(iam.list_role_tags(RoleName=name)["Tags"]),
    )


def of_key(clients: Clients, key_id: str) -> Any:
    """Read description, rotation, policy and tags of a key."""
    kms = clients("kms")
    (statement,) = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])[
        "Statement"
    ]
    return (
        kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"],
        kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        statement["Sid"],
        read(kms.list_resource_tags(KeyId=key_id)["Tags"], "TagKey", "TagValue"),
    )


def of_secret(clients: Clients, arn: str) -> Any:
    """Read description and tags of a secret."""
    secret = clients("secretsmanager").describe_secret(SecretId=arn)
    return secret.get("Description", ""), read(secret.get("Tags", []))


def of_parameter(clients: Clients, name: str) -> Any:
    """Read value and tags of a parameter."""
    found = clients("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)[
        "TagList"
    ]
    return clients("ssm").get_parameter(Name=name)["Parameter"]["Value"], read(found)


def of_topic(clients: Clients, arn: str) -> Any:
    """Read name, key and tags of a topic."""
    attributes = clients("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    found = clients("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
    return attributes["DisplayName"], attributes.get("KmsMasterKeyId", ""), read(found)


def of_bucket(clients: Clients, name: str) -> Any:
    """Read versioning, encryption, life cycle, openness, ownership and tags of a bucket."""

    def part(method: str, key: str) -> Any:
        s3 = clients("s3")
        try:
            return getattr(s3, method)(Bucket=name)[key]
        except s3.exceptions.ClientError:
            return None

    found = part("get_bucket_tagging", "TagSet")
    return (
        part("get_bucket_versioning", "Status"),
        bool(part("get_bucket_lifecycle_configuration", "Rules")),
        bool(part("get_public_access_block", "PublicAccessBlockConfiguration")),
        bool(part("get_bucket_ownership_controls", "OwnershipControls")),
        read(found or []),
    )
