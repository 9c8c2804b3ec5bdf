"""Creating and deleting instances; always members of a cluster."""

from collections.abc import Iterable
from typing import Any

from localaws.aurora import arns, catalog, events, failover, insights, servers
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import (
    RdsError,
    cluster_state,
    instance_not_found,
    instance_state,
    invalid_combination,
    invalid_value,
    not_modelled,
    wrong_state,
)
from localaws.aurora.groups import instance_parameter_group, subnet_group
from localaws.aurora.names import engine, new_identifier, number, one_of, weekly_window
from localaws.aurora.quota_checks import refuse_another_instance
from localaws.aurora.records import Cluster, Instance
from localaws.aurora.responses import show_instance
from localaws.aurora.state import Answer, AuroraState, Request
from localaws.aurora.tags import read_tags

SERVERLESS = "db.serverless"
TIER_MOST = 15
TRANSITIONAL_STATUSES = frozenset(
    [
        "backing-up",
        "creating",
        "deleting",
        "modifying",
        "rebooting",
        "resetting-master-credentials",
        "starting",
        "stopping",
    ]
)
OWNED_BY_CLUSTER = [
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "DBName",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "EnableIAMDatabaseAuthentication",
    "KmsKeyId",
    "MasterUserPassword",
    "MasterUsername",
    "Port",
    "PreferredBackupWindow",
    "StorageEncrypted",
    "VpcSecurityGroupIds",
]
_CERTIFICATES = frozenset({"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"})
_MONITORING_SECONDS = frozenset({0, 1, 5, 10, 15, 30, 60})


def create_db_instance(request: Request) -> Answer:
    """Add an instance to an available cluster; the first one is the writer."""
    identifier = new_identifier(request, "DBInstanceIdentifier")
    if "DBClusterIdentifier" not in request:
        raise not_modelled(
            "A DB instance outside a cluster (CreateDBInstance without DBClusterIdentifier)"
        )
    engine(request)
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    refuse_what_the_cluster_owns(request, OWNED_BY_CLUSTER)
    if identifier in request.region.instances:
        raise RdsError("DBInstanceAlreadyExists", f"DB instance {identifier} exists already.")
    refuse_another_instance(request.region)
    _refuse_not_ready(request, cluster)
    instance = _new_instance(request, identifier, cluster)
    request.region.instances[identifier] = instance
    cluster.members.append(identifier)
    # The first instance of a cluster is its writer (RDS API reference, CreateDBInstance).
    cluster.writer = cluster.writer or identifier
    state = request.state
    state.later(state.durations.instance_create, lambda: _created(state, instance))
    return {"DBInstance": show_instance(state, instance)}


def refuse_what_the_cluster_owns(request: Request, names: Iterable[str]) -> None:
    """Refuse parameters that are for instances outside clusters."""
    for name in names:
        if name in request:
            raise invalid_combination(
                f"{name} belongs to the cluster of the instance; set it there."
            )


def _refuse_not_ready(request: Request, cluster: Cluster) -> None:
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    if request["DBInstanceClass"] == SERVERLESS and cluster.options.scaling is None:
        raise cluster_state(
            f"Cluster {cluster.identifier} has no ServerlessV2ScalingConfiguration for "
            f"{SERVERLESS}."
        )
    if subnet_group(request) is not cluster.options.subnet_group and "DBSubnetGroupName" in request:
        raise invalid_combination("An instance lies in the subnet group of its cluster.")


def _new_instance(request: Request, identifier: str, cluster: Cluster) -> Instance:
    group = cluster.options.subnet_group
    zones = sorted({*group.subnets.values()})
    return Instance(
        arn=request.region.arn(arns.INSTANCE, identifier),
        cluster=cluster,
        resource_id=request.state.identities.resource_id("db"),
        created_at=request.state.now,
        instance_class=catalog.orderable_class(request["DBInstanceClass"], cluster.engine_version),
        parameter_group=instance_parameter_group(request, cluster.engine_version),
        availability_zone=one_of(
            request, "AvailabilityZone", zones, zones[len(cluster.members) % len(zones)]
        ),
        promotion_tier=number(request, "PromotionTier", 1, least=0, most=TIER_MOST),
        publicly_accessible=request.get("PubliclyAccessible", group.arn.identifier == "default"),
        auto_minor_upgrade=request.get("AutoMinorVersionUpgrade", True),
        maintenance_window=weekly_window(request, cluster.options.maintenance_window),
        insights=insights.of_instance(request),
        ca_certificate=certificate_authority(request),
        tags=read_tags(request),
        **monitoring(
            request, request.get("MonitoringInterval", 0), request.get("MonitoringRoleArn")
        ),
    )


def monitoring(request: Request, interval: int, role: str | None) -> dict[str, Any]:
    """Return how an instance is monitored.

    An interval without a role is refused, the reverse, and a role that does not exist.
    """
    if interval not in _MONITORING_SECONDS or bool(interval) != (role is not None):
        raise invalid_combination(
            "MonitoringInterval is 0, 1, 5, 10, 15, 30 or 60, and above 0 needs MonitoringRoleArn."
        )
    if role is not None and not request.state.roles(role):
        raise invalid_value(f"{role} is no role that may be used for ENHANCED_MONITORING.")
    return {"monitoring_interval": interval, "monitoring_role": role}


def certificate_authority(request: Request) -> str:
    """Return the certificate authority asked for, or the default one."""
    wanted = str(request.get("CACertificateIdentifier", "rds-ca-rsa2048-g1"))
    if wanted not in _CERTIFICATES:
        raise RdsError("CertificateNotFound", f"There is no certificate {wanted}.")
    return wanted


def _created(state: AuroraState, instance: Instance) -> None:
    """End `creating`, with the event.

    Enhanced monitoring is configured after it, so event and `available` differ.
    """
    if instance.status != "creating":
        return
    failure = state.faults.failing_creations.pop(str(instance.arn), None)
    if failure is not None:
        instance.status = failure.status
        events.happened(state, instance.arn, _failure_event(failure.status), failure.message)
        return
    monitored = instance.monitoring_interval > 0
    instance.status = "configuring-enhanced-monitoring" if monitored else "modifying"
    seconds = state.durations.instance_configure if monitored else 0
    servers.start(
        state,
        instance.cluster,
        lambda: _reachable(state, instance, seconds),
        lambda error: servers.fail(state, instance, error),
    )


def _failure_event(status: str) -> events.EventKind:
    return {
        "incompatible-parameters": events.INSTANCE_INCOMPATIBLE_PARAMETERS,
        "incompatible-network": events.INSTANCE_INCOMPATIBLE_NETWORK,
    }.get(status, events.INSTANCE_LIMITS)


def _reachable(state: AuroraState, instance: Instance, seconds: float) -> None:
    instance.has_endpoint = True
    events.happened(state, instance.arn, events.INSTANCE_CREATED)
    if seconds:
        state.later(seconds, lambda: _configured(state, instance))
    else:
        _configured(state, instance)


def _configured(state: AuroraState, instance: Instance) -> None:
    del state
    if instance.status in {"configuring-enhanced-monitoring", "modifying"}:
        instance.status = "available"


def delete_db_instance(request: Request) -> Answer:
    """Delete a member.

    Protection of its cluster does not protect it (RDS API reference, CreateDBInstance).
    """
    instance = request.region.instances.get(request.identifier("DBInstanceIdentifier"))
    if instance is None:
        raise instance_not_found(request["DBInstanceIdentifier"])
    if "FinalDBSnapshotIdentifier" in request:
        raise invalid_combination(
            "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance"
        )
    if instance.status in TRANSITIONAL_STATUSES or instance.status.startswith("configuring-"):
        raise instance_state(
            f"Instance {instance.identifier} is {instance.status} and cannot be deleted now."
        )
    if instance.status == "stopped":
        raise wrong_state(instance.cluster.identifier, "stopped", "available")
    state = request.state
    instance.status = "deleting"
    # Deleting the writer fails over to a reader first (user guide, deleting instances).
    if instance.is_writer and instance.cluster.status == "available":
        failover.begin(state, instance.cluster)
    state.later(state.durations.instance_delete, lambda: _delete(state, instance))
    return {"DBInstance": show_instance(state, instance)}


def _delete(state: AuroraState, instance: Instance) -> None:
    """Take the instance out of the world; with the last one the server stops."""
    cluster = instance.cluster
    if cluster.members == [instance.identifier]:
        servers.stop(state, cluster, lambda: _gone(state, instance))
    else:
        _gone(state, instance)


def _gone(state: AuroraState, instance: Instance) -> None:
    cluster = instance.cluster
    cluster.members.remove(instance.identifier)
    if instance.is_writer:
        heir = failover.candidate(state, cluster)
        cluster.writer = heir.identifier if heir else next(iter(cluster.members), None)
    del state.region_of(instance.arn).instances[instance.identifier]
    instance.status = "deleted"
    events.happened(state, instance.arn, events.INSTANCE_DELETED)
