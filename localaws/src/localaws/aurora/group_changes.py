"""Changes of existing groups: read and set parameters, replace subnets, delete a group."""

from localaws.aurora import group_parameters
from localaws.aurora.errors import RdsError
from localaws.aurora.groups import (
    existing_parameter_group,
    existing_subnet_group,
    network_types,
    show_subnet_group,
    subnets_of,
)
from localaws.aurora.records import ParameterGroup
from localaws.aurora.state import Answer, Request

_CLUSTER_GROUP = "DBClusterParameterGroupName"
_GROUP = "DBParameterGroupName"


def _cluster_group(request: Request) -> ParameterGroup:
    groups = request.region.cluster_parameter_groups
    return existing_parameter_group(groups, request.identifier(_CLUSTER_GROUP))


def _group(request: Request) -> ParameterGroup:
    return existing_parameter_group(request.region.parameter_groups, request.identifier(_GROUP))


def describe_db_cluster_parameters(request: Request) -> Answer:
    """List the parameters of a cluster parameter group."""
    return group_parameters.describe(request, _cluster_group(request))


def describe_db_parameters(request: Request) -> Answer:
    """List the parameters of an instance parameter group."""
    return group_parameters.describe(request, _group(request))


def modify_db_cluster_parameter_group(request: Request) -> Answer:
    """Set parameters of a cluster parameter group."""
    group = _cluster_group(request)
    group_parameters.modify(request, group)
    return {_CLUSTER_GROUP: group.arn.identifier}


def modify_db_parameter_group(request: Request) -> Answer:
    """Set parameters of an instance parameter group."""
    group = _group(request)
    group_parameters.modify(request, group)
    return {_GROUP: group.arn.identifier}


def reset_db_cluster_parameter_group(request: Request) -> Answer:
    """Take parameters of a cluster parameter group back to their defaults."""
    group = _cluster_group(request)
    group_parameters.reset(request, group)
    return {_CLUSTER_GROUP: group.arn.identifier}


def reset_db_parameter_group(request: Request) -> Answer:
    """Take parameters of an instance parameter group back to their defaults."""
    group = _group(request)
    group_parameters.reset(request, group)
    return {_GROUP: group.arn.identifier}


def delete_db_cluster_parameter_group(request: Request) -> Answer:
    """Delete a cluster parameter group that governs no cluster."""
    name = _cluster_group(request).arn.identifier
    users = request.region.clusters.values()
    used = [user.identifier for user in users if user.options.parameter_group == name]
    _refuse_kept(name, used, "InvalidDBParameterGroupState")
    del request.region.cluster_parameter_groups[name]
    return {}


def delete_db_parameter_group(request: Request) -> Answer:
    """Delete an instance parameter group that governs no instance."""
    name = _group(request).arn.identifier
    users = request.region.instances.values()
    used = [user.identifier for user in users if user.parameter_group == name]
    _refuse_kept(name, used, "InvalidDBParameterGroupState")
    del request.region.parameter_groups[name]
    return {}


def delete_db_subnet_group(request: Request) -> Answer:
    """Delete a subnet group in which no cluster lies."""
    name = request.identifier("DBSubnetGroupName")
    group = existing_subnet_group(request.region, name)
    users = request.region.clusters.values()
    used = [user.identifier for user in users if user.options.subnet_group is group]
    _refuse_kept(name, used, "InvalidDBSubnetGroupStateFault")
    del request.region.subnet_groups[name]
    return {}


def _refuse_kept(name: str, used_by: list[str], code: str) -> None:
    """Refuse to delete a group of AWS's own, or one in use."""
    if name.partition(".")[0] == "default":
        raise RdsError(code, f"{name} is a default group, which cannot be deleted.")
    if used_by:
        raise RdsError(code, f"{name} is used by {', '.join(sorted(used_by))}.")


def modify_db_subnet_group(request: Request) -> Answer:
    """Give a subnet group other subnets, and another description if one is given."""
    group = existing_subnet_group(request.region, request.identifier("DBSubnetGroupName"))
    group.subnets = subnets_of(request.region, group.arn.identifier, request["SubnetIds"])
    group.network_types = network_types(request.region, group.subnets)
    group.description = request.get("DBSubnetGroupDescription", group.description)
    return {"DBSubnetGroup": show_subnet_group(group)}
