"""Snapshots, clusters and instances as RDS describes them.

Facts about Aurora are from the RDS API reference and the Aurora user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.aws.statuses import PENDING_REBOOT
from chalicelib.flow.baseline import DomainBaseline, InstanceBaseline, RoleBaseline

ENGINE = "aurora-postgresql"  # Neptune and DocumentDB clusters have the same API and events


CAPACITY = ("MinCapacity", "MaxCapacity", "SecondsUntilAutoPause")


@dataclass(frozen=True)
class Snapshot:
    """A cluster snapshot as it was described."""

    arn: str
    identifier: str
    cluster_id: str
    cluster_resource_id: str
    engine: str
    engine_version: str
    status: str
    kind: str  # automated, manual, shared, awsbackup
    created_at: datetime | None  # None while Aurora has not begun to write it
    encrypted: bool
    kms_key_id: str | None
    master_username: str
    progress: int
    source_arn: str | None
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Snapshot":
        """Read one member of DescribeDBClusterSnapshots."""
        return cls(
            arn=found["DBClusterSnapshotArn"],
            identifier=found["DBClusterSnapshotIdentifier"],
            cluster_id=found.get("DBClusterIdentifier", "").lower(),
            engine=found.get("Engine", ""),
            cluster_resource_id=found.get("DbClusterResourceId", ""),
            engine_version=found.get("EngineVersion", ""),
            status=found.get("Status", ""),
            kind=found.get("SnapshotType", ""),
            created_at=found.get("SnapshotCreateTime"),
            encrypted=bool(found.get("StorageEncrypted")),
            kms_key_id=found.get("KmsKeyId"),
            master_username=found.get("MasterUsername", ""),
            progress=int(found.get("PercentProgress") or 0),
            source_arn=found.get("SourceDBClusterSnapshotArn"),
            tags=_tags(found),
        )


@dataclass(frozen=True)
class ClusterSettings:
    """The settings of a cluster that a plan decides.

    A pending change counts as made.
    """

    security_group_ids: frozenset[str]
    deletion_protection: bool
    log_exports: frozenset[str]
    backup_retention_days: int
    capacity: Mapping[str, float]  # of Serverless v2, by `CAPACITY`; empty without it
    subnet_group: str
    parameter_group: str
    kms_key_arn: str | None
    backup_window: str | None
    maintenance_window: str | None
    iam_authentication: bool
    storage_type: str | None  # AWS may not show the standard one
    copy_tags_to_snapshot: bool
    data_api: bool
    insights_mode: str | None
    network_type: str | None  # IPV4 or DUAL
    write_forwarding: bool  # from readers of the cluster to its writer

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "ClusterSettings":
        """Read one member of DescribeDBClusters."""
        pending = found.get("PendingModifiedValues", {})
        groups = found.get("VpcSecurityGroups", ())
        logs = pending.get("PendingCloudwatchLogsExports", {})
        enabled = found.get("EnabledCloudwatchLogsExports", ())
        exported = {*enabled, *logs.get("LogTypesToEnable", ())}
        retention = pending.get("BackupRetentionPeriod") or found.get("BackupRetentionPeriod", 0)
        scaling = found.get("ServerlessV2ScalingConfiguration", {})
        bounds = [bound for bound in CAPACITY if bound in scaling]
        by_iam = "IAMDatabaseAuthenticationEnabled"
        return cls(
            security_group_ids=frozenset(
                group["VpcSecurityGroupId"] for group in groups if group.get("Status") != "removing"
            ),
            deletion_protection=bool(found.get("DeletionProtection")),
            log_exports=frozenset(exported - {*logs.get("LogTypesToDisable", ())}),
            backup_retention_days=int(retention),
            capacity={bound: float(scaling[bound]) for bound in bounds},
            subnet_group=found.get("DBSubnetGroup", ""),
            parameter_group=found.get("DBClusterParameterGroup", ""),
            kms_key_arn=found.get("KmsKeyId"),
            backup_window=found.get("PreferredBackupWindow"),
            maintenance_window=found.get("PreferredMaintenanceWindow"),
            iam_authentication=bool(pending.get(by_iam, found.get(by_iam))),
            storage_type=found.get("StorageType"),
            copy_tags_to_snapshot=bool(found.get("CopyTagsToSnapshot")),
            data_api=bool(found.get("HttpEndpointEnabled")),
            insights_mode=found.get("DatabaseInsightsMode"),
            network_type=found.get("NetworkType"),
            write_forwarding=found.get("LocalWriteForwardingStatus") in ("enabled", "enabling"),
        )


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was described.

    `members` are in the order of deletion: readers first, the writer last.
    """

    arn: str
    identifier: str
    resource_id: str
    engine_version: str
    status: str
    endpoint: str | None
    reader_endpoint: str | None
    port: int | None
    members: tuple[str, ...]
    writer: str | None  # None while no member is known to be it
    pending_reboot: frozenset[str]  # members that need one for the cluster's parameters
    protected: bool
    global_cluster: str | None
    replicates: str | None  # the ARN of a cluster that this one follows
    password_pending: bool
    managed_secret: str | None  # where RDS manages the master password
    master_username: str
    settings: ClusterSettings
    roles: tuple[RoleBaseline, ...]
    domains: tuple[DomainBaseline, ...]
    activity_stream: str | None  # its mode; None while there is none
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Cluster":
        """Read one member of DescribeDBClusters."""
        members = found.get("DBClusterMembers", [])
        members = sorted(members, key=lambda member: bool(member["IsClusterWriter"]))
        roles = [(str(of["DBInstanceIdentifier"]), bool(of["IsClusterWriter"])) for of in members]
        return cls(
            arn=found["DBClusterArn"],
            identifier=found["DBClusterIdentifier"],
            resource_id=found["DbClusterResourceId"],
            engine_version=found.get("EngineVersion", ""),
            status=found["Status"],
            endpoint=found.get("Endpoint"),
            reader_endpoint=found.get("ReaderEndpoint"),
            port=found.get("Port"),
            members=tuple(name for name, _ in roles),
            pending_reboot=frozenset(
                str(member["DBInstanceIdentifier"])
                for member in members
                if member.get("DBClusterParameterGroupStatus") == PENDING_REBOOT
            ),
            writer=next((name for name, is_writer in roles if is_writer), None),
            protected=bool(found.get("DeletionProtection")),
            master_username=found.get("MasterUsername", ""),
            global_cluster=found.get("GlobalClusterIdentifier") or None,
            tags=_tags(found),
            replicates=found.get("ReplicationSourceIdentifier") or None,
            settings=ClusterSettings.of(found),
            roles=tuple(
                RoleBaseline(arn=role["RoleArn"], feature=role.get("FeatureName"))
                for role in found.get("AssociatedRoles", ())
            ),
            domains=tuple(
                DomainBaseline(domain=joined["Domain"], role=joined.get("IAMRoleName"))
                for joined in found.get("DomainMemberships", ())
            ),
            activity_stream=_activity_stream(found),
            managed_secret=found.get("MasterUserSecret", {}).get("SecretArn"),
            password_pending="MasterUserPassword" in found.get("PendingModifiedValues", {}),
        )


def _activity_stream(found: Mapping[str, Any]) -> str | None:
    begun = found.get("ActivityStreamStatus") in ("started", "starting")
    return str(found.get("ActivityStreamMode", "")) if begun else None


@dataclass(frozen=True)
class Instance:
    """An instance as it was described."""

    arn: str
    identifier: str
    cluster_id: str
    status: str
    instance_class: str
    parameter_groups: tuple[str, ...]
    pending_reboot: bool  # for parameters of its own groups
    public: bool
    endpoint: str | None  # None until it is available
    availability_zone: str | None
    promotion_tier: int | None
    auto_minor_version_upgrade: bool | None
    certificate_authority: str | None
    maintenance_window: str | None
    monitoring_interval: int
    monitoring_role_arn: str | None
    insights: bool
    insights_key_arn: str | None
    insights_retention_days: int | None
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Instance":
        """Read one member of DescribeDBInstances; a pending change counts as made."""
        pending = found.get("PendingModifiedValues", {})
        authority, class_name = "CACertificateIdentifier", "DBInstanceClass"
        return cls(
            arn=found["DBInstanceArn"],
            identifier=found["DBInstanceIdentifier"],
            status=found["DBInstanceStatus"],
            cluster_id=found.get("DBClusterIdentifier", ""),
            tags=_tags(found),
            instance_class=pending.get(class_name) or found.get(class_name, ""),
            pending_reboot=any(
                group.get("ParameterApplyStatus") == PENDING_REBOOT
                for group in found.get("DBParameterGroups", ())
            ),
            public=bool(found.get("PubliclyAccessible")),
            endpoint=found.get("Endpoint", {}).get("Address"),
            parameter_groups=tuple(
                group["DBParameterGroupName"] for group in found.get("DBParameterGroups", ())
            ),
            availability_zone=found.get("AvailabilityZone"),
            promotion_tier=found.get("PromotionTier"),
            auto_minor_version_upgrade=found.get("AutoMinorVersionUpgrade"),
            certificate_authority=pending.get(authority) or found.get(authority),
            maintenance_window=found.get("PreferredMaintenanceWindow"),
            monitoring_interval=int(found.get("MonitoringInterval") or 0),
            monitoring_role_arn=found.get("MonitoringRoleArn") or None,
            insights=bool(found.get("PerformanceInsightsEnabled")),
            insights_key_arn=found.get("PerformanceInsightsKMSKeyId"),
            insights_retention_days=found.get("PerformanceInsightsRetentionPeriod"),
        )

    def differences(self, planned: InstanceBaseline) -> list[str]:
        """List what differs from the plan and needs a new instance, as parts of a sentence."""
        differences, group = [], planned.parameter_group_name
        if self.instance_class != planned.instance_class:
            differences.append(
                f"its class is {self.instance_class} and not {planned.instance_class}"
            )
        if group and group.lower() not in self.parameter_groups:
            groups = ", ".join(self.parameter_groups)
            differences.append(f"its parameter group is {groups} and not {group}")
        if self.public:
            differences.append("it is publicly accessible")
        return differences


@dataclass(frozen=True)
class CustomEndpoint:
    """A custom endpoint as it was described; its tags are asked for separately."""

    arn: str
    identifier: str
    cluster_id: str
    status: str
    kind: str  # READER or ANY
    static_members: tuple[str, ...]
    excluded_members: tuple[str, ...]
    resource_id: str | None = None  # the endpoint's own, which no other of its name has
    tags: Mapping[str, str] = field(default_factory=dict)

    def with_tags(self, answer: Mapping[str, Any]) -> "CustomEndpoint":
        """Add the answer of ListTagsForResource."""
        return replace(self, tags=_tags(answer))

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "CustomEndpoint":
        """Read one member of DescribeDBClusterEndpoints."""
        return cls(
            arn=found["DBClusterEndpointArn"],
            identifier=found["DBClusterEndpointIdentifier"],
            cluster_id=found["DBClusterIdentifier"],
            status=found["Status"],
            kind=found["CustomEndpointType"],
            static_members=tuple(found.get("StaticMembers", ())),
            excluded_members=tuple(found.get("ExcludedMembers", ())),
            resource_id=found.get("DBClusterEndpointResourceIdentifier"),
        )


def _tags(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in found.get("TagList", [])}
