"""Changing a cluster: most things at once, the master password after a while."""

from functools import partial
from typing import Any

from localaws.aurora import (
    events,
    insights,
    master_secrets,
    names,
    options,
    renaming,
    servers,
    statuses,
)
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import cluster_state, invalid_combination, not_modelled
from localaws.aurora.groups import cluster_parameter_group
from localaws.aurora.records import Cluster
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Request

RESETTING = "resetting-master-credentials"
HIDDEN_PASSWORD = "****"  # what AWS shows in a password's place
Changes = dict[str, Any]
_LATE = ("iam_authentication", "log_exports")  # pending until the cluster was modified
_INSTANT = frozenset(
    [
        "ApplyImmediately",
        "BackupRetentionPeriod",
        "CopyTagsToSnapshot",
        "DBClusterIdentifier",
        "DeletionProtection",
        "ManageMasterUserPassword",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
    ]
)


def modify_db_cluster(request: Request) -> Answer:
    """Change an available cluster; the answer still says `available`.

    Protection, backups and windows change without a trace in the status; groups, logs and scaling
    leave the cluster `modifying` for a while; a new password leaves it
    `resetting-master-credentials`. The password, logs and IAM authentication are pending until they
    are in force.
    """
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise cluster_state(
            f"DB cluster is not available for modification with status {cluster.status}"
        )
    if "NewDBClusterIdentifier" in request:
        return renaming.rename(request, cluster)
    renaming.refuse_pending_rename(request, cluster)
    if "EnableIAMDatabaseAuthentication" in request and not request.get("ApplyImmediately", False):
        raise not_modelled(
            "A change that waits for the maintenance window (ApplyImmediately false)"
        )
    password = master_secrets.password_of_change(request, cluster)
    by_iam = _by_iam(request, password)
    changes = _changes(request, cluster)
    cluster.insights_mode = insights.mode_of_cluster(request, cluster.insights_mode)
    insights.apply_to_members(request, request.state, cluster)
    late = _apply(request, cluster, changes)
    cluster.pending = _pending(cluster, late, resets=password is not None)
    _manage(request, cluster, password)
    if password is not None:
        _begin_reset(request.state, cluster, password, late, by_iam=by_iam)
    elif not set(request.parameters) <= _INSTANT:
        statuses.begin(request.state, cluster, "modifying")
        request.state.later(
            request.state.durations.cluster_modify,
            lambda: _modified(request.state, cluster, late, by_iam=by_iam),
        )
    return {"DBCluster": show_cluster(request.state, cluster)}


def _manage(request: Request, cluster: Cluster, password: str | None) -> None:
    """Make the secret when RDS begins to manage the password, and delete it when it ceases to."""
    manage = request.get("ManageMasterUserPassword")
    if manage and password is not None and cluster.master_secret is None:
        master_secrets.keep(request, cluster, password)
    elif manage is False:
        master_secrets.forget(request.state, cluster)


def _changes(request: Request, cluster: Cluster) -> Changes:
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
        "iam_authentication": request.get(
            "EnableIAMDatabaseAuthentication", now.iam_authentication
        ),
        "parameter_group": (
            cluster_parameter_group(request, cluster.engine_version)
            if group_changes
            else now.parameter_group
        ),
    }


def _log_exports(request: Request, before: list[str]) -> list[str]:
    change = request.get("CloudwatchLogsExportConfiguration", {})
    enabled = options.log_exports(change.get("EnableLogTypes", []))
    disabled = options.log_exports(change.get("DisableLogTypes", []))
    return sorted((set(before) | set(enabled)) - set(disabled))


def _apply(request: Request, cluster: Cluster, changes: Changes) -> Changes:
    """Put new values in force, and return those that come into force later.

    Another parameter group waits for a reboot of each instance.
    """
    if changes["parameter_group"] != cluster.options.parameter_group:
        for instance in servers.members(request.state, cluster):
            instance.parameters_in_sync = False
    # Logs and IAM authentication are shown in PendingModifiedValues until they are in force.
    before = cluster.options
    late = {name: changes[name] for name in _LATE if changes[name] != getattr(before, name)}
    for name, value in changes.items():
        if name not in late:
            setattr(cluster.options, name, value)
    return late


def _pending(cluster: Cluster, late: Changes, *, resets: bool) -> Changes:
    """Return what PendingModifiedValues shows of an accepted request."""
    pending: Changes = {}
    if resets:
        pending["MasterUserPassword"] = HIDDEN_PASSWORD
    if "iam_authentication" in late:
        pending["IAMDatabaseAuthenticationEnabled"] = late["iam_authentication"]
    if "log_exports" in late:
        before, after = set(cluster.options.log_exports), set(late["log_exports"])
        exports = {"LogTypesToEnable": after - before, "LogTypesToDisable": before - after}
        pending["PendingCloudwatchLogsExports"] = {
            name: sorted(logs) for name, logs in exports.items()
        }
    return pending


def _by_iam(request: Request, password: str | None) -> bool | None:
    """Tell whether the master user is to log in by IAM from now on.

    None where nothing is said of it.
    """
    wanted = request.get("MasterUserAuthenticationType")
    if wanted == "iam-db-auth" and password is not None:
        raise invalid_combination("A master user that logs in by IAM takes no password.")
    if wanted == "password" and password is None:
        raise not_modelled("MasterUserAuthenticationType password without MasterUserPassword")
    return None if wanted is None else wanted == "iam-db-auth"


def _authenticate(state: AuroraState, cluster: Cluster, *, by_iam: bool) -> None:
    state.data.set_master_authentication(
        cluster.resource_id, cluster.master_username, by_iam=by_iam
    )


def _modified(state: AuroraState, cluster: Cluster, late: Changes, *, by_iam: bool | None) -> None:
    if by_iam is not None:
        state.perform(partial(_authenticate, state, cluster, by_iam=by_iam))
    if cluster.status == "modifying":
        cluster.status = "available"
    _finish_changes(cluster, late)


def _finish_changes(cluster: Cluster, late: Changes) -> None:
    cluster.pending = {}
    for name, value in late.items():
        setattr(cluster.options, name, value)


def _begin_reset(
    state: AuroraState, cluster: Cluster, password: str, late: Changes, *, by_iam: bool | None
) -> None:
    statuses.begin(state, cluster, RESETTING)
    for instance in servers.members(state, cluster):
        if instance.status == "available":
            statuses.begin(state, instance, RESETTING)
    seconds = state.durations.password_reset
    state.later(seconds, lambda: _reset(state, cluster, password, late, by_iam=by_iam))


def _reset(
    state: AuroraState, cluster: Cluster, password: str, late: Changes, *, by_iam: bool | None
) -> None:
    """Put the password in force; without a running server it is kept for the next start of one."""
    _finish_changes(cluster, late)
    if cluster.status != RESETTING:
        return
    cluster.pending = {"MasterUserPassword": HIDDEN_PASSWORD}
    if by_iam is not None and cluster.server_runs:
        state.perform(partial(_authenticate, state, cluster, by_iam=by_iam))
    refused = state.faults.failing_passwords.pop(str(cluster.arn), None)
    end = partial(_end_reset, state, cluster, password)
    if refused is None and cluster.server_runs:
        arguments = (cluster.resource_id, cluster.master_username, password)
        change = partial(state.data.set_master_password, *arguments)
        state.perform(change, lambda: end(None), lambda error: end(str(error)))
        return
    if refused is None:
        # A cluster without instances takes a password, too: its first server starts with it.
        cluster.password_for_next_start = password
    end(refused)


def _end_reset(state: AuroraState, cluster: Cluster, password: str, refused: str | None) -> None:
    """Leave the reset behind.

    A refusal is told by an event of the writer alone, and nothing if there is none.
    """
    cluster.pending = {}
    cluster.status = "available" if cluster.status == RESETTING else cluster.status
    for instance in servers.members(state, cluster):
        if instance.status == RESETTING:
            instance.status = "available"
    # A refusal leaves the status `available` as a success does: only the event tells them apart.
    if refused is None:
        master_secrets.change(state, cluster, password)
        events.happened(state, cluster.arn, events.CLUSTER_PASSWORD_RESET)
        return
    for instance in servers.members(state, cluster):
        if instance.is_writer:
            events.happened(state, instance.arn, events.INSTANCE_PASSWORD_FAILED, refused)
