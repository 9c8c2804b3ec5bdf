"""The table of what is modelled: every action with the parameters it takes.

Anything else is refused by name.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from localaws.aurora import (
    attachments,
    catalog,
    clones,
    cluster_roles,
    clusters,
    copies,
    custom_endpoints,
    data_api,
    deletion,
    events,
    exports,
    failover,
    global_clusters,
    group_changes,
    groups,
    insights,
    instance_changes,
    instances,
    modification,
    proxies,
    queries,
    quota_checks,
    restores,
    sharing,
    snapshots,
    start_stop,
    tags,
)
from localaws.aurora.errors import not_modelled
from localaws.aurora.state import Answer, Request

PAGED = "Filters Marker MaxRecords"
CLUSTER_OPTIONS = (
    "BackupRetentionPeriod CopyTagsToSnapshot DBClusterIdentifier DBClusterParameterGroupName "
    "DBSubnetGroupName DeletionProtection EnableCloudwatchLogsExports "
    "EnableIAMDatabaseAuthentication EngineLifecycleSupport EngineMode KmsKeyId NetworkType Port "
    "PreferredBackupWindow PubliclyAccessible ServerlessV2ScalingConfiguration StorageType Tags "
    "VpcSecurityGroupIds"
)
CLUSTER = f"{CLUSTER_OPTIONS} Engine EngineVersion"


class Action(NamedTuple):
    """One action of RDS: the function that performs it, and the parameters that it understands."""

    perform: Callable[[Request], Answer]
    parameters: frozenset[str]


def _action(perform: Callable[[Request], Answer], *parameters: str) -> Action:
    return Action(perform, frozenset(" ".join(parameters).split()))


ACTIONS: Mapping[str, Action] = {
    "AddRoleToDBCluster": _action(
        cluster_roles.add_role_to_db_cluster, "DBClusterIdentifier FeatureName RoleArn"
    ),
    "AddTagsToResource": _action(tags.add_tags_to_resource, "ResourceName Tags"),
    "CancelExportTask": _action(exports.cancel_export_task, "ExportTaskIdentifier"),
    "CopyDBClusterSnapshot": _action(
        copies.copy_db_cluster_snapshot,
        "CopyTags KmsKeyId PreSignedUrl SourceDBClusterSnapshotIdentifier SourceRegion Tags",
        "TargetDBClusterSnapshotIdentifier",
    ),
    "CreateDBCluster": _action(
        clusters.create_db_cluster,
        CLUSTER,
        "DatabaseName ManageMasterUserPassword MasterUserPassword MasterUserSecretKmsKeyId "
        "MasterUsername",
        "PreferredMaintenanceWindow StorageEncrypted",
    ),
    "CreateDBClusterEndpoint": _action(
        custom_endpoints.create_db_cluster_endpoint,
        "DBClusterEndpointIdentifier DBClusterIdentifier EndpointType ExcludedMembers "
        "StaticMembers Tags",
    ),
    "CreateDBClusterParameterGroup": _action(
        groups.create_db_cluster_parameter_group,
        "DBClusterParameterGroupName DBParameterGroupFamily Description Tags",
    ),
    "CreateDBClusterSnapshot": _action(
        snapshots.create_db_cluster_snapshot, "DBClusterIdentifier DBClusterSnapshotIdentifier Tags"
    ),
    "CreateDBInstance": _action(
        instances.create_db_instance,
        "AutoMinorVersionUpgrade AvailabilityZone CACertificateIdentifier CopyTagsToSnapshot "
        "DBClusterIdentifier",
        "DBInstanceClass",
        "DBInstanceIdentifier DBParameterGroupName DBSubnetGroupName Engine MonitoringInterval",
        "MonitoringRoleArn PreferredMaintenanceWindow PromotionTier PubliclyAccessible Tags",
        insights.PARAMETERS,
        # Understood only so far as to be refused the way AWS refuses them.
        " ".join(instances.OWNED_BY_CLUSTER),
    ),
    "CreateDBParameterGroup": _action(
        groups.create_db_parameter_group,
        "DBParameterGroupFamily DBParameterGroupName Description Tags",
    ),
    "CreateDBProxy": _action(
        proxies.create_db_proxy, "Auth DBProxyName EngineFamily RoleArn VpcSubnetIds"
    ),
    "CreateDBSubnetGroup": _action(
        groups.create_db_subnet_group, "DBSubnetGroupDescription DBSubnetGroupName SubnetIds Tags"
    ),
    "CreateGlobalCluster": _action(
        global_clusters.create_global_cluster,
        "DeletionProtection Engine GlobalClusterIdentifier SourceDBClusterIdentifier Tags",
    ),
    "DeleteDBCluster": _action(
        deletion.delete_db_cluster,
        "DBClusterIdentifier DeleteAutomatedBackups FinalDBSnapshotIdentifier SkipFinalSnapshot",
    ),
    "DeleteDBClusterEndpoint": _action(
        custom_endpoints.delete_db_cluster_endpoint, "DBClusterEndpointIdentifier"
    ),
    "DeleteDBClusterParameterGroup": _action(
        group_changes.delete_db_cluster_parameter_group, "DBClusterParameterGroupName"
    ),
    "DeleteDBClusterSnapshot": _action(
        snapshots.delete_db_cluster_snapshot, "DBClusterSnapshotIdentifier"
    ),
    "DeleteDBInstance": _action(
        instances.delete_db_instance,
        "DBInstanceIdentifier FinalDBSnapshotIdentifier SkipFinalSnapshot",
    ),
    "DeleteDBParameterGroup": _action(
        group_changes.delete_db_parameter_group, "DBParameterGroupName"
    ),
    "DeleteDBSubnetGroup": _action(group_changes.delete_db_subnet_group, "DBSubnetGroupName"),
    "DescribeAccountAttributes": _action(quota_checks.describe_account_attributes),
    "DescribeBlueGreenDeployments": _action(
        attachments.describe_blue_green_deployments, PAGED, "BlueGreenDeploymentIdentifier"
    ),
    "DescribeDBClusterEndpoints": _action(
        custom_endpoints.describe_db_cluster_endpoints,
        PAGED,
        "DBClusterEndpointIdentifier DBClusterIdentifier",
    ),
    "DescribeDBClusterParameterGroups": _action(
        groups.describe_db_cluster_parameter_groups, PAGED, "DBClusterParameterGroupName"
    ),
    "DescribeDBClusterParameters": _action(
        group_changes.describe_db_cluster_parameters, PAGED, "DBClusterParameterGroupName Source"
    ),
    "DescribeDBClusterSnapshotAttributes": _action(
        sharing.describe_db_cluster_snapshot_attributes, "DBClusterSnapshotIdentifier"
    ),
    "DescribeDBClusterSnapshots": _action(
        queries.describe_db_cluster_snapshots,
        PAGED,
        "DBClusterIdentifier DBClusterSnapshotIdentifier DbClusterResourceId IncludePublic "
        "IncludeShared SnapshotType",
    ),
    "DescribeDBClusters": _action(queries.describe_db_clusters, PAGED, "DBClusterIdentifier"),
    "DescribeDBEngineVersions": _action(
        catalog.describe_db_engine_versions,
        PAGED,
        "DBParameterGroupFamily DefaultOnly Engine EngineVersion IncludeAll",
    ),
    "DescribeDBMajorEngineVersions": _action(
        catalog.describe_db_major_engine_versions, "Engine Marker MajorEngineVersion MaxRecords"
    ),
    "DescribeDBInstances": _action(queries.describe_db_instances, PAGED, "DBInstanceIdentifier"),
    "DescribeDBParameterGroups": _action(
        groups.describe_db_parameter_groups, PAGED, "DBParameterGroupName"
    ),
    "DescribeDBParameters": _action(
        group_changes.describe_db_parameters, PAGED, "DBParameterGroupName Source"
    ),
    "DescribeDBProxies": _action(proxies.describe_db_proxies, PAGED, "DBProxyName"),
    "DescribeDBProxyTargets": _action(
        proxies.describe_db_proxy_targets, PAGED, "DBProxyName TargetGroupName"
    ),
    "DescribeDBSnapshots": _action(
        queries.describe_db_snapshots,
        PAGED,
        "DBInstanceIdentifier DBSnapshotIdentifier DbiResourceId IncludePublic IncludeShared "
        "SnapshotType",
    ),
    "DescribeDBSubnetGroups": _action(groups.describe_db_subnet_groups, PAGED, "DBSubnetGroupName"),
    "DescribeEvents": _action(
        events.describe_events,
        PAGED,
        "Duration EndTime EventCategories SourceIdentifier SourceType StartTime",
    ),
    "DescribeExportTasks": _action(
        exports.describe_export_tasks, PAGED, "ExportTaskIdentifier SourceArn SourceType"
    ),
    "DescribeIntegrations": _action(
        attachments.describe_integrations, PAGED, "IntegrationIdentifier"
    ),
    "DescribeGlobalClusters": _action(
        global_clusters.describe_global_clusters, PAGED, "GlobalClusterIdentifier"
    ),
    "DescribeOrderableDBInstanceOptions": _action(
        catalog.describe_orderable_db_instance_options,
        PAGED,
        "DBInstanceClass Engine EngineVersion Vpc",
    ),
    "DescribePendingMaintenanceActions": _action(
        queries.describe_pending_maintenance_actions, PAGED, "ResourceIdentifier"
    ),
    "DisableHttpEndpoint": _action(data_api.disable_http_endpoint, "ResourceArn"),
    "EnableHttpEndpoint": _action(data_api.enable_http_endpoint, "ResourceArn"),
    "FailoverDBCluster": _action(
        failover.failover_db_cluster, "DBClusterIdentifier TargetDBInstanceIdentifier"
    ),
    "ListTagsForResource": _action(tags.list_tags_for_resource, "ResourceName"),
    "ModifyDBCluster": _action(
        modification.modify_db_cluster,
        "ApplyImmediately BackupRetentionPeriod CloudwatchLogsExportConfiguration "
        "CopyTagsToSnapshot",
        "DBClusterIdentifier DBClusterParameterGroupName DeletionProtection "
        "EnableIAMDatabaseAuthentication",
        "DatabaseInsightsMode ManageMasterUserPassword MasterUserAuthenticationType "
        "MasterUserPassword MasterUserSecretKmsKeyId NewDBClusterIdentifier",
        insights.PARAMETERS,
        "PreferredBackupWindow PreferredMaintenanceWindow RotateMasterUserPassword "
        "ServerlessV2ScalingConfiguration",
        "VpcSecurityGroupIds",
    ),
    "ModifyDBInstance": _action(
        instance_changes.modify_db_instance,
        "ApplyImmediately AutoMinorVersionUpgrade CACertificateIdentifier DBInstanceClass",
        "DBInstanceIdentifier DBParameterGroupName MonitoringInterval MonitoringRoleArn "
        "PreferredMaintenanceWindow PromotionTier PubliclyAccessible",
        insights.PARAMETERS,
        # Understood only so far as to be refused the way AWS refuses them.
        " ".join(instance_changes.OWNED_BY_CLUSTER),
    ),
    "ModifyDBClusterEndpoint": _action(
        custom_endpoints.modify_db_cluster_endpoint,
        "DBClusterEndpointIdentifier EndpointType ExcludedMembers StaticMembers",
    ),
    "ModifyDBClusterParameterGroup": _action(
        group_changes.modify_db_cluster_parameter_group, "DBClusterParameterGroupName Parameters"
    ),
    "ModifyDBClusterSnapshotAttribute": _action(
        sharing.modify_db_cluster_snapshot_attribute,
        "AttributeName DBClusterSnapshotIdentifier ValuesToAdd ValuesToRemove",
    ),
    "ModifyDBParameterGroup": _action(
        group_changes.modify_db_parameter_group, "DBParameterGroupName Parameters"
    ),
    "ModifyDBSubnetGroup": _action(
        group_changes.modify_db_subnet_group, "DBSubnetGroupDescription DBSubnetGroupName SubnetIds"
    ),
    "RebootDBInstance": _action(
        instance_changes.reboot_db_instance, "DBInstanceIdentifier ForceFailover"
    ),
    "RegisterDBProxyTargets": _action(
        proxies.register_db_proxy_targets,
        "DBClusterIdentifiers DBInstanceIdentifiers DBProxyName TargetGroupName",
    ),
    "RemoveRoleFromDBCluster": _action(
        cluster_roles.remove_role_from_db_cluster, "DBClusterIdentifier FeatureName RoleArn"
    ),
    "RemoveTagsFromResource": _action(tags.remove_tags_from_resource, "ResourceName TagKeys"),
    "ResetDBClusterParameterGroup": _action(
        group_changes.reset_db_cluster_parameter_group,
        "DBClusterParameterGroupName Parameters ResetAllParameters",
    ),
    "ResetDBParameterGroup": _action(
        group_changes.reset_db_parameter_group,
        "DBParameterGroupName Parameters ResetAllParameters",
    ),
    "RestoreDBClusterFromSnapshot": _action(
        restores.restore_db_cluster_from_snapshot,
        CLUSTER,
        "AssociatedRoles SnapshotIdentifier",
        # Understood only so far as to be refused the way AWS refuses them.
        " ".join(restores.OF_INSTANCES),
    ),
    "RestoreDBClusterToPointInTime": _action(
        clones.restore_db_cluster_to_point_in_time,
        CLUSTER_OPTIONS,
        "RestoreToTime RestoreType SourceDBClusterIdentifier UseLatestRestorableTime",
    ),
    "StartDBCluster": _action(start_stop.start_db_cluster, "DBClusterIdentifier"),
    "StartExportTask": _action(
        exports.start_export_task,
        "ExportOnly ExportTaskIdentifier IamRoleArn KmsKeyId S3BucketName S3Prefix SourceArn",
    ),
    "StopDBCluster": _action(start_stop.stop_db_cluster, "DBClusterIdentifier"),
}


def modelled_action(name: str, parameters: Mapping[str, Any]) -> Action:
    """Return an action, or refuse it or the first of its parameters that is not modelled."""
    action = ACTIONS.get(name)
    if action is None:
        raise not_modelled(f"The action {name}")
    for parameter in parameters:
        if parameter not in action.parameters:
            raise not_modelled(f"The parameter {parameter} of {name}")
    return action
