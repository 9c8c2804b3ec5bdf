"""The requests for a new cluster and its instances, as AWS gets them, from what is planned."""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.rds import ENGINE
from chalicelib.flow.baseline import InstanceBaseline
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import tag_list
from chalicelib.flow.target_spec import STANDARD_STORAGE

ZONE, AUTHORITY = "AvailabilityZone", "CACertificateIdentifier"
INSIGHTS_KEY = "PerformanceInsightsKMSKeyId"
MONITORING = ("MonitoringInterval", "MonitoringRoleArn")


def restore_request(operation: Operation, identifier: str, snapshot_arn: str) -> dict[str, Any]:
    """Give the request that restores a cluster.

    Every parameter is given, because the defaults are dangerous: the region's engine version, the
    default parameter group and security group, and a public cluster where the VPC has an internet
    gateway (API reference), and the source's backup retention. Insights and monitoring are refused
    here: they are of instances.
    """
    spec, plan = operation.target_spec, operation.plan
    key = operation.facts.copies.key_arn or plan.copies.kms_key_id
    return _given(
        DBClusterIdentifier=identifier,
        SnapshotIdentifier=snapshot_arn,
        Engine=ENGINE,
        EngineVersion=operation.engine_version,
        Port=spec.port,
        DBSubnetGroupName=spec.db_subnet_group_name,
        VpcSecurityGroupIds=list(spec.security_group_ids),
        KmsKeyId=key,
        DBClusterParameterGroupName=spec.parameter_group_name,
        PubliclyAccessible=False,
        DeletionProtection=spec.deletion_protection,
        BackupRetentionPeriod=spec.backup_retention_days,
        PreferredBackupWindow=spec.backup_window,
        EnableCloudwatchLogsExports=list(spec.log_exports),
        EnableIAMDatabaseAuthentication=spec.iam_authentication,
        NetworkType=spec.network_type,
        StorageType=None if spec.storage_type == STANDARD_STORAGE else spec.storage_type,
        CopyTagsToSnapshot=spec.copy_tags_to_snapshot,
        ServerlessV2ScalingConfiguration=dict(spec.capacity) or None,
        EngineLifecycleSupport=plan.target.engine_lifecycle_support,
        AssociatedRoles=_roles(operation),
        Tags=tag_list(operation, spec.tags),
    )


def _roles(operation: Operation) -> list[dict[str, str]] | None:
    """Give the old target's IAM roles, if they are to be kept."""
    baseline = operation.facts.target.baseline
    if baseline is None or not operation.plan.target.keep_associated_roles:
        return None
    return [_given(RoleArn=role.arn, FeatureName=role.feature) for role in baseline.roles] or None


def instance_request(
    operation: Operation, cluster_id: str, planned: InstanceBaseline
) -> dict[str, Any]:
    """Give the request that creates an instance of the new cluster."""
    return _given(
        DBInstanceIdentifier=planned.identifier,
        DBInstanceClass=planned.instance_class,
        Engine=ENGINE,
        DBClusterIdentifier=cluster_id,
        PubliclyAccessible=False,
        DBParameterGroupName=planned.parameter_group_name,
        AvailabilityZone=planned.availability_zone,
        PromotionTier=planned.promotion_tier,
        AutoMinorVersionUpgrade=planned.auto_minor_version_upgrade,
        CACertificateIdentifier=planned.certificate_authority,
        PreferredMaintenanceWindow=planned.maintenance_window,
        **_insights(planned),
        **_monitoring(planned),
        Tags=tag_list(operation, planned.tags),
    )


def _insights(planned: InstanceBaseline) -> Mapping[str, Any]:
    if not planned.insights:
        return {}
    return {
        "EnablePerformanceInsights": True,
        INSIGHTS_KEY: planned.insights_key_arn,
        "PerformanceInsightsRetentionPeriod": planned.insights_retention_days,
    }


def _monitoring(planned: InstanceBaseline) -> Mapping[str, Any]:
    if not planned.monitoring_interval:
        return {}
    found = planned.monitoring_interval, planned.monitoring_role_arn
    return dict(zip(MONITORING, found, strict=True))


def _given(**members: Any) -> dict[str, Any]:
    """Leave out what is None: AWS chooses."""
    return {name: value for name, value in members.items() if value is not None}
