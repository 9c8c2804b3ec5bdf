"""What the demo may have seen on a good night; a test changes one thing about it."""

from typing import Any

from demo.activity import Activity
from demo.databases import Access, TableContent
from demo.inspection import OperationInspection, SourceInspection, TargetInspection

TABLES = {
    "shop.public.orders": TableContent(3, "17"),
    "ledger.books.entries": TableContent(5, "-4"),
}
LOGINS = ("prod_master", "shop_app", "reporting")
ACTIVITY = Activity({"user-mappings": 1, "foreign-servers": 1}, ("shop.sales.accounts",))
OPERATION = "default-20261123-0210-0a1b2c3d"
DURATIONS = [
    {
        "step": "snapshot-check",
        "state": "ACCEPTED",
        "to": "COPYING",
        "seconds": "0.5",
        "own_seconds": "0.5",
    },
    {
        "step": "check-copy-status",
        "state": "COPYING",
        "to": "SUCCEEDED",
        "seconds": "8.5",
        "own_seconds": "1.5",
    },
]


def source(**changes: Any) -> SourceInspection:
    """Make what is seen of production."""
    seen: dict[str, Any] = {
        "description": {"DBClusterIdentifier": "prod-cluster", "Status": "available"},
        "instances": ({"DBInstanceIdentifier": "prod-cluster-1"},),
        "tables": TABLES,
        "accepted_logins": LOGINS,
        "activity": ACTIVITY,
    }
    return SourceInspection(**seen | changes)


def stale(**changes: Any) -> TargetInspection:
    """Make what is seen of staging before the night."""
    seen: dict[str, Any] = {
        "cluster_id": "staging-cluster",
        "resource_id": "cluster-OLD",
        "status": "available",
        "tags": {},
        "tables": {"shop.public.orders": TableContent(1, "1")},
        "instances": {"staging-cluster-1": "available"},
        "stale_in": ("shop.public",),
    }
    return TargetInspection(**seen | changes)


def fresh(**changes: Any) -> TargetInspection:
    """Make what is seen of staging after the night."""
    by_database = {name.partition(".")[0]: name for name in TABLES}
    seen: dict[str, Any] = {
        "cluster_id": "staging-cluster",
        "resource_id": "cluster-NEW",
        "status": "available",
        "instances": {"staging-cluster-1": "available", "staging-cluster-2": "available"},
        "tags": {"aurora-restore": "local/default"},
        "tables": TABLES,
        "stale_in": (),
        "application": tuple(
            Access(database, (name,), (name,)) for database, name in by_database.items()
        ),
        "read_only": tuple(
            Access(database, (name,), (), (name,)) for database, name in by_database.items()
        ),
    }
    return TargetInspection(**seen | changes)


def row(version: int, before: str | None, after: str) -> dict[str, Any]:
    """Make an audit row."""
    changed = {
        "metric_id": f"{OPERATION}#{version:06d}",
        "to_state": after,
        "step": "a-step",
        "what": "something was done",
        "at": f"2026-11-23T02:10:0{version}.000Z",
    }
    return changed | ({"from_state": before} if before else {})


def trail() -> tuple[dict[str, Any], ...]:
    """Make a whole trail, with the row of an intent in it."""
    intent = row(2, "COPYING", "COPYING") | {"metric_id": f"{OPERATION}#000002#intent"}
    return (
        row(1, None, "ACCEPTED"),
        row(2, "ACCEPTED", "COPYING"),
        intent,
        row(3, "COPYING", "SUCCEEDED"),
    )


def outcome(**changes: Any) -> OperationInspection:
    """Make what the operation left behind."""
    seen: dict[str, Any] = {
        "record": {
            "operation_id": OPERATION,
            "state": "SUCCEEDED",
            "version": 3,
            "durations": DURATIONS,
            "facts": {"users": {"quieted": {"user-mappings": 1, "foreign-servers": 2}}},
        },
        "trail": trail(),
        "copy": {
            "DBClusterSnapshotIdentifier": "aurora-restore-local-copy",
            "TagList": [{"Key": "aurora-restore-archived", "Value": "2026-11-23T02:10:09.000Z"}],
        },
        "notices": (
            {"Subject": "aurora-restore local: staging-cluster SUCCEEDED", "Message": "{}"},
        ),
    }
    return OperationInspection(**seen | changes)
