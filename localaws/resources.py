"""What people make before they deploy, made here as they would: stack, queue, parameters, keys, network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localaws import names
from localaws.clients import Clients
from localaws.errors import WorldError

INFRA: Final = Path(__file__).parents[1] / "infra"
_QUEUE_ARN: Final = f"arn:aws:sqs:{names.TARGET_REGION}:{names.ACCOUNT}:{names.NOTIFICATIONS}"


@dataclass(frozen=True)
class Resources:
    """What only exists once it was made: ARNs and ids that the deployment and the clusters need."""

    topic_arn: str
    source_key_arn: str
    target_key_arn: str
    security_group_id: str


def make_resources(clients: Clients) -> Resources:
    """Make everything that is not a cluster or a function; the two secrets are made without a value."""
    source_key, target_key = (_make_key(clients, region) for region in (names.SOURCE_REGION, names.TARGET_REGION))
    _make_stack(clients, names.RECORDS_STACK, "records", names.TARGET_REGION)
    settings = {
        "SourceClusterId": names.SOURCE_CLUSTER,
        "SourceRegion": names.SOURCE_REGION,
        "TargetClusterId": names.TARGET_CLUSTER,
        "TargetRegion": names.TARGET_REGION,
        "KmsKeyId": target_key,
    }
    foundation = _make_stack(clients, names.FOUNDATION_STACK, "foundation", names.TARGET_REGION, **settings)
    _subscribe_queue(clients, foundation["NotificationsTopicArn"])
    return Resources(foundation["NotificationsTopicArn"], source_key, target_key, _make_network(clients))


def forward_snapshot_events(clients: Clients) -> None:
    """Send events about Aurora's snapshots from the source region's default bus to the target region's."""
    _make_stack(clients, names.FORWARDING_STACK, "forwarding", names.SOURCE_REGION, TargetRegion=names.TARGET_REGION)


def _make_stack(clients: Clients, name: str, template: str, region: str, **given: str) -> dict[str, str]:
    """Create a stack of the stage; return its outputs. Raises WorldError when it was taken back."""
    cloudformation = clients("cloudformation", region)
    parameters = {"Stage": names.STAGE, **given}
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(INFRA / f"{template}.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise WorldError(f"The stack {name} is {stack['StackStatus']}: {stack['StackStatusReason']}")
    return {output["OutputKey"]: str(output["OutputValue"]) for output in stack["Outputs"]}


def _subscribe_queue(clients: Clients, topic_arn: str) -> None:
    """Make the queue that stands for the people who are told, and let the topic write to it."""
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _QUEUE_ARN,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    clients("sqs", names.TARGET_REGION).create_queue(QueueName=names.NOTIFICATIONS, Attributes={"Policy": policy})
    clients("sns", names.TARGET_REGION).subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=_QUEUE_ARN)


def _make_key(clients: Clients, region: str) -> str:
    kms = clients("kms", region)
    key = kms.create_key(Description=f"Databases in {region}")["KeyMetadata"]
    kms.create_alias(AliasName=names.KEY_ALIAS, TargetKeyId=key["KeyId"])
    return str(key["Arn"])


def _make_network(clients: Clients) -> str:
    """Make what the restored cluster is placed in and governed by; return the security group."""
    ec2, rds = clients("ec2", names.TARGET_REGION), clients("rds", names.TARGET_REGION)
    subnets = ec2.describe_subnets()["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=names.SUBNET_GROUP,
        DBSubnetGroupDescription="Where staging's databases live",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=names.CLUSTER_PARAMETER_GROUP,
        DBParameterGroupFamily=f"{names.ENGINE}{names.ENGINE_VERSION.partition('.')[0]}",
        Description="Settings of staging's databases",
    )
    group = ec2.create_security_group(
        GroupName="staging-databases", Description="Who may reach staging's databases", VpcId=subnets[0]["VpcId"]
    )
    return str(group["GroupId"])
