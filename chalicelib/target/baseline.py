"""What a plan says of a cluster, held against the cluster that stands: what differs, and what can be changed."""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.rds import ClusterSettings
from chalicelib.flow.plan import Plan

# Settings that a cluster or its instances take when they are made and at no later time, or only
# with a reboot.
FIXED_SETTINGS = (
    "db_subnet_group_name",
    "port",
    "db_cluster_parameter_group_name",
    "db_parameter_group_name",
    "instance_class",
)
_VARIABLES = {  # what each member of ModifyDBCluster is called in the settings
    "VpcSecurityGroupIds": "VPC_SECURITY_GROUP_IDS",
    "DeletionProtection": "DELETION_PROTECTION",
    "CloudwatchLogsExportConfiguration": "LOG_EXPORTS",
    "BackupRetentionPeriod": "BACKUP_RETENTION_DAYS",
    "ServerlessV2ScalingConfiguration": "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY",
}


def changes_to(settings: ClusterSettings, plan: Plan) -> dict[str, Any]:
    """Give the members of ModifyDBCluster that make a cluster as planned; none where it is."""
    changes: dict[str, Any] = {}
    if settings.security_group_ids != frozenset(plan.target.vpc_security_group_ids):
        changes["VpcSecurityGroupIds"] = list(plan.target.vpc_security_group_ids)
    if settings.deletion_protection != plan.target.deletion_protection:
        changes["DeletionProtection"] = plan.target.deletion_protection
    if logs := _log_changes(settings.log_exports, frozenset(plan.target.log_exports)):
        changes["CloudwatchLogsExportConfiguration"] = logs
    if settings.backup_retention_days != plan.target.backup_retention_days:
        changes["BackupRetentionPeriod"] = plan.target.backup_retention_days
    capacity = capacity_of(plan)
    if capacity and settings.capacity != capacity:
        changes["ServerlessV2ScalingConfiguration"] = capacity
    return changes


def capacity_of(plan: Plan) -> dict[str, float]:
    """Give the Serverless v2 range of a plan, as RDS spells it; empty where it has none."""
    if plan.target.serverless_min_capacity is None or plan.target.serverless_max_capacity is None:
        return {}
    return {
        "MinCapacity": plan.target.serverless_min_capacity,
        "MaxCapacity": plan.target.serverless_max_capacity,
    }


def variables(changes: Mapping[str, Any]) -> str:
    """Name the settings that changes are about."""
    return ", ".join(_VARIABLES[member] for member in changes)


def fixed_differences(settings: ClusterSettings, plan: Plan, key_arn: str | None) -> list[str]:
    """Say which settings of a cluster cannot be made as planned, as parts of a sentence."""
    pairs = (
        ("subnet group", settings.subnet_group, plan.target.db_subnet_group_name),
        (
            "cluster parameter group",
            settings.parameter_group,
            plan.target.db_cluster_parameter_group_name,
        ),
        ("key", settings.kms_key_arn or "", key_arn),
    )
    return [
        f"its {name} is {found or 'none'} and not {planned}"
        for name, found, planned in pairs
        if planned and found.lower() != planned.lower()
    ]


def _log_changes(exported: frozenset[str], planned: frozenset[str]) -> dict[str, list[str]]:
    """Name only what differs: RDS refuses to enable what is enabled."""
    changes = {"EnableLogTypes": planned - exported, "DisableLogTypes": exported - planned}
    return {name: sorted(logs) for name, logs in changes.items() if logs}
