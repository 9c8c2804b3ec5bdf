"""Snapshots, clusters and instances as RDS describes them, and the meaning of their status.

Facts about Aurora are from the RDS API reference and the Aurora user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.flow.plan import Plan

ENGINE = "aurora-postgresql"  # Neptune and DocumentDB clusters have the same API and events


class Health(Enum):
    """The meaning of a status for a step that waits."""

    READY = "ready"
    PROGRESSING = "progressing"
    MAY_RECOVER = "may recover"
    TERMINAL = "terminal"


_READY = frozenset({"available", "storage-optimization"})
_PROGRESSING = frozenset(
    {
        "creating",
        "copying",
        "migrating",
        "preparing-data-migration",
        "backing-up",
        "modifying",
        "rebooting",
        "resetting-master-credentials",
        "starting",
        "upgrading",
        "maintenance",
        "renaming",
        "failing-over",
        "promoting",
        "update-iam-db-auth",
        "scaling-compute",
        "scaling-storage",
        "storage-config-upgrade",
    }
)
_TERMINAL = frozenset(
    {
        "failed",
        "inaccessible-encryption-credentials",
        "deleting",
        "deleted",
        "restore-error",
        "insufficient-capacity",
    }
)


def health(status: str) -> Health:
    """Give the meaning of a status; an unknown one may recover, within the deadline."""
    if status in _READY:
        return Health.READY
    if status in _PROGRESSING or status.startswith("configuring-"):
        return Health.PROGRESSING
    if status in _TERMINAL or status.startswith("incompatible-") or status.endswith("-failed"):
        return Health.TERMINAL
    return Health.MAY_RECOVER


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
    capacity: Mapping[str, float]  # MinCapacity and MaxCapacity; empty without Serverless v2
    subnet_group: str
    parameter_group: str
    kms_key_arn: str | None

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
        bounds = [bound for bound in ("MinCapacity", "MaxCapacity") if bound in scaling]
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
        )


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was described.

    `members` are in the order of deletion: readers first, the writer last.
    """

    arn: str
    identifier: str
    resource_id: str
    status: str
    endpoint: str | None
    reader_endpoint: str | None
    port: int | None
    members: tuple[str, ...]
    protected: bool
    global_cluster: str | None
    replicates: str | None  # the ARN of a cluster that this one follows
    password_pending: bool
    master_username: str
    settings: ClusterSettings
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Cluster":
        """Read one member of DescribeDBClusters."""
        members = found.get("DBClusterMembers", [])
        members = sorted(members, key=lambda member: bool(member["IsClusterWriter"]))
        return cls(
            arn=found["DBClusterArn"],
            identifier=found["DBClusterIdentifier"],
            resource_id=found["DbClusterResourceId"],
            status=found["Status"],
            endpoint=found.get("Endpoint"),
            reader_endpoint=found.get("ReaderEndpoint"),
            port=found.get("Port"),
            members=tuple(member["DBInstanceIdentifier"] for member in members),
            protected=bool(found.get("DeletionProtection")),
            master_username=found.get("MasterUsername", ""),
            global_cluster=found.get("GlobalClusterIdentifier") or None,
            tags=_tags(found),
            replicates=found.get("ReplicationSourceIdentifier") or None,
            settings=ClusterSettings.of(found),
            password_pending="MasterUserPassword" in found.get("PendingModifiedValues", {}),
        )


@dataclass(frozen=True)
class Instance:
    """An instance as it was described."""

    arn: str
    identifier: str
    cluster_id: str
    status: str
    instance_class: str
    parameter_groups: tuple[str, ...]
    public: bool
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Instance":
        """Read one member of DescribeDBInstances."""
        return cls(
            arn=found["DBInstanceArn"],
            identifier=found["DBInstanceIdentifier"],
            status=found["DBInstanceStatus"],
            cluster_id=found.get("DBClusterIdentifier", ""),
            tags=_tags(found),
            instance_class=found.get("DBInstanceClass", ""),
            public=bool(found.get("PubliclyAccessible")),
            parameter_groups=tuple(
                group["DBParameterGroupName"] for group in found.get("DBParameterGroups", ())
            ),
        )

    def differences(self, plan: Plan) -> list[str]:
        """List what differs from the plan and needs a new instance, as parts of a sentence."""
        target, differences = plan.target, []
        group = target.db_parameter_group_name
        if self.instance_class != target.instance_class:
            differences.append(
                f"its class is {self.instance_class} and not {target.instance_class}"
            )
        if group and group.lower() not in self.parameter_groups:
            groups = ", ".join(self.parameter_groups)
            differences.append(f"its parameter group is {groups} and not {group}")
        if self.public:
            differences.append("it is publicly accessible")
        return differences


def _tags(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in found.get("TagList", [])}
