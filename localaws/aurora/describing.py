"""Clusters, instances and snapshots as AWS describes them. Members that AWS would leave out are left out."""

from datetime import timedelta

from localaws.aurora.catalog import ENGINE, LICENSE
from localaws.aurora.groups import show_subnet_group
from localaws.aurora.identities import endpoint_hash
from localaws.aurora.records import Cluster, Encryption, Instance, Snapshot
from localaws.aurora.tags import tag_list
from localaws.aurora.world import Answer, World

HIDDEN_PASSWORD = "****"
_PROGRESS_DONE = 100
_RESTORE_WINDOW_LAG = timedelta(minutes=5)


def show_cluster(world: World, cluster: Cluster) -> Answer:
    """Return a cluster's description."""
    options = cluster.options
    address, port = world.data.endpoint(cluster.resource_id)
    region = world.region_of(cluster.arn)
    answer = {
        "AllocatedStorage": 1,
        "AvailabilityZones": _zones(region.name),
        "BackupRetentionPeriod": options.backup_retention_days,
        "DBClusterIdentifier": cluster.identifier,
        "DBClusterParameterGroup": options.parameter_group,
        "DBSubnetGroup": options.subnet_group.arn.identifier,
        "Status": cluster.status,
        "EarliestRestorableTime": cluster.created_at,
        "LatestRestorableTime": max(cluster.created_at, world.now - _RESTORE_WINDOW_LAG),
        "Endpoint": address or _dns_name(cluster, "cluster-"),
        "ReaderEndpoint": address or _dns_name(cluster, "cluster-ro-"),
        "MultiAZ": _spans_zones(world, cluster),
        "Engine": ENGINE,
        "EngineVersion": cluster.engine_version,
        "EngineMode": "provisioned",
        "Port": port or options.port,
        "MasterUsername": cluster.master_username,
        "PreferredBackupWindow": options.backup_window,
        "PreferredMaintenanceWindow": options.maintenance_window,
        "DBClusterMembers": [_member(region.instances[name]) for name in cluster.members],
        "VpcSecurityGroups": _security_groups(cluster),
        "HostedZoneId": "Z00000000000000000000",
        **_encryption(cluster.encryption),
        "DbClusterResourceId": cluster.resource_id,
        "DBClusterArn": str(cluster.arn),
        "AssociatedRoles": [],
        "IAMDatabaseAuthenticationEnabled": options.iam_authentication,
        "ClusterCreateTime": cluster.created_at,
        "DeletionProtection": options.deletion_protection,
        "HttpEndpointEnabled": False,
        "CopyTagsToSnapshot": options.copy_tags_to_snapshot,
        "CrossAccountClone": False,
        "DomainMemberships": [],
        "TagList": tag_list(cluster.tags),
        "AutoMinorVersionUpgrade": True,
        "NetworkType": "IPV4",
        "StorageType": options.storage_type,
        "EngineLifecycleSupport": options.lifecycle_support,
        "ActivityStreamStatus": "stopped",
    }
    return answer | _present(
        DatabaseName=cluster.database_name,
        EnabledCloudwatchLogsExports=list(options.log_exports) or None,
        ServerlessV2ScalingConfiguration=dict(options.scaling) if options.scaling else None,
        PubliclyAccessible=options.publicly_accessible,
        GlobalClusterIdentifier=cluster.global_cluster,
        PendingModifiedValues={"MasterUserPassword": HIDDEN_PASSWORD} if cluster.password_pending else None,
        AutomaticRestartTime=cluster.restarts_at,
    )


def _member(instance: Instance) -> Answer:
    return {
        "DBInstanceIdentifier": instance.identifier,
        "IsClusterWriter": instance.is_writer,
        "DBClusterParameterGroupStatus": "in-sync" if instance.parameters_in_sync else "pending-reboot",
        "PromotionTier": instance.promotion_tier,
    }


def show_instance(world: World, instance: Instance) -> Answer:
    """Return an instance's description; it has an endpoint from the moment it has been created."""
    cluster = instance.cluster
    options = cluster.options
    answer = {
        "DBInstanceIdentifier": instance.identifier,
        "DBInstanceClass": instance.instance_class,
        "Engine": ENGINE,
        "DBInstanceStatus": instance.status,
        "MasterUsername": cluster.master_username,
        "AllocatedStorage": 1,
        "InstanceCreateTime": instance.created_at,
        "PreferredBackupWindow": options.backup_window,
        "BackupRetentionPeriod": options.backup_retention_days,
        "DBSecurityGroups": [],
        "VpcSecurityGroups": _security_groups(cluster),
        "DBParameterGroups": [{"DBParameterGroupName": instance.parameter_group, "ParameterApplyStatus": "in-sync"}],
        "AvailabilityZone": instance.availability_zone,
        "DBSubnetGroup": show_subnet_group(options.subnet_group),
        "PreferredMaintenanceWindow": options.maintenance_window,
        "PendingModifiedValues": {},
        "MultiAZ": False,
        "EngineVersion": cluster.engine_version,
        "AutoMinorVersionUpgrade": instance.auto_minor_upgrade,
        "ReadReplicaDBInstanceIdentifiers": [],
        "LicenseModel": LICENSE,
        "PubliclyAccessible": instance.publicly_accessible,
        "StorageType": options.storage_type,
        "DbInstancePort": 0,
        "DBClusterIdentifier": cluster.identifier,
        **_encryption(cluster.encryption),
        "DbiResourceId": instance.resource_id,
        "CACertificateIdentifier": instance.ca_certificate,
        "DomainMemberships": [],
        "CopyTagsToSnapshot": options.copy_tags_to_snapshot,
        "MonitoringInterval": instance.monitoring_interval,
        "PromotionTier": instance.promotion_tier,
        "DBInstanceArn": str(instance.arn),
        "IAMDatabaseAuthenticationEnabled": options.iam_authentication,
        "PerformanceInsightsEnabled": instance.performance_insights,
        "DeletionProtection": False,
        "TagList": tag_list(instance.tags),
    }
    return answer | _present(
        Endpoint=_endpoint(world, instance) if instance.has_endpoint else None,
        MonitoringRoleArn=instance.monitoring_role,
        DBName=cluster.database_name,
    )


def _endpoint(world: World, instance: Instance) -> Answer:
    address, port = world.data.endpoint(instance.cluster.resource_id)
    arn = instance.arn
    name = f"{arn.identifier}.{endpoint_hash(arn.account, arn.region)}.{arn.region}.rds.amazonaws.com"
    return {"Address": address or name, "Port": port or instance.cluster.options.port}


def show_snapshot(world: World, snapshot: Snapshot, *, seen_by: str | None = None) -> Answer:
    """Return a snapshot's description; to another account, it is of type `shared` and its identifier is its ARN."""
    is_foreign = seen_by is not None and seen_by != snapshot.arn.account
    answer = {
        "AvailabilityZones": _zones(snapshot.arn.region),
        "DBClusterSnapshotIdentifier": str(snapshot.arn) if is_foreign else snapshot.identifier,
        "DBClusterIdentifier": snapshot.cluster_identifier,
        "Engine": ENGINE,
        "EngineMode": "provisioned",
        "AllocatedStorage": 1,
        "Status": snapshot.status,
        "Port": snapshot.port,
        "VpcId": snapshot.vpc_id,
        "ClusterCreateTime": snapshot.cluster_created_at,
        "MasterUsername": snapshot.master_username,
        "EngineVersion": snapshot.engine_version,
        "LicenseModel": LICENSE,
        "SnapshotType": "shared" if is_foreign else snapshot.snapshot_type,
        "PercentProgress": progress_percent(world, snapshot),
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


def progress_percent(world: World, snapshot: Snapshot) -> int:
    """Return how far a snapshot or a copy is, 0 to 100; a copy that waits in a queue is at 0."""
    seconds = {"creating": world.durations.snapshot, "copying": world.durations.copy}.get(snapshot.status)
    if seconds is None:
        return 0 if snapshot.status == "failed" else _PROGRESS_DONE
    if snapshot.started_at is None:
        return 0
    passed = (world.now - snapshot.started_at).total_seconds()
    return min(int(_PROGRESS_DONE * passed / seconds), _PROGRESS_DONE - 1)


def _encryption(encryption: Encryption) -> Answer:
    answer = {"StorageEncrypted": encryption.encrypted, "StorageEncryptionType": encryption.kind}
    return answer | _present(KmsKeyId=encryption.key_arn)


def _security_groups(cluster: Cluster) -> list[Answer]:
    return [{"VpcSecurityGroupId": group, "Status": "active"} for group in cluster.options.security_groups]


def _zones(region: str) -> list[str]:
    return [f"{region}{letter}" for letter in "abc"]


def _spans_zones(world: World, cluster: Cluster) -> bool:
    instances = world.region_of(cluster.arn).instances
    return len({instances[name].availability_zone for name in cluster.members}) > 1


def _dns_name(cluster: Cluster, kind: str) -> str:
    arn = cluster.arn
    return f"{arn.identifier}.{kind}{endpoint_hash(arn.account, arn.region)}.{arn.region}.rds.amazonaws.com"


def _present(**members: object) -> Answer:
    return {name: value for name, value in members.items() if value is not None}
