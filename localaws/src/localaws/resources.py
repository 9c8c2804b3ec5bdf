"""What people have before they deploy, made here as they would: keys and a network.

After it, their subscription.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from localaws import names
from localaws.clients import Clients

_TOPIC_ARN: Final = f"arn:aws:sns:{names.TARGET_REGION}:{names.ACCOUNT}:{names.NOTIFICATIONS}"
_TOPIC_ARNS: Final = f"arn:aws:sns:{names.TARGET_REGION}:{names.ACCOUNT}:aurora-restore-*"
_QUEUE_ARN: Final = f"arn:aws:sqs:{names.TARGET_REGION}:{names.ACCOUNT}:{names.NOTIFICATIONS}"


@dataclass(frozen=True)
class Resources:
    """What only exists once it was made: ARNs and ids that the deployment and the clusters need."""

    source_key_arn: str
    target_key_arn: str
    security_group_id: str
    subnet_ids: tuple[str, ...]
    engine_version: str
    cluster_parameter_group: str


def make_resources(clients: Clients, engine_version: str = names.ENGINE_VERSION) -> Resources:
    """Make everything that is not a cluster, a secret or the app's, for clusters of an engine version."""
    source_key, target_key = (
        _make_key(clients, region) for region in (names.SOURCE_REGION, names.TARGET_REGION)
    )
    group, subnets = _make_network(clients)
    parameters = _make_parameters(clients, engine_version.partition(".")[0])
    return Resources(source_key, target_key, group, subnets, engine_version, parameters)


def subscribe(clients: Clients) -> None:
    """Make the queue that stands for the people who are told, and subscribe it to the stage's topic.

    Topics of other stages may write to it, too: of one that is rehearsed.
    """
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _QUEUE_ARN,
        "Condition": {"ArnLike": {"aws:SourceArn": _TOPIC_ARNS}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    clients("sqs", names.TARGET_REGION).create_queue(
        QueueName=names.NOTIFICATIONS, Attributes={"Policy": policy}
    )
    clients("sns", names.TARGET_REGION).subscribe(
        TopicArn=_TOPIC_ARN, Protocol="sqs", Endpoint=_QUEUE_ARN
    )


def _make_key(clients: Clients, region: str) -> str:
    kms = clients("kms", region)
    key = kms.create_key(Description=f"Databases in {region}")["KeyMetadata"]
    kms.create_alias(AliasName=names.KEY_ALIAS, TargetKeyId=key["KeyId"])
    return str(key["Arn"])


def _make_network(clients: Clients) -> tuple[str, tuple[str, ...]]:
    """Make what the restored cluster is placed in and governed by.

    Return the security group and the subnets.
    """
    ec2, rds = clients("ec2", names.TARGET_REGION), clients("rds", names.TARGET_REGION)
    subnets = ec2.describe_subnets()["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=names.SUBNET_GROUP,
        DBSubnetGroupDescription="Where staging's databases live",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )
    group = ec2.create_security_group(
        GroupName="staging-databases",
        Description="Who may reach staging's databases",
        VpcId=subnets[0]["VpcId"],
    )
    _let_in(ec2, str(group["GroupId"]))
    _lead_out(ec2, subnets[0]["SubnetId"])
    return str(group["GroupId"]), tuple(str(subnet["SubnetId"]) for subnet in subnets)


def _make_parameters(clients: Clients, major: str) -> str:
    """Make the group of the restored cluster's settings; return its name."""
    name = f"staging-postgres{major}"
    clients("rds", names.TARGET_REGION).create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name,
        DBParameterGroupFamily=f"{names.ENGINE}{major}",
        Description="Settings of staging's databases",
    )
    return name


def _let_in(ec2: Any, group: str) -> None:
    """Let whoever is in the group, as the databases and the function that connects are, in on the databases' port."""
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": names.TARGET_PORT,
                "ToPort": names.TARGET_PORT,
                "UserIdGroupPairs": [{"GroupId": group}],
            }
        ],
    )


def _lead_out(ec2: Any, subnet: str) -> None:
    """Route everything of the VPC through a NAT gateway: a function in a VPC reaches nothing else of AWS otherwise."""
    gateway = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway
    )
