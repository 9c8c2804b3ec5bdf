"""Compares the settings of a cluster with its plan: what differs, and what can be changed."""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.rds import ClusterSettings
from chalicelib.flow.plan import Plan

# Settings that a cluster or its instances take only when they are created, or with a reboot.
FIXED_SETTINGS = (
    "db_subnet_group_name",
    "port",
    "db_cluster_parameter_group_name",
    "db_parameter_group_name",
    "instance_class",
)
# The setting of each member of ModifyDBCluster.
_VARIABLES = {
    "VpcSecurityGroupIds": "VPC_SECURITY_GROUP_IDS",
    "DeletionProtection": "DELETION_PROTECTION",
    "CloudwatchLogsExportConfiguration": "LOG_EXPORTS",
    "BackupRetentionPeriod": "BACKUP_RETENTION_DAYS",
    "ServerlessV2ScalingConfiguration": "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY",
}


def changes_to(settings: ClusterSettings, plan: Plan) -> dict[str, Any]:
    """Give the members of ModifyDBCluster that differ from the plan, with the planned values."""
    planned, changes = plan.target, dict[str, Any]()
    if settings.security_group_ids != frozenset(planned.vpc_security_group_ids):
        changes["VpcSecurityGroupIds"] = list(planned.vpc_security_group_ids)
    if settings.deletion_protection != planned.deletion_protection:
        changes["DeletionProtection"] = planned.deletion_protection
    if logs := _log_changes(settings.log_exports, frozenset(planned.log_exports)):
        changes["CloudwatchLogsExportConfiguration"] = logs
    if settings.backup_retention_days != planned.backup_retention_days:
        changes["BackupRetentionPeriod"] = planned.backup_retention_days
    capacity = capacity_of(plan)
    if capacity and settings.capacity != capacity:
        changes["ServerlessV2ScalingConfiguration"] = capacity
    return changes


def capacity_of(plan: Plan) -> dict[str, float]:
    """Give the Serverless v2 range of a plan in RDS's format; empty where it has none."""
    low, high = plan.target.serverless_min_capacity, plan.target.serverless_max_capacity
    if low is None or high is None:
        return {}
    return {"MinCapacity": low, "MaxCapacity": high}


def variables(changes: Mapping[str, Any]) -> str:
    """Name the settings of changes."""
    return ", ".join(_VARIABLES[member] for member in changes)


def fixed_differences(settings: ClusterSettings, plan: Plan, key_arn: str | None) -> list[str]:
    """List the settings that differ and cannot be changed, as parts of a sentence."""
    parameter_group = plan.target.db_cluster_parameter_group_name
    pairs = (
        ("subnet group", settings.subnet_group, plan.target.db_subnet_group_name),
        ("cluster parameter group", settings.parameter_group, parameter_group),
        ("key", settings.kms_key_arn or "", key_arn),
    )
    return [
        f"its {name} is {found or 'none'} and not {planned}"
        for name, found, planned in pairs
        if planned and found.lower() != planned.lower()
    ]


def _log_changes(exported: frozenset[str], planned: frozenset[str]) -> dict[str, list[str]]:
    """Give only the logs that differ: RDS refuses to enable what is enabled."""
    changes = {"EnableLogTypes": planned - exported, "DisableLogTypes": exported - planned}
    return {name: sorted(logs) for name, logs in changes.items() if logs}
