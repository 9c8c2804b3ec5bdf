"""The events of RDS that the choreography listens to (Aurora user guide, event categories)."""

from dataclasses import dataclass

RDS_SOURCE = "aws.rds"


@dataclass(frozen=True)
class RdsEvent:
    """An event of RDS: its id, and how its message begins.

    The id is missing from some payloads and from the published schema (the CDK's event schema);
    then the message identifies the event. Live messages have no full stop, unlike the documented
    ones, so only the beginning counts.
    """

    event_id: str
    detail_type: str
    message: str


CLUSTER = "RDS DB Cluster Event"
INSTANCE = "RDS DB Instance Event"
SNAPSHOT = "RDS DB Cluster Snapshot Event"
AUTOMATED_SNAPSHOT_CREATED = RdsEvent(
    "RDS-EVENT-0169", SNAPSHOT, "Automated cluster snapshot created"
)
MANUAL_SNAPSHOT_CREATED = RdsEvent("RDS-EVENT-0075", SNAPSHOT, "Manual cluster snapshot created")
CLUSTER_CREATED = RdsEvent("RDS-EVENT-0170", CLUSTER, "DB cluster created")
CLUSTER_DELETED = RdsEvent("RDS-EVENT-0171", CLUSTER, "DB cluster deleted")
CLUSTER_INCOMPATIBLE = RdsEvent(
    "RDS-EVENT-0354", CLUSTER, "You can't create the DB cluster because of incompatible"
)
CLUSTER_OVER_LIMITS = RdsEvent(
    "RDS-EVENT-0355", CLUSTER, "The DB cluster can't be created because of insufficient"
)
CLUSTER_RENAMED = RdsEvent("RDS-EVENT-0172", CLUSTER, "Renamed cluster from")
CLUSTER_STOPPED = RdsEvent("RDS-EVENT-0150", CLUSTER, "DB cluster stopped")
CLUSTER_STARTED = RdsEvent("RDS-EVENT-0151", CLUSTER, "DB cluster started")
CLUSTER_PASSWORD_RESET = RdsEvent("RDS-EVENT-0016", CLUSTER, "Reset master credentials")
INSTANCE_CREATED = RdsEvent("RDS-EVENT-0005", INSTANCE, "DB instance created")
INSTANCE_OVER_LIMITS = RdsEvent(
    "RDS-EVENT-0353", INSTANCE, "The DB instance can't be created because of insufficient"
)
INSTANCE_PARAMETERS = RdsEvent("RDS-EVENT-0035", INSTANCE, "Database instance put into")
INSTANCE_NETWORK = RdsEvent("RDS-EVENT-0036", INSTANCE, "Database instance in")
INSTANCE_PASSWORD_RESET = RdsEvent("RDS-EVENT-0016", INSTANCE, "Reset master credentials")
INSTANCE_PASSWORD_REFUSED = RdsEvent("RDS-EVENT-0067", INSTANCE, "Unable to reset your password")
STARTING_EVENTS = (AUTOMATED_SNAPSHOT_CREATED, MANUAL_SNAPSHOT_CREATED)
