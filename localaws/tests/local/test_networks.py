"""Clusters lie in the default network of localaws' own EC2."""

from pathlib import Path
from typing import Any

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server
from tests.aurora.scene import ENGINE, SOURCE

Network = tuple[list[str], list[str], list[str]]


@pytest.fixture
def networks(tmp_path: Path) -> list[tuple[Network, Network]]:
    """Start a server twice; return what EC2 and what RDS say of the default network each time."""
    return [_seen(tmp_path / name) for name in ("first", "second")]


def _seen(folder: Path) -> tuple[Network, Network]:
    server = Server(0, folder)
    server.start()
    try:
        clients = EndpointClients(server.endpoint)
        return _of_ec2(clients("ec2", SOURCE)), _of_rds(clients("rds", SOURCE))
    finally:
        server.stop()


def _of_ec2(ec2: Any) -> Network:
    groups = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    subnets = ec2.describe_subnets()["Subnets"]
    return (
        sorted({subnet["VpcId"] for subnet in subnets}),
        sorted(subnet["SubnetId"] for subnet in subnets),
        [group["GroupId"] for group in groups],
    )


def _of_rds(rds: Any) -> Network:
    group = rds.describe_db_subnet_groups(DBSubnetGroupName="default")["DBSubnetGroups"][0]
    cluster = rds.create_db_cluster(
        DBClusterIdentifier="plain",
        Engine=ENGINE,
        MasterUsername="a",
        MasterUserPassword="long-enough",
    )["DBCluster"]
    return (
        [group["VpcId"]],
        sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"]),
        [group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"]],
    )


def test_the_default_groups_of_rds_are_those_of_ec2(
    networks: list[tuple[Network, Network]],
) -> None:
    """The default groups of RDS are those of EC2: a described one exists and can be named in the
    next call.
    """
    (ec2, rds), _ = networks

    assert ec2 == rds


def test_the_default_network_has_the_same_ids_at_every_start(
    networks: list[tuple[Network, Network]],
) -> None:
    """The default network has the same ids at each start, so that a configuration can contain
    them.
    """
    first, second = networks

    assert first == second
