"""What callers choose for a cluster, read from a request and checked.

AWS's defaults where they chose nothing.

Create and restore read the same options. With a snapshot come data, master user, version,
encryption, port and the retention of backups (RDS API reference, RestoreDBClusterFromSnapshot).
"""

from localaws.aurora import names
from localaws.aurora.catalog import LOG_EXPORTS
from localaws.aurora.errors import RdsError, invalid_value
from localaws.aurora.groups import DUAL, IPV4, cluster_parameter_group, subnet_group
from localaws.aurora.records import ClusterOptions, SubnetGroup
from localaws.aurora.state import Region, Request

PORT_DEFAULT = 5432
PORT_LEAST = 1150
PORT_MOST = 65535
RETENTION_DAYS_MOST = 35
CAPACITY_MOST = 256
PAUSE_SECONDS_LEAST = 300
PAUSE_SECONDS_MOST = 86400
_STORAGE_TYPES = frozenset({"aurora", "aurora-iopt1"})
_EXTENDED_SUPPORT = "open-source-rds-extended-support"


def cluster_options(
    request: Request, version: str, *, port: int = PORT_DEFAULT, retention_days_default: int = 1
) -> ClusterOptions:
    """Return the options of a new cluster of a version, with defaults that a restore takes over."""
    names.only(request, "EngineMode", "provisioned")
    group = subnet_group(request)
    return ClusterOptions(
        port=names.number(request, "Port", port, least=PORT_LEAST, most=PORT_MOST),
        subnet_group=group,
        parameter_group=cluster_parameter_group(request, version),
        security_groups=security_groups(request) or [request.region.network.security_group],
        deletion_protection=request.get("DeletionProtection", False),
        copy_tags_to_snapshot=request.get("CopyTagsToSnapshot", False),
        backup_retention_days=retention_days(request, retention_days_default),
        backup_window=names.daily_window(request, "03:00-03:30"),
        maintenance_window=names.weekly_window(request, "sun:05:00-sun:05:30"),
        iam_authentication=request.get("EnableIAMDatabaseAuthentication", False),
        log_exports=log_exports(request.get("EnableCloudwatchLogsExports", [])),
        storage_type=names.one_of(request, "StorageType", _STORAGE_TYPES, "aurora"),
        lifecycle_support=names.one_of(
            request,
            "EngineLifecycleSupport",
            {_EXTENDED_SUPPORT, f"{_EXTENDED_SUPPORT}-disabled"},
            _EXTENDED_SUPPORT,
        ),
        network_type=_network_type(request, group),
        scaling=scaling(request, None),
        publicly_accessible=request.get("PubliclyAccessible"),
    )


def _network_type(request: Request, group: SubnetGroup) -> str:
    """Return NetworkType, which the subnet group has to support (API reference)."""
    chosen = names.one_of(request, "NetworkType", {IPV4, DUAL}, IPV4)
    if chosen not in group.network_types:
        name = group.arn.identifier
        raise RdsError(
            "NetworkTypeNotSupported", f"The DB subnet group {name} does not support {chosen}."
        )
    return chosen


def retention_days(request: Request, default: int) -> int:
    """Return BackupRetentionPeriod in days."""
    return names.number(
        request, "BackupRetentionPeriod", default, least=1, most=RETENTION_DAYS_MOST
    )


def security_groups(request: Request) -> list[str]:
    """Return the security groups asked for; each must exist in this region."""
    groups = list(request.get("VpcSecurityGroupIds", []))
    region: Region = request.region
    for group in groups:
        if not request.state.security_groups(region.account, region.name, group):
            raise invalid_value(f"There is no security group {group} in {region.name}.")
    return groups


def log_exports(wanted: list[str]) -> list[str]:
    """Return the kinds of log that go to CloudWatch."""
    for name in wanted:
        if name not in LOG_EXPORTS:
            raise invalid_value(
                f"{name!r} is not a log of Aurora PostgreSQL: there are {', '.join(LOG_EXPORTS)}."
            )
    return sorted(set(wanted))


def scaling(request: Request, before: dict[str, float] | None) -> dict[str, float] | None:
    """Return the Serverless v2 range: 0 or 0.5 to 256 capacity units in halves.

    The first time both ends are needed.
    """
    wanted = request.get("ServerlessV2ScalingConfiguration")
    if wanted is None:
        return before
    merged: dict[str, float] = {**(before or {}), **wanted}
    least, most = merged.get("MinCapacity"), merged.get("MaxCapacity")
    if least is None or most is None:
        raise invalid_value(
            "ServerlessV2ScalingConfiguration needs both MinCapacity and MaxCapacity."
        )
    if (
        not 0 <= least <= most
        or not 1 <= most <= CAPACITY_MOST
        or (least * 2) % 1
        or (most * 2) % 1
    ):
        raise invalid_value(
            f"{least} to {most} is not a Serverless v2 range: halves, 0 to {CAPACITY_MOST}, at "
            "least 1."
        )
    pause_seconds = merged.get("SecondsUntilAutoPause", PAUSE_SECONDS_LEAST)
    if not PAUSE_SECONDS_LEAST <= pause_seconds <= PAUSE_SECONDS_MOST:
        raise invalid_value(
            f"SecondsUntilAutoPause is between {PAUSE_SECONDS_LEAST} and {PAUSE_SECONDS_MOST}."
        )
    return merged
