"""Calls of RDS that whoever makes a cluster needs: create an instance, describe, wait."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from localaws.errors import WorldError
from localaws.sample import names

WAIT_SECONDS_MAX: Final = 120.0
POLL_SECONDS: Final = 0.05
Described = dict[str, Any]


def create_instance(
    rds: Any, instance: str, cluster: str, tags: Sequence[Mapping[str, str]]
) -> None:
    """Ask for an instance of a cluster."""
    rds.create_db_instance(
        DBInstanceIdentifier=instance,
        DBInstanceClass=names.INSTANCE_CLASS,
        Engine=names.ENGINE,
        DBClusterIdentifier=cluster,
        PubliclyAccessible=False,
        Tags=tags,
    )


def describe_cluster(rds: Any, identifier: str) -> Described:
    """Describe a cluster."""
    found: Described = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    return found


def wait_for_cluster(rds: Any, identifier: str) -> Described:
    """Wait until a cluster is available, and return its description."""
    return _wait(lambda: describe_cluster(rds, identifier))


def wait_for_instance(rds: Any, identifier: str) -> Described:
    """Wait until an instance is available, and return its description."""

    def describe() -> Described:
        found = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        return {**found, "Status": found["DBInstanceStatus"]}

    return _wait(describe)


def wait_for_snapshot(rds: Any, identifier: str, snapshot_type: str = "manual") -> Described:
    """Wait until a cluster snapshot is available, and return its description."""

    def describe() -> Described:
        found = rds.describe_db_cluster_snapshots(
            DBClusterSnapshotIdentifier=identifier, SnapshotType=snapshot_type
        )
        described: Described = found["DBClusterSnapshots"][0]
        return described

    return _wait(describe)


def _wait(describe: Callable[[], Described]) -> Described:
    """Look until something is available and no change of it is pending."""
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := describe())["Status"] != "available" or seen.get("PendingModifiedValues"):
        if time.monotonic() > ends_at:
            raise WorldError(
                f"A cluster or snapshot is still {seen['Status']} after {WAIT_SECONDS_MAX:.0f} "
                "seconds."
            )
        time.sleep(POLL_SECONDS)
    return seen
