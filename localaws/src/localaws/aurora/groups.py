"""Subnet groups and parameter groups: where a cluster is placed, and its settings."""

from collections.abc import Iterable
from typing import Any

from localaws.aurora import arns, catalog
from localaws.aurora.errors import RdsError, invalid_combination, invalid_value
from localaws.aurora.listing import page, read_filters
from localaws.aurora.names import new_group_name
from localaws.aurora.records import ParameterGroup, SubnetGroup
from localaws.aurora.state import Answer, Network, Region, Request
from localaws.aurora.tags import read_tags

ZONES_LEAST = 2
IPV4, DUAL = "IPV4", "DUAL"
_ZONE_LETTERS = "abc"
GroupStore = dict[str, ParameterGroup]


def default_network(_account: str, region: str) -> Network:
    """Return a default VPC with made-up names, for worlds without an EC2."""
    subnets = {f"subnet-{region}-default-{letter}": region + letter for letter in _ZONE_LETTERS}
    return Network(f"vpc-{region}-default", f"sg-{region}-default", subnets)


def region_with_default_groups(account: str, name: str, network: Network) -> Region:
    """Return a region as every account finds it: with the `default` groups that AWS makes."""
    region = Region(account, name, network)
    region.subnet_groups["default"] = SubnetGroup(
        region.arn(arns.SUBNET_GROUP, "default"), "default", network.vpc_id, dict(network.subnets)
    )
    for version in catalog.VERSIONS:
        default = default_parameter_group(version)
        description = f"Default parameter group for {catalog.family(version)}"
        for kind, store in _stores(region):
            store[default] = ParameterGroup(
                region.arn(kind, default), catalog.family(version), description
            )
    return region


def default_parameter_group(version: str) -> str:
    """Return the name of the group that governs a cluster or an instance when none is chosen."""
    return f"default.{catalog.family(version)}"


def subnet_group(request: Request) -> SubnetGroup:
    """Return the subnet group asked for, or the region's default one."""
    name = str(request.get("DBSubnetGroupName", "default")).lower()
    return existing_subnet_group(request.region, name)


def cluster_parameter_group(request: Request, version: str) -> str:
    """Return the cluster parameter group asked for, or the version's default one.

    The family has to match.
    """
    name = str(request.get("DBClusterParameterGroupName", default_parameter_group(version))).lower()
    group = request.region.cluster_parameter_groups.get(name)
    if group is None:
        raise RdsError(
            "DBClusterParameterGroupNotFound", f"DBClusterParameterGroup {name} not found."
        )
    return _of_family(name, group, version)


def instance_parameter_group(request: Request, version: str) -> str:
    """Return the instance parameter group asked for, or the version's default one.

    The family has to match.
    """
    name = str(request.get("DBParameterGroupName", default_parameter_group(version))).lower()
    return _of_family(
        name, existing_parameter_group(request.region.parameter_groups, name), version
    )


def _of_family(name: str, group: ParameterGroup, version: str) -> str:
    if group.family != catalog.family(version):
        raise invalid_combination(
            f"The parameter group {name} is of family {group.family} and cannot govern version "
            f"{version}, which needs one of family {catalog.family(version)}."
        )
    return name


def _stores(region: Region) -> tuple[tuple[str, GroupStore], tuple[str, GroupStore]]:
    return (
        (arns.CLUSTER_PARAMETER_GROUP, region.cluster_parameter_groups),
        (arns.PARAMETER_GROUP, region.parameter_groups),
    )


def existing_parameter_group(store: GroupStore, name: str) -> ParameterGroup:
    """Both kinds of group answer the describe actions with `DBParameterGroupNotFound`."""
    if name not in store:
        raise RdsError("DBParameterGroupNotFound", f"DBParameterGroup {name} not found.")
    return store[name]


def existing_subnet_group(region: Region, name: str) -> SubnetGroup:
    """Return a subnet group by name, or say that there is none."""
    if name not in region.subnet_groups:
        raise RdsError("DBSubnetGroupNotFoundFault", f"DBSubnetGroup {name} not found.")
    return region.subnet_groups[name]


def create_db_cluster_parameter_group(request: Request) -> Answer:
    """Create a cluster parameter group."""
    name = new_group_name(request, "DBClusterParameterGroupName")
    return {
        "DBClusterParameterGroup": _show_cluster_group(
            _create(request, name, *_stores(request.region)[0])
        )
    }


def create_db_parameter_group(request: Request) -> Answer:
    """Create an instance parameter group."""
    name = new_group_name(request, "DBParameterGroupName")
    return {"DBParameterGroup": _show_group(_create(request, name, *_stores(request.region)[1]))}


def _create(request: Request, name: str, kind: str, store: GroupStore) -> ParameterGroup:
    if name in store:
        raise RdsError(
            "DBParameterGroupAlreadyExists", f"The parameter group {name} exists already."
        )
    if request["DBParameterGroupFamily"] not in {
        catalog.family(version) for version in catalog.VERSIONS
    }:
        raise invalid_value(
            f"There is no parameter group family {request['DBParameterGroupFamily']!r}."
        )
    store[name] = ParameterGroup(
        request.region.arn(kind, name),
        request["DBParameterGroupFamily"],
        request["Description"],
        read_tags(request),
    )
    return store[name]


def describe_db_cluster_parameter_groups(request: Request) -> Answer:
    """List cluster parameter groups, or one of them."""
    chosen = _chosen(
        request, "DBClusterParameterGroupName", request.region.cluster_parameter_groups
    )
    return page(request, "DBClusterParameterGroups", chosen, _identifier, _show_cluster_group)


def describe_db_parameter_groups(request: Request) -> Answer:
    """List instance parameter groups, or one of them."""
    chosen = _chosen(request, "DBParameterGroupName", request.region.parameter_groups)
    return page(request, "DBParameterGroups", chosen, _identifier, _show_group)


def _chosen(request: Request, name: str, store: GroupStore) -> list[ParameterGroup]:
    read_filters(request, modelled=set())
    return (
        [existing_parameter_group(store, request.identifier(name))]
        if name in request
        else list(store.values())
    )


def _identifier(group: Any) -> str:
    return str(group.arn.identifier)


def _show_cluster_group(group: ParameterGroup) -> Answer:
    return {
        "DBClusterParameterGroupName": group.arn.identifier,
        "DBParameterGroupFamily": group.family,
        "Description": group.description,
        "DBClusterParameterGroupArn": str(group.arn),
    }


def _show_group(group: ParameterGroup) -> Answer:
    return {
        "DBParameterGroupName": group.arn.identifier,
        "DBParameterGroupFamily": group.family,
        "Description": group.description,
        "DBParameterGroupArn": str(group.arn),
    }


def create_db_subnet_group(request: Request) -> Answer:
    """Create a subnet group; every subnet is taken to exist in the region's default VPC."""
    name = new_group_name(request, "DBSubnetGroupName")
    if name in request.region.subnet_groups:
        raise RdsError("DBSubnetGroupAlreadyExists", f"The DB subnet group {name} exists already.")
    subnets = subnets_of(request.region, name, request["SubnetIds"])
    arn, description = (
        request.region.arn(arns.SUBNET_GROUP, name),
        request["DBSubnetGroupDescription"],
    )
    group = SubnetGroup(arn, description, request.region.network.vpc_id, subnets)
    group.network_types = network_types(request.region, subnets)
    group.tags = read_tags(request)
    request.region.subnet_groups[name] = group
    return {"DBSubnetGroup": show_subnet_group(group)}


def subnets_of(region: Region, name: str, subnet_ids: Iterable[str]) -> dict[str, str]:
    """Return subnets with their zones, of which a group needs two.

    A subnet that is not of the default VPC is taken to lie in the next zone.
    """
    zones = [f"{region.name}{letter}" for letter in _ZONE_LETTERS]
    subnets = {
        subnet: region.network.subnets.get(subnet, zones[index % len(zones)])
        for index, subnet in enumerate(dict.fromkeys(subnet_ids))
    }
    if len(set(subnets.values())) < ZONES_LEAST:
        raise RdsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            f"{name} needs subnets in {ZONES_LEAST} zones at least.",
        )
    return subnets


def network_types(region: Region, subnets: Iterable[str]) -> tuple[str, ...]:
    """Return what a group of these subnets supports: IPv6, too, if all of them have a range."""
    return (IPV4, DUAL) if {*subnets} <= region.network.dual_stack else (IPV4,)


def describe_db_subnet_groups(request: Request) -> Answer:
    """List subnet groups, or one of them."""
    read_filters(request, modelled=set())
    groups = list(request.region.subnet_groups.values())
    if "DBSubnetGroupName" in request:
        groups = [existing_subnet_group(request.region, request.identifier("DBSubnetGroupName"))]
    return page(request, "DBSubnetGroups", groups, _identifier, show_subnet_group)


def show_subnet_group(group: SubnetGroup) -> Answer:
    """Return a subnet group as AWS describes it."""
    return {
        "DBSubnetGroupName": group.arn.identifier,
        "DBSubnetGroupDescription": group.description,
        "VpcId": group.vpc_id,
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": zone},
                "SubnetStatus": "Active",
            }
            for subnet, zone in group.subnets.items()
        ],
        "SupportedNetworkTypes": list(group.network_types),
        "DBSubnetGroupArn": str(group.arn),
    }
