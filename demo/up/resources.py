"""What people have before they deploy, made here as they would: keys, a network, parameters.

After the deployment comes their subscription to its topic.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from localaws.clients import EndpointClients
from localaws.sample.account import make_key
from localaws.sample.names import ACCOUNT, ENGINE

from demo.aws import QUEUE, SOURCE_REGION, TARGET_REGION
from demo.up.names import KEY_ALIAS, SUBNET_GROUP, TARGET_PORT

ZONE, RECORD = "db.example", "staging.db.example"
ENGINE_VERSION: Final = "16.11"
_TOPIC_ARN: Final = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:{QUEUE}"  # it has the queue's name
_TOPIC_ARNS: Final = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:aurora-restore-*"
_QUEUE_ARN: Final = f"arn:aws:sqs:{TARGET_REGION}:{ACCOUNT}:{QUEUE}"


@dataclass(frozen=True)
class Resources:
    """What only exists once it was made: ARNs and ids that the deployment and the clusters need."""

    source_key_arn: str
    target_key_arn: str
    security_group_id: str
    subnet_ids: tuple[str, ...]
    cluster_parameter_group: str


def make_resources(clients: EndpointClients, engine_version: str = ENGINE_VERSION) -> Resources:
    """Make what is neither a cluster, nor a secret, nor the app's, for an engine version."""
    source_key = make_key(clients, SOURCE_REGION, KEY_ALIAS)
    target_key = make_key(clients, TARGET_REGION, KEY_ALIAS)
    group, subnets = _make_network(clients)
    parameters = _make_parameters(clients, engine_version.partition(".")[0])
    return Resources(source_key, target_key, group, subnets, parameters)


def make_record(clients: EndpointClients) -> dict[str, str]:
    """Make a hosted zone, and give the settings of the record that leads to the target."""
    made = clients("route53", TARGET_REGION).create_hosted_zone(Name=ZONE, CallerReference=RECORD)
    zone_id = str(made["HostedZone"]["Id"]).rpartition("/")[2]
    return {"TARGET_DNS_NAME": RECORD, "TARGET_DNS_ZONE_ID": zone_id}


def subscribe(clients: EndpointClients) -> None:
    """Subscribe a queue, which stands for the people who are told, to the stage's topic.

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
    clients("sqs", TARGET_REGION).create_queue(QueueName=QUEUE, Attributes={"Policy": policy})
    clients("sns", TARGET_REGION).subscribe(
        TopicArn=_TOPIC_ARN, Protocol="sqs", Endpoint=_QUEUE_ARN
    )


def _make_network(clients: EndpointClients) -> tuple[str, tuple[str, ...]]:
    """Make what the restored cluster is placed in; return the security group and the subnets."""
    ec2, rds = clients("ec2", TARGET_REGION), clients("rds", TARGET_REGION)
    subnets = ec2.describe_subnets()["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=SUBNET_GROUP,
        DBSubnetGroupDescription="Where staging's databases live",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )
    group = ec2.create_security_group(
        GroupName="staging-databases",
        Description="Who may reach staging's databases",
        VpcId=subnets[0]["VpcId"],
    )
    _allow_own_members(ec2, str(group["GroupId"]))
    _route_through_nat(ec2, subnets[0]["SubnetId"])
    return str(group["GroupId"]), tuple(str(subnet["SubnetId"]) for subnet in subnets)


def _make_parameters(clients: EndpointClients, major: str) -> str:
    """Make the parameter group of the restored cluster; return its name."""
    name = f"staging-postgres{major}"
    clients("rds", TARGET_REGION).create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name,
        DBParameterGroupFamily=f"{ENGINE}{major}",
        Description="Settings of staging's databases",
    )
    return name


def _allow_own_members(ec2: Any, group: str) -> None:
    """Allow members of the group, the databases and the function, to reach the databases' port."""
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": TARGET_PORT,
                "ToPort": TARGET_PORT,
                "UserIdGroupPairs": [{"GroupId": group}],
            }
        ],
    )


def _route_through_nat(ec2: Any, subnet: str) -> None:
    """Route everything through a NAT gateway: else a function in a VPC reaches nothing of AWS."""
    made = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    main = [{"Name": "association.main", "Values": ["true"]}]
    (table,) = ec2.describe_route_tables(Filters=main)["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=made["NatGateway"]["NatGatewayId"],
    )
