"""The permissions of RDS's calls, by the service authorization reference.

A call asks for every resource that it names or makes: the one that exists is asked with its tags,
and all of them with the tags in the request. Where AWS does not say whether it asks (for the groups
that a caller leaves to their defaults, for keys once more when an instance is made), it is asked
here, so that a role is rather found wanting here than there.
"""

from collections.abc import Callable, Mapping
from typing import Final

from localaws.aurora.records import Cluster, Snapshot
from localaws.iam import kms
from localaws.iam.permission_request import Call, Context, PermissionRequest, request_tags
from localaws.iam.resource_lookup import ResourceLookup

Asking = Callable[[Call, ResourceLookup], list[PermissionRequest]]
MONITORING: Final = "monitoring.rds.amazonaws.com"
_TAG_KEYS: Final = {
    "cluster": "rds:cluster-tag",
    "cluster-snapshot": "rds:cluster-snapshot-tag",
    "db": "rds:db-tag",
}


def _arn(call: Call, kind: str, identifier: str) -> str:
    return identifier if identifier.startswith("arn:") else call.arn(f"{kind}:{identifier.lower()}")


def _resource_tags(world: ResourceLookup, arn: str) -> dict[str, str]:
    found = world.find(arn)
    kind = "".join(arn.split(":")[5:6])
    prefixes = ("aws:ResourceTag", _TAG_KEYS.get(kind, "aws:ResourceTag"))
    return {
        f"{prefix}/{key}": value
        for prefix in prefixes
        for key, value in (found.tags if found else {}).items()
    }


def _ask(
    world: ResourceLookup, action: str, arn: str, context: Context | None = None
) -> PermissionRequest:
    return PermissionRequest(
        f"rds:{action}", arn, {**_resource_tags(world, arn), **(context or {})}
    )


def _tagging(arn: str, tags: Context) -> list[PermissionRequest]:
    """Request AddTagsToResource for what is made with tags (user guide, "Tag resources")."""
    return (
        [PermissionRequest("rds:AddTagsToResource", arn, {**tags, "rds:TagsFromRequest": "true"})]
        if tags
        else []
    )


def _inherited(arn: str) -> PermissionRequest:
    return PermissionRequest("rds:AddTagsToResource", arn, {"rds:TagsFromRequest": "false"})


def on(kind: str, parameter: str, *also: tuple[str, str]) -> Asking:
    """Ask for what a parameter names.

    `also` are further kinds and parameters, asked for where they are given.
    """

    def asking(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
        named = [(kind, call.parameters[parameter])]
        named += [(other, call.parameters[name]) for other, name in also if call.get(name)]
        tags = request_tags(call.get("Tags"))
        return [
            _ask(world, call.operation, _arn(call, resource_type, str(name)), tags)
            for resource_type, name in named
        ]

    return asking


def describing(kind: str | None, parameter: str = "") -> Asking:
    """Ask for the one that is named, or for all of a kind.

    For everything where an action knows no kinds.
    """

    def asking(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
        if kind is None:
            return [PermissionRequest(f"rds:{call.operation}", "*")]
        return [_ask(world, call.operation, _arn(call, kind, str(call.get(parameter) or "*")))]

    return asking


def _changing_tags(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    tags = request_tags(call.get("Tags"))
    keys = {"aws:TagKeys": tuple(call.get("TagKeys"))} if call.get("TagKeys") else {}
    from_request = {"rds:TagsFromRequest": "true"} if call.operation == "AddTagsToResource" else {}
    return [
        _ask(
            world,
            call.operation,
            str(call.parameters["ResourceName"]),
            {**tags, **keys, **from_request},
        )
    ]


def _copy(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for both snapshots.

    And in the source's region again, which is asked on the caller's behalf, without tags.
    """
    source = _arn(
        call, "cluster-snapshot", str(call.parameters["SourceDBClusterSnapshotIdentifier"])
    )
    target = _arn(
        call, "cluster-snapshot", str(call.parameters["TargetDBClusterSnapshotIdentifier"])
    )
    tags = request_tags(call.get("Tags"))
    asked = [_ask(world, call.operation, arn, tags) for arn in (target, source)]
    home = source.split(":")[3]
    if home != call.region:
        asked.append(
            PermissionRequest(f"rds:{call.operation}", source, _resource_tags(world, source), home)
        )
    asked += _tagging(target, tags) + ([_inherited(target)] if call.get("CopyTags") else [])
    found = world.find(source)
    old = found.encryption.key_arn if isinstance(found, Snapshot) else None
    return (
        asked
        + _under(call, world, kms.TO_MAKE, call.get("KmsKeyId"))
        + _under(call, world, kms.TO_READ, old)
    )


def _under(
    call: Call, world: ResourceLookup, operations: tuple[str, ...], reference: str | None
) -> list[PermissionRequest]:
    parts = (reference or "").split(":")
    home = parts[3] if parts[0] == "arn" and parts[3:] else call.region
    key = kms.customer_key(call, world, home, reference)
    return kms.through("rds", key, operations) if key else []


def _groups(
    call: Call, version: str, parameters: tuple[str, str | None], subnets: str
) -> list[PermissionRequest]:
    """Request the groups that something new belongs to: parameters, options, subnets.

    Where none is named they are the defaults of an engine version.
    """
    major, (kind, given) = version.partition(".")[0], parameters
    named = (
        (kind, given or f"default.aurora-postgresql{major}"),
        ("og", f"default:aurora-postgresql-{major}"),
        ("subgrp", subnets),
    )
    tags = request_tags(call.get("Tags"))
    return [
        PermissionRequest(f"rds:{call.operation}", _arn(call, resource_type, name), tags)
        for resource_type, name in named
    ]


def _restore(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    cluster = _arn(call, "cluster", str(call.parameters["DBClusterIdentifier"]))
    snapshot = _arn(call, "cluster-snapshot", str(call.parameters["SnapshotIdentifier"]))
    tags, found = request_tags(call.get("Tags")), world.find(snapshot)
    known = found if isinstance(found, Snapshot) else None
    version = str(call.get("EngineVersion") or (known.engine_version if known else ""))
    parameters = ("cluster-pg", call.get("DBClusterParameterGroupName"))
    groups = _groups(call, version, parameters, str(call.get("DBSubnetGroupName") or "default"))
    key = call.get("KmsKeyId") or (known.encryption.key_arn if known else None)
    asked = [_ask(world, call.operation, arn, tags) for arn in (cluster, snapshot)]
    made = [*_tagging(cluster, tags), *_under(call, world, kms.TO_MAKE, key)]
    roles = [str(role["RoleArn"]) for role in call.get("AssociatedRoles") or ()]
    passed = [ask for role in roles for ask in _passing(role, "rds.amazonaws.com")]
    return [*asked, *groups, *made, *passed]


def _restore_to_time(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    cluster = _arn(call, "cluster", str(call.parameters["DBClusterIdentifier"]))
    source = _arn(call, "cluster", str(call.parameters["SourceDBClusterIdentifier"]))
    tags, found = request_tags(call.get("Tags")), world.find(source)
    known = found if isinstance(found, Cluster) else None
    parameters = ("cluster-pg", call.get("DBClusterParameterGroupName"))
    version = known.engine_version if known else ""
    groups = _groups(call, version, parameters, str(call.get("DBSubnetGroupName") or "default"))
    key = call.get("KmsKeyId") or (known.encryption.key_arn if known else None)
    asked = [_ask(world, call.operation, arn, tags) for arn in (cluster, source)]
    return [*asked, *groups, *_tagging(cluster, tags), *_under(call, world, kms.TO_MAKE, key)]


def _create_instance(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    instance = _arn(call, "db", str(call.parameters["DBInstanceIdentifier"]))
    cluster = _arn(call, "cluster", str(call.parameters["DBClusterIdentifier"]))
    tags, found = request_tags(call.get("Tags")), world.find(cluster)
    known = found if isinstance(found, Cluster) else None
    subnets = known.options.subnet_group.arn.identifier if known else "default"
    version = known.engine_version if known else ""
    parameters = ("pg", call.get("DBParameterGroupName"))
    groups = _groups(call, version, parameters, str(call.get("DBSubnetGroupName") or subnets))
    asked = [_ask(world, call.operation, arn, tags) for arn in (instance, cluster)]
    keys = [known.encryption.key_arn if known else None, call.get("PerformanceInsightsKMSKeyId")]
    under = [ask for key in keys for ask in _under(call, world, kms.TO_MAKE, key)]
    made = [*_tagging(instance, tags), *under]
    return [*asked, *groups, *made, *_passing(call.get("MonitoringRoleArn"), MONITORING)]


def _delete_cluster(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the cluster.

    A final snapshot is made in the caller's name, since 2024, and inherits tags if asked to. Under
    a customer's key it needs a grant on that (Aurora user guide, "Encrypting resources").
    """
    cluster = _arn(call, "cluster", str(call.parameters["DBClusterIdentifier"]))
    asked, final = [_ask(world, call.operation, cluster)], call.get("FinalDBSnapshotIdentifier")
    if not final:
        return asked
    snapshot = _arn(call, "cluster-snapshot", str(final))
    asked += [
        PermissionRequest(f"rds:{call.operation}", snapshot),
        _ask(world, "CreateDBClusterSnapshot", cluster),
    ]
    asked.append(PermissionRequest("rds:CreateDBClusterSnapshot", snapshot))
    found = world.find(cluster)
    if not isinstance(found, Cluster):
        return asked
    inherits = found.options.copy_tags_to_snapshot and found.tags
    asked += [_inherited(snapshot)] if inherits else []
    return asked + _under(call, world, kms.TO_KEEP, found.encryption.key_arn)


def _modify_cluster(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Request the cluster and its groups, all of which the reference lists.

    The reference is silent about a new name; it is asked for here, without tags that it has not.
    """
    cluster = _arn(call, "cluster", str(call.parameters["DBClusterIdentifier"]))
    found = world.find(cluster)
    major = found.engine_version.partition(".")[0] if isinstance(found, Cluster) else "16"
    named = (
        (
            "cluster-pg",
            call.get("DBClusterParameterGroupName") or f"default.aurora-postgresql{major}",
        ),
        ("og", f"default:aurora-postgresql-{major}"),
        ("pg", f"default.aurora-postgresql{major}"),
    )
    groups = [
        PermissionRequest(f"rds:{call.operation}", _arn(call, kind, name)) for kind, name in named
    ]
    new_name = call.get("NewDBClusterIdentifier")
    renamed = [_arn(call, "cluster", str(new_name))] if new_name else []
    asked = [_ask(world, call.operation, arn) for arn in (cluster, *renamed)]
    return [*asked, *groups, *_managing_password(call)]


def _modify_instance(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Request the instance and its group, and to hand the monitoring role to RDS."""
    instance = _arn(call, "db", str(call.parameters["DBInstanceIdentifier"]))
    asked, group = [_ask(world, call.operation, instance)], call.get("DBParameterGroupName")
    if group:
        asked.append(PermissionRequest(f"rds:{call.operation}", _arn(call, "pg", str(group))))
    return [*asked, *_passing(call.get("MonitoringRoleArn"), MONITORING)]


def _passing(role: str | None, service: str) -> list[PermissionRequest]:
    passed = {"iam:PassedToService": service}
    return [PermissionRequest("iam:PassRole", role, passed)] if role else []


def _managing_password(call: Call) -> list[PermissionRequest]:
    """Request the secret that RDS makes or rotates (user guide, "Password management")."""
    wanted = {
        "ManageMasterUserPassword": ("CreateSecret", "TagResource"),
        "RotateMasterUserPassword": ("RotateSecret",),
    }
    secret = call.arn("secret:rds!cluster-new", service="secretsmanager")
    named = (
        operation
        for name, operations in wanted.items()
        if call.get(name)
        for operation in operations
    )
    return [PermissionRequest(f"secretsmanager:{operation}", secret) for operation in named]


def _start_export(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the snapshot, to hand the role to RDS, and for the key (Aurora user guide)."""
    passed = {"iam:PassedToService": "export.rds.amazonaws.com"}
    role = PermissionRequest("iam:PassRole", str(call.parameters["IamRoleArn"]), passed)
    source = _ask(world, call.operation, str(call.parameters["SourceArn"]))
    used = ("CreateGrant", "DescribeKey")
    return [source, role, *_under(call, world, used, call.parameters["KmsKeyId"])]


def _create_endpoint(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    named = on(
        "cluster-endpoint", "DBClusterEndpointIdentifier", ("cluster", "DBClusterIdentifier")
    )
    endpoint = _arn(call, "cluster-endpoint", str(call.parameters["DBClusterEndpointIdentifier"]))
    return named(call, world) + _tagging(endpoint, request_tags(call.get("Tags")))


def _add_role(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the cluster, and to hand it the role."""
    asked = on("cluster", "DBClusterIdentifier")(call, world)
    return asked + _passing(str(call.parameters["RoleArn"]), "rds.amazonaws.com")


def _create_proxy(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for a proxy of any ARN, which only its creation decides, and to hand it the role."""
    asked = describing("db-proxy")(call, world)
    return asked + _passing(str(call.parameters["RoleArn"]), "rds.amazonaws.com")


def _create_snapshot(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    snapshot = _arn(call, "cluster-snapshot", str(call.parameters["DBClusterSnapshotIdentifier"]))
    asked = on(
        "cluster-snapshot", "DBClusterSnapshotIdentifier", ("cluster", "DBClusterIdentifier")
    )(call, world)
    return asked + _tagging(snapshot, request_tags(call.get("Tags")))


ASKING: Final[Mapping[str, Asking]] = {
    "AddRoleToDBCluster": _add_role,
    "AddTagsToResource": _changing_tags,
    "CancelExportTask": describing(None),
    "CopyDBClusterSnapshot": _copy,
    "CreateDBClusterEndpoint": _create_endpoint,
    "CreateDBClusterSnapshot": _create_snapshot,
    "CreateDBInstance": _create_instance,
    "CreateDBProxy": _create_proxy,
    "DeleteDBCluster": _delete_cluster,
    "DeleteDBClusterEndpoint": on("cluster-endpoint", "DBClusterEndpointIdentifier"),
    "DeleteDBClusterSnapshot": on("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "DeleteDBClusterParameterGroup": on("cluster-pg", "DBClusterParameterGroupName"),
    "DeleteDBInstance": on("db", "DBInstanceIdentifier"),
    "DeleteDBParameterGroup": on("pg", "DBParameterGroupName"),
    "DeleteDBSubnetGroup": on("subgrp", "DBSubnetGroupName"),
    "DescribeAccountAttributes": describing(None),
    "DescribeBlueGreenDeployments": describing("deployment", "BlueGreenDeploymentIdentifier"),
    "DescribeDBClusterEndpoints": describing("cluster-endpoint", "DBClusterEndpointIdentifier"),
    "DescribeDBClusterParameterGroups": describing("cluster-pg", "DBClusterParameterGroupName"),
    "DescribeDBClusterParameters": describing("cluster-pg", "DBClusterParameterGroupName"),
    "DescribeDBClusterSnapshots": describing("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "DescribeDBClusters": describing("cluster", "DBClusterIdentifier"),
    "DescribeDBEngineVersions": describing(None),
    "DescribeDBMajorEngineVersions": describing(None),
    "DescribeDBInstances": describing("db", "DBInstanceIdentifier"),
    "DescribeDBParameterGroups": describing("pg", "DBParameterGroupName"),
    "DescribeDBParameters": describing("pg", "DBParameterGroupName"),
    "DescribeDBProxies": describing("db-proxy"),
    "DescribeDBProxyTargets": describing("target-group"),
    "DescribeDBSnapshots": describing("snapshot", "DBSnapshotIdentifier"),
    "DescribeDBSubnetGroups": describing("subgrp", "DBSubnetGroupName"),
    "DescribeEvents": describing(None),
    "DescribeExportTasks": describing(None),
    "DescribeIntegrations": describing("integration", "IntegrationIdentifier"),
    "DescribeOrderableDBInstanceOptions": describing(None),
    "DescribePendingMaintenanceActions": describing(None),
    "DisableHttpEndpoint": on("cluster", "ResourceArn"),
    "EnableHttpEndpoint": on("cluster", "ResourceArn"),
    "FailoverDBCluster": on("cluster", "DBClusterIdentifier", ("db", "TargetDBInstanceIdentifier")),
    "ListTagsForResource": _changing_tags,
    "ModifyDBCluster": _modify_cluster,
    "ModifyDBInstance": _modify_instance,
    "ModifyDBClusterEndpoint": on("cluster-endpoint", "DBClusterEndpointIdentifier"),
    "ModifyDBClusterParameterGroup": on("cluster-pg", "DBClusterParameterGroupName"),
    "ModifyDBParameterGroup": on("pg", "DBParameterGroupName"),
    "ModifyDBSubnetGroup": on("subgrp", "DBSubnetGroupName"),
    "ModifyDBClusterSnapshotAttribute": on("cluster-snapshot", "DBClusterSnapshotIdentifier"),
    "RebootDBInstance": on("db", "DBInstanceIdentifier"),
    "RegisterDBProxyTargets": describing("target-group"),
    "RemoveRoleFromDBCluster": _add_role,
    "RemoveTagsFromResource": _changing_tags,
    "ResetDBClusterParameterGroup": on("cluster-pg", "DBClusterParameterGroupName"),
    "ResetDBParameterGroup": on("pg", "DBParameterGroupName"),
    "RestoreDBClusterFromSnapshot": _restore,
    "RestoreDBClusterToPointInTime": _restore_to_time,
    "StartDBCluster": on("cluster", "DBClusterIdentifier"),
    "StartExportTask": _start_export,
    "StopDBCluster": on("cluster", "DBClusterIdentifier"),
}
