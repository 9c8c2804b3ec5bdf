"""Changing a cluster: most things at once, the master password after a while."""

from functools import partial
from typing import Any

from localaws.aurora import events, names, options, servers
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.describing import show_cluster
from localaws.aurora.errors import cluster_state, not_modelled
from localaws.aurora.groups import cluster_parameter_group
from localaws.aurora.records import Cluster
from localaws.aurora.world import Answer, Request, World

RESETTING = "resetting-master-credentials"
_INSTANT = frozenset(
    [
        "ApplyImmediately",
        "BackupRetentionPeriod",
        "CopyTagsToSnapshot",
        "DBClusterIdentifier",
        "DeletionProtection",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
    ]
)


def modify_db_cluster(request: Request) -> Answer:
    """Change an available cluster.

    Protection, backups and windows change without a trace in the status; groups, logs and scaling leave the cluster
    `modifying` for a while; a new password leaves it `resetting-master-credentials` and pending until it is in force.
    """
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise cluster_state(f"Cluster {cluster.identifier} is {cluster.status}; it can be modified when available.")
    if "EnableIAMDatabaseAuthentication" in request and not request.get("ApplyImmediately", False):
        raise not_modelled("A change that waits for the maintenance window (ApplyImmediately false)")
    password = names.master_password(request) if "MasterUserPassword" in request else None
    _apply(request, cluster, _changes(request, cluster))
    if password is not None:
        _begin_reset(request.world, cluster, password)
    elif not set(request.parameters) <= _INSTANT:
        cluster.status = "modifying"
        request.world.later(request.world.durations.cluster_modify, lambda: _modified(cluster))
    return {"DBCluster": show_cluster(request.world, cluster)}


def _changes(request: Request, cluster: Cluster) -> dict[str, Any]:
    """Return every option with its new value, all of them checked before any is applied."""
    now = cluster.options
    group_changes = "DBClusterParameterGroupName" in request
    return {
        "deletion_protection": request.get("DeletionProtection", now.deletion_protection),
        "copy_tags_to_snapshot": request.get("CopyTagsToSnapshot", now.copy_tags_to_snapshot),
        "backup_retention_days": options.retention_days(request, now.backup_retention_days),
        "backup_window": names.daily_window(request, now.backup_window),
        "maintenance_window": names.weekly_window(request, now.maintenance_window),
        "security_groups": options.security_groups(request) or now.security_groups,
        "scaling": options.scaling(request, now.scaling),
        "log_exports": _log_exports(request, now.log_exports),
        "iam_authentication": request.get("EnableIAMDatabaseAuthentication", now.iam_authentication),
        "parameter_group": (
            cluster_parameter_group(request, cluster.engine_version) if group_changes else now.parameter_group
        ),
    }


def _log_exports(request: Request, before: list[str]) -> list[str]:
    change = request.get("CloudwatchLogsExportConfiguration", {})
    enabled = options.log_exports(change.get("EnableLogTypes", []))
    disabled = options.log_exports(change.get("DisableLogTypes", []))
    return sorted((set(before) | set(enabled)) - set(disabled))


def _apply(request: Request, cluster: Cluster, changes: dict[str, Any]) -> None:
    """Put new values in force; another parameter group waits for a reboot of each instance."""
    if changes["parameter_group"] != cluster.options.parameter_group:
        for instance in servers.members(request.world, cluster):
            instance.parameters_in_sync = False
    for name, value in changes.items():
        setattr(cluster.options, name, value)


def _modified(cluster: Cluster) -> None:
    if cluster.status == "modifying":
        cluster.status = "available"


def _begin_reset(world: World, cluster: Cluster, password: str) -> None:
    cluster.status = RESETTING
    cluster.password_pending = True
    for instance in servers.members(world, cluster):
        if instance.status == "available":
            instance.status = RESETTING
    world.later(world.durations.password_reset, lambda: _reset(world, cluster, password))


def _reset(world: World, cluster: Cluster, password: str) -> None:
    """Put the password in force; without a running server it is kept for the next start of one."""
    if cluster.status != RESETTING:
        cluster.password_pending = False
        return
    refused = world.faults.failing_passwords.pop(str(cluster.arn), None)
    end = partial(_end_reset, world, cluster, refused)
    if refused is None and cluster.server_runs:
        arguments = (cluster.resource_id, cluster.master_username, password)
        world.perform(lambda: world.data.set_master_password(*arguments), end)
        return
    if refused is None:
        cluster.password_for_next_start = password
    end()


def _end_reset(world: World, cluster: Cluster, refused: str | None) -> None:
    """Leave the reset behind; a refusal is told by an event of the writer alone, and nothing if there is none."""
    cluster.password_pending = False
    cluster.status = "available" if cluster.status == RESETTING else cluster.status
    for instance in servers.members(world, cluster):
        if instance.status == RESETTING:
            instance.status = "available"
    if refused is None:
        events.happened(world, cluster.arn, events.CLUSTER_PASSWORD_RESET)
        return
    for instance in servers.members(world, cluster):
        if instance.is_writer:
            events.happened(world, instance.arn, events.INSTANCE_PASSWORD_FAILED, refused)
