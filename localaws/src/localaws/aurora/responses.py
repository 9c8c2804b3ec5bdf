"""Clusters, instances and snapshots as AWS describes them.

Members that AWS would leave out are left out.
"""

from datetime import timedelta

from localaws.aurora import insights, statuses
from localaws.aurora.catalog import ENGINE, LICENSE
from localaws.aurora.endpoint_names import custom_name, dns_name, instance_name, reader_name
from localaws.aurora.groups import show_subnet_group
from localaws.aurora.records import (
    AssociatedRole,
    Cluster,
    ClusterOptions,
    Encryption,
    Instance,
    Snapshot,
)
from localaws.aurora.state import Answer, AuroraState
from localaws.aurora.tags import tag_list

_PROGRESS_DONE = 100
_RESTORE_WINDOW_LAG = timedelta(minutes=5)


def show_cluster(state: AuroraState, cluster: Cluster) -> Answer:
    """Return a cluster's description."""
    return {
        **_cluster_itself(state, cluster),
        **_cluster_endpoints(state, cluster),
        **_cluster_options(cluster.options),
        **_encryption(cluster.encryption),
        **_present(
            DatabaseName=cluster.database_name,
            MasterUserSecret=_master_secret(cluster),
            GlobalClusterIdentifier=cluster.global_cluster,
            PendingModifiedValues=_pending(cluster) or None,
            AutomaticRestartTime=cluster.restarts_at,
            CustomEndpoints=_custom_endpoints(state, cluster) or None,
        ),
    }


def _pending(cluster: Cluster) -> Answer:
    return {**cluster.pending, **_present(DBClusterIdentifier=cluster.pending_identifier)}


def _master_secret(cluster: Cluster) -> Answer | None:
    """Return the secret of a managed password, and whether its password is in force already."""
    if cluster.master_secret is None:
        return None
    statuses_of_secret = {"creating": "creating", "resetting-master-credentials": "rotating"}
    status = statuses_of_secret.get(cluster.status, "active")
    secret = cluster.master_secret
    return {
        "SecretArn": secret.arn,
        "SecretStatus": status,
        **_present(KmsKeyId=secret.key_arn),
    }


def _cluster_itself(state: AuroraState, cluster: Cluster) -> Answer:
    return {
        "AllocatedStorage": 1,
        "DBClusterIdentifier": cluster.identifier,
        "DbClusterResourceId": cluster.resource_id,
        "DBClusterArn": str(cluster.arn),
        "AvailabilityZones": _zones(cluster.arn.region),
        "Status": statuses.shown(state, cluster),
        "Engine": ENGINE,
        "EngineVersion": cluster.engine_version,
        "EngineMode": "provisioned",
        "MasterUsername": cluster.master_username,
        "ClusterCreateTime": cluster.created_at,
        "EarliestRestorableTime": cluster.created_at,
        "AssociatedRoles": [_role(role) for role in cluster.roles],
        "HttpEndpointEnabled": cluster.data_api,
        "DatabaseInsightsMode": cluster.insights_mode,
        "CrossAccountClone": False,
        "DomainMemberships": [],
        "AutoMinorVersionUpgrade": True,
        "ActivityStreamStatus": "stopped",
        "LocalWriteForwardingStatus": "disabled",
        **cluster.attached,
        "TagList": tag_list(cluster.tags),
    }


def _role(role: AssociatedRole) -> Answer:
    feature = _present(FeatureName=role.feature)
    return {"RoleArn": role.arn, "Status": role.status, **feature}


def _custom_endpoints(state: AuroraState, cluster: Cluster) -> list[str]:
    found = state.region_of(cluster.arn).custom_endpoints.values()
    return [custom_name(endpoint.arn) for endpoint in found if endpoint.cluster is cluster]


def _cluster_endpoints(state: AuroraState, cluster: Cluster) -> Answer:
    """Return how the cluster is reached and by whom, and what moves with the clock."""
    address, port = state.data.endpoint(cluster.resource_id)
    instances = [state.region_of(cluster.arn).instances[name] for name in cluster.members]
    return {
        **_names(cluster, address),
        "Port": port or cluster.options.port,
        "HostedZoneId": "Z00000000000000000000",
        "MultiAZ": len({instance.availability_zone for instance in instances}) > 1,
        "DBClusterMembers": [_member(instance) for instance in instances],
        "LatestRestorableTime": max(cluster.created_at, state.now - _RESTORE_WINDOW_LAG),
    }


def _names(cluster: Cluster, address: str) -> Answer:
    return {
        "Endpoint": address or dns_name(cluster),
        "ReaderEndpoint": address or reader_name(cluster),
    }


def _cluster_options(options: ClusterOptions) -> Answer:
    answer = {
        "BackupRetentionPeriod": options.backup_retention_days,
        "DBClusterParameterGroup": options.parameter_group,
        "DBSubnetGroup": options.subnet_group.arn.identifier,
        "PreferredBackupWindow": options.backup_window,
        "PreferredMaintenanceWindow": options.maintenance_window,
        "VpcSecurityGroups": _security_groups(options),
        "IAMDatabaseAuthenticationEnabled": options.iam_authentication,
        "DeletionProtection": options.deletion_protection,
        "CopyTagsToSnapshot": options.copy_tags_to_snapshot,
        "NetworkType": options.network_type,
        "StorageType": options.storage_type,
        "EngineLifecycleSupport": options.lifecycle_support,
    }
    return answer | _present(
        EnabledCloudwatchLogsExports=list(options.log_exports) or None,
        ServerlessV2ScalingConfiguration=dict(options.scaling) if options.scaling else None,
        PubliclyAccessible=options.publicly_accessible,
    )


def _member(instance: Instance) -> Answer:
    return {
        "DBInstanceIdentifier": instance.identifier,
        "IsClusterWriter": instance.is_writer,
        "DBClusterParameterGroupStatus": _apply_status(instance.parameters_in_sync),
        "PromotionTier": instance.promotion_tier,
    }


def _apply_status(in_sync: bool) -> str:  # a flag of the instance
    return "in-sync" if in_sync else "pending-reboot"


def show_instance(state: AuroraState, instance: Instance) -> Answer:
    """Return an instance's description; it has an endpoint from the moment it has been created."""
    return {
        **_instance_itself(state, instance),
        **_of_its_cluster(instance.cluster),
        **_present(
            Endpoint=_endpoint(state, instance) if instance.has_endpoint else None,
            MonitoringRoleArn=instance.monitoring_role,
        ),
    }


def _instance_itself(state: AuroraState, instance: Instance) -> Answer:
    return {
        "DBInstanceIdentifier": instance.identifier,
        "DbiResourceId": instance.resource_id,
        "DBInstanceArn": str(instance.arn),
        "DBInstanceClass": instance.instance_class,
        "DBInstanceStatus": statuses.shown(state, instance),
        "InstanceCreateTime": instance.created_at,
        "AvailabilityZone": instance.availability_zone,
        "DBParameterGroups": [
            {
                "DBParameterGroupName": instance.parameter_group,
                "ParameterApplyStatus": _apply_status(instance.own_parameters_in_sync),
            }
        ],
        "AutoMinorVersionUpgrade": instance.auto_minor_upgrade,
        "PubliclyAccessible": instance.publicly_accessible,
        "CACertificateIdentifier": instance.ca_certificate,
        "MonitoringInterval": instance.monitoring_interval,
        **insights.show(instance.insights),
        "DatabaseInsightsMode": instance.cluster.insights_mode,
        "PreferredMaintenanceWindow": instance.maintenance_window,
        "PromotionTier": instance.promotion_tier,
        "AllocatedStorage": 1,
        "DbInstancePort": 0,
        "MultiAZ": False,
        "DeletionProtection": False,
        "LicenseModel": LICENSE,
        "DBSecurityGroups": [],
        "DomainMemberships": [],
        "PendingModifiedValues": dict(instance.pending),
        "ReadReplicaDBInstanceIdentifiers": [],
        "TagList": tag_list(instance.tags),
    }


def _of_its_cluster(cluster: Cluster) -> Answer:
    """Return what an instance shows and the cluster decides."""
    options = cluster.options
    answer = {
        "DBClusterIdentifier": cluster.identifier,
        "Engine": ENGINE,
        "EngineVersion": cluster.engine_version,
        "MasterUsername": cluster.master_username,
        "PreferredBackupWindow": options.backup_window,
        "BackupRetentionPeriod": options.backup_retention_days,
        "VpcSecurityGroups": _security_groups(options),
        "DBSubnetGroup": show_subnet_group(options.subnet_group),
        "StorageType": options.storage_type,
        "CopyTagsToSnapshot": options.copy_tags_to_snapshot,
        "IAMDatabaseAuthenticationEnabled": options.iam_authentication,
    }
    return answer | _encryption(cluster.encryption) | _present(DBName=cluster.database_name)


def _endpoint(state: AuroraState, instance: Instance) -> Answer:
    address, port = state.data.instance_endpoint(instance.cluster.resource_id)
    return {
        "Address": address or instance_name(instance),
        "Port": port or instance.cluster.options.port,
    }


def show_new_copy(state: AuroraState, copy: Snapshot, source: Snapshot) -> Answer:
    """Return the answer to an accepted copy, with the status and progress of its source."""
    status = {"Status": source.status, "PercentProgress": progress_percent(state, source)}
    return show_snapshot(state, copy) | status


def show_snapshot(state: AuroraState, snapshot: Snapshot, *, seen_by: str | None = None) -> Answer:
    """Return a snapshot's description.

    To another account, it is of type `shared` and its identifier is its ARN.
    """
    is_foreign = seen_by is not None and seen_by != snapshot.arn.account
    answer = {
        "AvailabilityZones": _zones(snapshot.arn.region),
        "DBClusterSnapshotIdentifier": str(snapshot.arn) if is_foreign else snapshot.identifier,
        "DBClusterIdentifier": snapshot.cluster_identifier,
        "Engine": ENGINE,
        "EngineMode": "provisioned",
        "AllocatedStorage": 1,
        "Status": snapshot.status,
        "Port": 0,  # whatever its cluster's port was (recorded answers); a restore knows that one
        "VpcId": snapshot.vpc_id,
        "ClusterCreateTime": snapshot.cluster_created_at,
        "MasterUsername": snapshot.master_username,
        "EngineVersion": snapshot.engine_version,
        "LicenseModel": LICENSE,
        "SnapshotType": "shared" if is_foreign else snapshot.snapshot_type,
        "PercentProgress": progress_percent(state, snapshot),
        "BackupRetentionPeriod": snapshot.backup_retention_days,
        "PreferredBackupWindow": snapshot.backup_window,
        **_encryption(snapshot.encryption),
        "DBClusterSnapshotArn": str(snapshot.arn),
        "IAMDatabaseAuthenticationEnabled": snapshot.iam_authentication,
        "TagList": [] if is_foreign else tag_list(snapshot.tags),
        "StorageType": snapshot.storage_type,
        "DbClusterResourceId": snapshot.cluster_resource_id,
    }
    return answer | _present(
        SnapshotCreateTime=snapshot.created_at,
        SourceDBClusterSnapshotArn=str(snapshot.origin.arn) if snapshot.origin else None,
    )


def progress_percent(state: AuroraState, snapshot: Snapshot) -> int:
    """Return how far a snapshot or a copy is, 0 to 100; a copy that waits in a queue is at 0."""
    seconds = {"creating": state.durations.snapshot, "copying": state.durations.copy}.get(
        snapshot.status
    )
    if seconds is None:
        return 0 if snapshot.status == "failed" else _PROGRESS_DONE
    if snapshot.started_at is None:
        return 0
    passed = (state.now - snapshot.started_at).total_seconds()
    return min(int(_PROGRESS_DONE * passed / seconds), _PROGRESS_DONE - 1)


def _encryption(encryption: Encryption) -> Answer:
    """Tell by StorageEncryptionType alone how storage is encrypted.

    Under a key that AWS owns StorageEncrypted "is false" (RDS API reference, DBCluster).
    """
    keyed = encryption.kind == "sse-kms"
    answer = {"StorageEncrypted": keyed, "StorageEncryptionType": encryption.kind}
    return answer | _present(KmsKeyId=encryption.key_arn)


def _security_groups(options: ClusterOptions) -> list[Answer]:
    return [{"VpcSecurityGroupId": group, "Status": "active"} for group in options.security_groups]


def _zones(region: str) -> list[str]:
    return [f"{region}{letter}" for letter in "abc"]


def _present(**members: object) -> Answer:
    return {name: value for name, value in members.items() if value is not None}
