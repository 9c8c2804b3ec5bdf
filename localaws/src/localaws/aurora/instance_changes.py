"""Changing and rebooting instances.

A cluster has one server for all its instances here, so a reboot ends no session.
"""

from typing import Any

from localaws.aurora import catalog, events, insights, instances, statuses
from localaws.aurora.errors import (
    RdsError,
    instance_not_found,
    instance_state,
    not_modelled,
)
from localaws.aurora.groups import instance_parameter_group
from localaws.aurora.names import number, weekly_window
from localaws.aurora.records import Instance
from localaws.aurora.responses import show_instance
from localaws.aurora.state import Answer, AuroraState, Request

REBOOTING = "rebooting"
OWNED_BY_CLUSTER = [
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "CloudwatchLogsExportConfiguration",
    "CopyTagsToSnapshot",
    "DBPortNumber",
    "DeletionProtection",
    "EnableIAMDatabaseAuthentication",
    "EngineVersion",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "PreferredBackupWindow",
    "StorageType",
    "VpcSecurityGroupIds",
]
Changes = dict[str, Any]
_WAITING = {"instance_class": "DBInstanceClass", "ca_certificate": "CACertificateIdentifier"}
"""What waits for the maintenance window without ApplyImmediately, as PendingModifiedValues names
it; the rest is changed at once (user guide, "Settings for Amazon Aurora")."""


def modify_db_instance(request: Request) -> Answer:
    """Change an available instance; the answer still says `available`, and shows what waits.

    A class or a certificate authority comes into force at once with ApplyImmediately, and else in
    the maintenance window, which never comes here. A parameter group is the instance's at once and
    in force after a reboot, until which it shows `pending-reboot`.
    """
    instance = existing_instance(request)
    instances.refuse_what_the_cluster_owns(request, OWNED_BY_CLUSTER)
    if instance.status != "available":
        raise instance_state(f"Instance {instance.identifier} is {instance.status}.")
    changes = _changes(request, instance)
    monitored = changes["monitoring_interval"] != instance.monitoring_interval
    waiting = {name: changes.pop(name) for name in _WAITING if name in changes}
    _apply(request.state, instance, changes)
    instance.pending |= {_WAITING[name]: value for name, value in waiting.items()}
    answer = {"DBInstance": show_instance(request.state, instance)}
    if request.get("ApplyImmediately", False) and instance.pending:
        _begin(request.state, instance)
    elif monitored:
        _configure_monitoring(request.state, instance)
    return answer


def existing_instance(request: Request) -> Instance:
    """Return the instance that a request names, or say that there is none."""
    instance = request.region.instances.get(request.identifier("DBInstanceIdentifier"))
    if instance is None:
        raise instance_not_found(request["DBInstanceIdentifier"])
    return instance


def _changes(request: Request, now: Instance) -> Changes:
    """Return the options with their new values, all of them checked before any is applied."""
    version = now.cluster.engine_version
    changes: Changes = {
        "promotion_tier": number(
            request, "PromotionTier", now.promotion_tier, least=0, most=instances.TIER_MOST
        ),
        "auto_minor_upgrade": request.get("AutoMinorVersionUpgrade", now.auto_minor_upgrade),
        "publicly_accessible": request.get("PubliclyAccessible", now.publicly_accessible),
        "maintenance_window": weekly_window(request, now.maintenance_window),
        "insights": insights.of_instance(request, now.insights),
        **_monitoring(request, now),
    }
    if "DBParameterGroupName" in request:
        changes["parameter_group"] = instance_parameter_group(request, version)
    if "DBInstanceClass" in request:
        changes["instance_class"] = _class(request, now)
    if "CACertificateIdentifier" in request:
        changes["ca_certificate"] = instances.certificate_authority(request)
    return changes


def _class(request: Request, now: Instance) -> str:
    wanted = catalog.orderable_class(request["DBInstanceClass"], now.cluster.engine_version)
    if wanted == instances.SERVERLESS and now.cluster.options.scaling is None:
        raise RdsError(
            "InvalidDBClusterStateFault",
            f"Cluster {now.cluster.identifier} has no ServerlessV2ScalingConfiguration.",
        )
    return str(wanted)


def _monitoring(request: Request, now: Instance) -> Changes:
    if not {"MonitoringInterval", "MonitoringRoleArn"} & set(request.parameters):
        return {
            "monitoring_interval": now.monitoring_interval,
            "monitoring_role": now.monitoring_role,
        }
    interval = request.get("MonitoringInterval", now.monitoring_interval)
    kept = now.monitoring_role if interval else None
    return instances.monitoring(request, interval, request.get("MonitoringRoleArn", kept))


def _apply(state: AuroraState, instance: Instance, changes: Changes) -> None:
    """Put new values in force; another parameter group waits for a reboot."""
    if changes.get("parameter_group", instance.parameter_group) != instance.parameter_group:
        instance.own_parameters_in_sync = False
        group = changes["parameter_group"]
        events.happened(state, instance.arn, events.INSTANCE_PARAMETER_GROUP, group)
    for name, value in changes.items():
        setattr(instance, name, value)


def _begin(state: AuroraState, instance: Instance) -> None:
    """Let what waits come into force; another class restarts the instance, and what it runs."""
    statuses.begin(state, instance, "modifying")
    if "DBInstanceClass" in instance.pending:
        events.happened(state, instance.arn, events.INSTANCE_CLASS_CHANGING)
    state.later(state.durations.instance_modify, lambda: _modified(state, instance))


def _modified(state: AuroraState, instance: Instance) -> None:
    if instance.status != "modifying":
        return
    restarted = "DBInstanceClass" in instance.pending
    for name, shown in _WAITING.items():
        setattr(instance, name, instance.pending.pop(shown, getattr(instance, name)))
    instance.status = "available"
    if restarted:
        instance.parameters_in_sync = instance.own_parameters_in_sync = True
        events.happened(state, instance.arn, events.INSTANCE_CLASS_CHANGED)


def _configure_monitoring(state: AuroraState, instance: Instance) -> None:
    status = "configuring-enhanced-monitoring"
    statuses.begin(state, instance, status)

    def configured() -> None:
        instance.status = "available" if instance.status == status else instance.status

    state.later(state.durations.instance_configure, configured)


def reboot_db_instance(request: Request) -> Answer:
    """Reboot an available instance: afterwards its parameters are in sync.

    The answer still says `available`, as after other calls.
    """
    instance, state = existing_instance(request), request.state
    if request.get("ForceFailover", False):
        raise not_modelled("RebootDBInstance with ForceFailover")
    if instance.status != "available":
        raise instance_state(f"Instance {instance.identifier} is {instance.status}.")
    statuses.begin(state, instance, REBOOTING)
    state.later(state.durations.instance_reboot, lambda: _rebooted(state, instance))
    return {"DBInstance": show_instance(state, instance)}


def _rebooted(state: AuroraState, instance: Instance) -> None:
    if instance.status == REBOOTING:
        instance.status = "available"
        instance.parameters_in_sync = instance.own_parameters_in_sync = True
        events.happened(state, instance.arn, events.INSTANCE_RESTARTED)
