"""What people make before they deploy, made here as they would: stack, queue, parameters, keys, network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localaws import names
from localaws.clients import Clients

FOUNDATION: Final = Path(__file__).parents[1] / "infra" / "foundation.yaml"
_QUEUE_ARN: Final = f"arn:aws:sqs:{names.TARGET_REGION}:{names.ACCOUNT}:{names.NOTIFICATIONS}"
_TARGET_BUS: Final = f"arn:aws:events:{names.TARGET_REGION}:{names.ACCOUNT}:event-bus/default"


@dataclass(frozen=True)
class Resources:
    """What only exists once it was made: ARNs and ids that the deployment and the clusters need."""

    topic_arn: str
    source_key_arn: str
    target_key_arn: str
    security_group_id: str


def make_resources(clients: Clients) -> Resources:
    """Make everything that is not a cluster, a secret or a function."""
    topic = _make_foundation(clients)
    _subscribe_queue(clients, topic)
    source_key, target_key = (_make_key(clients, region) for region in (names.SOURCE_REGION, names.TARGET_REGION))
    group = _make_network(clients)
    _put_parameters(clients, target_key)
    return Resources(topic, source_key, target_key, group)


def forward_snapshot_events(clients: Clients) -> None:
    """Send events about Aurora's snapshots from the source region's default bus to the target region's."""
    source = clients("events", names.SOURCE_REGION)
    pattern = {
        "source": ["aws.rds"],
        "account": [names.ACCOUNT],
        "detail-type": ["RDS DB Cluster Snapshot Event"],
    }
    source.put_rule(Name=names.FORWARDING_RULE, EventPattern=json.dumps(pattern))
    target = {"Id": "target-region", "Arn": _TARGET_BUS, "RoleArn": _forwarding_role(clients)}
    source.put_targets(Rule=names.FORWARDING_RULE, Targets=[target])


def _make_foundation(clients: Clients) -> str:
    """Create the foundation stack; return the topic's ARN."""
    cloudformation = clients("cloudformation", names.TARGET_REGION)
    parameters = [{"ParameterKey": "Stage", "ParameterValue": names.STAGE}]
    cloudformation.create_stack(
        StackName=names.FOUNDATION_STACK, TemplateBody=FOUNDATION.read_text(), Parameters=parameters
    )
    (stack,) = cloudformation.describe_stacks(StackName=names.FOUNDATION_STACK)["Stacks"]
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in stack["Outputs"]}
    return outputs["NotificationsTopicArn"]


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


def _put_parameters(clients: Clients, key_arn: str) -> None:
    settings = {
        "source-cluster-id": names.SOURCE_CLUSTER,
        "source-region": names.SOURCE_REGION,
        "target-cluster-id": names.TARGET_CLUSTER,
        "target-region": names.TARGET_REGION,
        "kms-key-id": key_arn,
    }
    for name, value in settings.items():
        clients("ssm", names.TARGET_REGION).put_parameter(
            Name=f"{names.PARAMETER_PATH}{name}",
            Value=value,
            Type="String",
            Tags=[*names.STAGE_TAGS, {"Key": "Service", "Value": "Configuration"}],
        )


def _forwarding_role(clients: Clients) -> str:
    """Make the role as which EventBridge writes to the other region's bus."""
    iam = clients("iam", names.SOURCE_REGION)
    trust = _statement({"Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=names.FORWARDING_RULE, AssumeRolePolicyDocument=trust)["Role"]
    allow = _statement({"Action": "events:PutEvents", "Resource": _TARGET_BUS})
    iam.put_role_policy(RoleName=names.FORWARDING_RULE, PolicyName="put-events", PolicyDocument=allow)
    return str(role["Arn"])


def _statement(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
