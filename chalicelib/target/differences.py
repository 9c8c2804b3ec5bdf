"""Compares the settings of a cluster with what is planned: what differs, and can be changed."""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.rds import ClusterSettings
from chalicelib.flow.target_spec import TargetSpec

# The setting of each member of ModifyDBCluster; others are as those of the old target.
_VARIABLES = {
    "VpcSecurityGroupIds": "VPC_SECURITY_GROUP_IDS",
    "DeletionProtection": "DELETION_PROTECTION",
    "CloudwatchLogsExportConfiguration": "LOG_EXPORTS",
    "BackupRetentionPeriod": "BACKUP_RETENTION_DAYS",
    "ServerlessV2ScalingConfiguration": "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY",
}
# Not given at restore, and nothing that is made before the password depends on them.
WITH_THE_PASSWORD = frozenset({"PreferredMaintenanceWindow"})


def changes_to(settings: ClusterSettings, spec: TargetSpec) -> dict[str, Any]:
    """Give the members of ModifyDBCluster that differ from what is planned, with its values."""
    changes = dict[str, Any]()
    if settings.security_group_ids != frozenset(spec.security_group_ids):
        changes["VpcSecurityGroupIds"] = list(spec.security_group_ids)
    if logs := _log_changes(settings.log_exports, frozenset(spec.log_exports)):
        changes["CloudwatchLogsExportConfiguration"] = logs
    if not spec.capacity.items() <= settings.capacity.items():
        changes["ServerlessV2ScalingConfiguration"] = dict(spec.capacity)
    pairs = {
        "DeletionProtection": (settings.deletion_protection, spec.deletion_protection),
        "BackupRetentionPeriod": (settings.backup_retention_days, spec.backup_retention_days),
        "PreferredBackupWindow": (settings.backup_window, spec.backup_window),
        "PreferredMaintenanceWindow": (settings.maintenance_window, spec.maintenance_window),
        "EnableIAMDatabaseAuthentication": (settings.iam_authentication, spec.iam_authentication),
        "CopyTagsToSnapshot": (settings.copy_tags_to_snapshot, spec.copy_tags_to_snapshot),
    }
    differing = {name: planned for name, (found, planned) in pairs.items() if found != planned}
    return changes | {name: value for name, value in differing.items() if value is not None}


def variables(changes: Mapping[str, Any]) -> str:
    """Name the settings of changes."""
    return ", ".join(_VARIABLES.get(member, member) for member in changes)


def fixed_differences(
    settings: ClusterSettings, spec: TargetSpec, key_arn: str | None
) -> list[str]:
    """List the settings that differ and cannot be changed, as parts of a sentence."""
    pairs = (
        ("subnet group", settings.subnet_group, spec.db_subnet_group_name),
        ("cluster parameter group", settings.parameter_group, spec.parameter_group_name),
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
