"""Events of RDS as they are really sent, and which of our functions each is for.

Texts and ids are those of the Aurora user guide's event tables; the shape is that of its sample
payloads, which some live ones differ from: no EventID, an `rds:` before a cluster's name, a full
stop at the end or none.
"""

import json
from typing import Any

from chalicelib.flow.choreography import STEPS
from chalicelib.messages.event_patterns import pattern
from localaws import patterns

STAGE = "test"
SNAPSHOT = ("RDS DB Cluster Snapshot Event", "CLUSTER_SNAPSHOT", "cluster-snapshot")
CLUSTER = ("RDS DB Cluster Event", "CLUSTER", "cluster")
INSTANCE = ("RDS DB Instance Event", "DB_INSTANCE", "db")
DB_SNAPSHOT = ("RDS DB Snapshot Event", "SNAPSHOT", "snapshot")
Kind = tuple[str, str, str]

DOOR, DELETE, LOOK, USERS = "snapshot-check", "delete-rds", "check-restore-status", "setup-db-users"
SWAP = "swap-target"
KNOWN: tuple[tuple[Kind, str, str, str | None], ...] = (
    (SNAPSHOT, "RDS-EVENT-0168", "Creating automated cluster snapshot", DOOR),
    (SNAPSHOT, "RDS-EVENT-0169", "Automated cluster snapshot created", DOOR),
    (SNAPSHOT, "RDS-EVENT-0074", "Creating manual cluster snapshot", DOOR),
    (SNAPSHOT, "RDS-EVENT-0075", "Manual cluster snapshot created", DOOR),
    (SNAPSHOT, "RDS-EVENT-0162", "Cluster snapshot export task failed", DOOR),
    (CLUSTER, "RDS-EVENT-0170", "DB cluster created", LOOK),
    (CLUSTER, "RDS-EVENT-0171", "DB cluster deleted", DELETE),
    (CLUSTER, "RDS-EVENT-0016", "Reset master credentials", USERS),
    (
        CLUSTER,
        "RDS-EVENT-0354",
        "You can't create the DB cluster because of incompatible resources. Subnets",
        LOOK,
    ),
    (
        CLUSTER,
        "RDS-EVENT-0355",
        "The DB cluster can't be created because of insufficient resource limits. 40",
        LOOK,
    ),
    (CLUSTER, "RDS-EVENT-0150", "DB cluster stopped", SWAP),
    (CLUSTER, "RDS-EVENT-0151", "DB cluster started", SWAP),
    (CLUSTER, "RDS-EVENT-0172", "Renamed cluster from one to two", SWAP),
    (CLUSTER, "RDS-EVENT-0071", "Completed failover to DB instance: two", None),
    (INSTANCE, "RDS-EVENT-0005", "DB instance created", LOOK),
    (INSTANCE, "RDS-EVENT-0003", "DB instance deleted", None),
    (
        INSTANCE,
        "RDS-EVENT-0353",
        "The DB instance can't be created because of insufficient resource limits. 40",
        LOOK,
    ),
    (
        INSTANCE,
        "RDS-EVENT-0035",
        "Database instance put into incompatible-parameters. shared_buffers",
        LOOK,
    ),
    (INSTANCE, "RDS-EVENT-0036", "Database instance in incompatible-network. Subnets", LOOK),
    (INSTANCE, "RDS-EVENT-0016", "Reset master credentials", USERS),
    (
        INSTANCE,
        "RDS-EVENT-0067",
        "Unable to reset your password. Error information: it is too short",
        USERS,
    ),
    (INSTANCE, "RDS-EVENT-0087", "DB instance stopped", None),
    (INSTANCE, "RDS-EVENT-0385", "Cluster topology is updated", None),
    (
        INSTANCE,
        "RDS-EVENT-0418",
        "Amazon RDS can't access the KMS encryption key for database instance one",
        None,
    ),
    (DB_SNAPSHOT, "RDS-EVENT-0042", "Manual snapshot created", None),
    (DB_SNAPSHOT, "RDS-EVENT-0060", "Finished copy of snapshot one from region us-east-1", None),
)


def event(
    kind: Kind, event_id: str | None, message: str, identifier: str = "staging-cluster"
) -> dict[str, Any]:
    """Make the envelope that EventBridge delivers."""
    detail_type, source_type, resource = kind
    arn = f"arn:aws:rds:us-west-2:123456789012:{resource}:{identifier}"
    detail = {
        "EventCategories": ["notification"], "SourceType": source_type, "SourceArn": arn,
        "Date": "2026-11-23T03:22:13.882Z", "Message": message, "SourceIdentifier": identifier,
    }  # fmt: skip
    if event_id:
        detail["EventID"] = event_id
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": detail_type,
        "source": "aws.rds",
        "account": "123456789012",
        "time": "2026-11-23T03:22:13Z",
        "region": "us-west-2",
        "resources": [arn],
        "detail": detail,
    }


def woken(envelope: dict[str, Any]) -> list[str]:
    """List the functions whose rule matches an event."""
    return [
        step
        for step in (*STEPS, "cancel-restore")
        if patterns.matches(envelope, patterns.parse(json.dumps(pattern(step, STAGE))))
    ]
