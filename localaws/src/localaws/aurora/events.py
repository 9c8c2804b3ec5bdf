"""RDS events: what EventBridge gets, and what DescribeEvents remembers of it.

Messages as they are seen live (no full stop at the end), `resources[0]` is the ARN, no
`DBClusterIdentifier`, cluster identifiers without `rds:`. A copy of a snapshot has no event of its
own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from localaws.aurora import arns
from localaws.aurora.arns import Arn
from localaws.aurora.errors import invalid_combination, invalid_value
from localaws.aurora.listing import page, read_filters
from localaws.aurora.state import Answer, AuroraState, Request

MINUTES_DEFAULT = 60
MINUTES_MOST = 14 * 24 * 60
_DETAIL_TYPES = {
    arns.CLUSTER: ("RDS DB Cluster Event", "CLUSTER", "db-cluster"),
    arns.SNAPSHOT: ("RDS DB Cluster Snapshot Event", "CLUSTER_SNAPSHOT", "db-cluster-snapshot"),
    arns.INSTANCE: ("RDS DB Instance Event", "DB_INSTANCE", "db-instance"),
}
_SOURCE_TYPES = frozenset(
    [
        "db-instance",
        "db-parameter-group",
        "db-security-group",
        "db-snapshot",
        "db-cluster",
        "db-cluster-snapshot",
        "custom-engine-version",
        "db-proxy",
        "blue-green-deployment",
        "db-shard-group",
        "zero-etl",
    ]
)


@dataclass(frozen=True)
class EventKind:
    """One kind of event.

    `event_id` is None where AWS documents none, so that readers must live without it.
    """

    event_id: str | None
    category: str
    message: str


SNAPSHOT_CREATING_AUTOMATED = EventKind(
    "RDS-EVENT-0168", "backup", "Creating automated cluster snapshot"
)
SNAPSHOT_CREATED_AUTOMATED = EventKind(
    "RDS-EVENT-0169", "backup", "Automated cluster snapshot created"
)
SNAPSHOT_CREATING_MANUAL = EventKind("RDS-EVENT-0074", "backup", "Creating manual cluster snapshot")
SNAPSHOT_CREATED_MANUAL = EventKind("RDS-EVENT-0075", "backup", "Manual cluster snapshot created")
# In no table of AWS's, but seen in accounts.
SNAPSHOT_DELETED_MANUAL = EventKind(None, "deletion", "Deleted manual snapshot")
SNAPSHOT_EXPORT_FAILED = EventKind(
    "RDS-EVENT-0162", "notification", "Cluster snapshot export task failed"
)
SNAPSHOT_EXPORT_CANCELED = EventKind(
    "RDS-EVENT-0163", "notification", "Cluster snapshot export task was canceled"
)
SNAPSHOT_EXPORT_COMPLETED = EventKind(
    "RDS-EVENT-0164", "notification", "Cluster snapshot export task completed"
)
# There is none for copies: Aurora emits no event when one begins, ends or fails (user guide).
# A restore ends with this one, too.
CLUSTER_CREATED = EventKind("RDS-EVENT-0170", "creation", "DB cluster created")
CLUSTER_DELETED = EventKind("RDS-EVENT-0171", "deletion", "DB cluster deleted")
CLUSTER_PASSWORD_RESET = EventKind(
    "RDS-EVENT-0016", "configuration change", "Reset master credentials"
)
CLUSTER_INCOMPATIBLE = EventKind(
    "RDS-EVENT-0354",
    "failure",
    "You can't create the DB cluster because of incompatible resources.",
)
CLUSTER_LIMITS = EventKind(
    "RDS-EVENT-0355",
    "failure",
    "The DB cluster can't be created because of insufficient resource limits.",
)
CLUSTER_STOPPED = EventKind("RDS-EVENT-0150", "notification", "DB cluster stopped")
CLUSTER_STARTED = EventKind("RDS-EVENT-0151", "notification", "DB cluster started")
CLUSTER_STARTED_BY_ITSELF = EventKind(
    "RDS-EVENT-0153",
    "notification",
    "DB cluster is being started due to it exceeding the maximum allowed time being stopped",
)
CLUSTER_RENAMED = EventKind("RDS-EVENT-0172", "notification", "Renamed cluster from")
FAILOVER_COMPLETED = EventKind("RDS-EVENT-0071", "failover", "Completed failover to DB instance:")
FAILOVER_IN_ZONE = EventKind(
    "RDS-EVENT-0072", "failover", "Started same AZ failover to DB instance:"
)
FAILOVER_ACROSS = EventKind(
    "RDS-EVENT-0073", "failover", "Started cross AZ failover to DB instance:"
)
INSTANCE_CREATED = EventKind("RDS-EVENT-0005", "creation", "DB instance created")
INSTANCE_DELETED = EventKind("RDS-EVENT-0003", "deletion", "DB instance deleted")
INSTANCE_RESTARTED = EventKind("RDS-EVENT-0006", "availability", "DB instance restarted")
INSTANCE_PARAMETER_GROUP = EventKind(
    "RDS-EVENT-0011", "configuration change", "Updated to use DBParameterGroup"
)
INSTANCE_CLASS_CHANGING = EventKind(
    "RDS-EVENT-0012", "configuration change", "Applying modification to database instance class"
)
INSTANCE_CLASS_CHANGED = EventKind(
    "RDS-EVENT-0014",
    "configuration change",
    "Finished applying modification to DB instance class",
)
INSTANCE_STOPPED = EventKind("RDS-EVENT-0087", "notification", "DB instance stopped")
INSTANCE_STARTED = EventKind("RDS-EVENT-0088", "notification", "DB instance started")
INSTANCE_FAILED = EventKind("RDS-EVENT-0031", "failure", "DB instance put into failed state.")
INSTANCE_LIMITS = EventKind(
    "RDS-EVENT-0353",
    "failure",
    "The DB instance can't be created because of insufficient resource limits.",
)
INSTANCE_INCOMPATIBLE_PARAMETERS = EventKind(
    "RDS-EVENT-0035", "failure", "Database instance put into incompatible-parameters."
)
INSTANCE_INCOMPATIBLE_NETWORK = EventKind(
    "RDS-EVENT-0036", "failure", "Database instance in incompatible-network."
)
INSTANCE_PASSWORD_FAILED = EventKind(
    "RDS-EVENT-0067", "configuration change", "Unable to reset your password. Error information:"
)


def happened(state: AuroraState, arn: Arn, kind: EventKind, more: str = "") -> None:
    """Emit an event in the account and region of its resource, and keep it for DescribeEvents."""
    now = state.now
    message = f"{kind.message} {more}".rstrip()
    detail_type, source_type, listed_type = _DETAIL_TYPES[arn.kind]
    listed = {
        "SourceIdentifier": arn.identifier,
        "SourceType": listed_type,
        "Message": message,
        "EventCategories": [kind.category],
        "Date": now,
        "SourceArn": str(arn),
    }
    state.region_of(arn).remember_event(listed, now)
    # EventBridge spells the source type in capitals and has the EventID; DescribeEvents has not.
    detail = {
        name: listed[name]
        for name in ("EventCategories", "SourceArn", "SourceIdentifier", "Message")
    }
    detail |= {
        "SourceType": source_type,
        "Date": _milliseconds(now),
        "EventCategories": [kind.category],
    }
    if kind.event_id:
        detail["EventID"] = kind.event_id
    state.emit(
        {
            "version": "0",
            "id": state.identities.unique_id(),
            "detail-type": detail_type,
            "source": "aws.rds",
            "account": arn.account,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": arn.region,
            "resources": [str(arn)],
            "detail": detail,
        }
    )


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe_events(request: Request) -> Answer:
    """List events of this region, by default of the last hour.

    As on RDS they have no EventID, and their source types are in kebab case.
    """
    if "SourceIdentifier" in request and "SourceType" not in request:
        raise invalid_combination("SourceIdentifier needs SourceType beside it.")
    if request.get("SourceType", "db-cluster") not in _SOURCE_TYPES:
        raise invalid_value(f"{request['SourceType']!r} is not a source type.")
    read_filters(request, modelled=set())
    start, end = _window(request)
    found = [
        (f"{number:09d}", event)
        for number, event in enumerate(request.region.events)
        if start <= event["Date"] <= end and _asked_for(request, event)
    ]
    return page(request, "Events", found, lambda item: item[0], lambda item: _copied(item[1]))


def _window(request: Request) -> tuple[datetime, datetime]:
    now = request.state.now
    minutes = request.get("Duration", MINUTES_DEFAULT)
    end = _aware(request.get("EndTime", now))
    start = _aware(request.get("StartTime", end - timedelta(minutes=minutes)))
    if minutes > MINUTES_MOST or now - start > timedelta(minutes=MINUTES_MOST):
        raise invalid_value("Events are kept for fourteen days; an earlier time was asked for.")
    if "EndTime" not in request and "Duration" in request and "StartTime" in request:
        end = start + timedelta(minutes=minutes)
    return start, end


def _aware(moment: datetime | str) -> datetime:
    """Return a moment with its zone.

    Botocore takes text as well, and over HTTP times come in UTC without saying so.
    """
    told = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _asked_for(request: Request, event: Answer) -> bool:
    return (
        request.get("SourceType", event["SourceType"]) == event["SourceType"]
        and str(request.get("SourceIdentifier", event["SourceIdentifier"])).lower()
        == event["SourceIdentifier"]
        and bool(
            set(request.get("EventCategories") or event["EventCategories"])
            & set(event["EventCategories"])
        )
    )


def _copied(event: Answer) -> Answer:
    return event | {"EventCategories": list(event["EventCategories"])}
