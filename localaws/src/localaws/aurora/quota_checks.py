"""Refusals of what a quota has no room for, and how much of each quota is used."""

from localaws.aurora.errors import RdsError
from localaws.aurora.state import Answer, Region, Request

MANUAL = "manual"


def refuse_taken_snapshot(region: Region, identifier: str) -> None:
    """Refuse a snapshot identifier that is in use; one that is `deleting` still is."""
    if identifier in region.snapshots:
        raise RdsError(
            "DBClusterSnapshotAlreadyExistsFault",
            f"The cluster snapshot {identifier} exists already.",
        )


def refuse_another_snapshot(region: Region) -> None:
    """Refuse one manual snapshot too many.

    The code is that of too many copies as well: only the text differs.
    """
    most = region.quotas.manual_cluster_snapshots
    # Counting is for regions with many snapshots: few of all kinds cannot be too many.
    if len(region.snapshots) >= most and _manual_snapshots(region) >= most:
        raise RdsError("SnapshotQuotaExceeded", f"Cannot create more than {most} manual snapshots")


def refuse_another_copy(region: Region) -> None:
    """Refuse one copy in progress too many; those that wait in a queue count."""
    # Five for each destination region and account (user guide, copying a cluster snapshot).
    most = region.quotas.copies_in_progress
    if len(region.snapshots) >= most and _copying(region) >= most:
        raise RdsError(
            "SnapshotQuotaExceeded", f"Cannot copy more than {most} snapshots across regions"
        )


def refuse_another_cluster(region: Region) -> None:
    """Refuse one cluster too many; one that is `deleting` counts until it is gone."""
    if len(region.clusters) >= region.quotas.clusters:
        raise RdsError(
            "DBClusterQuotaExceededFault", f"There are {len(region.clusters)} clusters already."
        )


def refuse_another_instance(region: Region) -> None:
    """Refuse one instance too many; one that is `deleting` counts until it is gone."""
    if len(region.instances) >= region.quotas.instances:
        raise RdsError(
            "InstanceQuotaExceeded", f"There are {len(region.instances)} instances already."
        )


def _copying(region: Region) -> int:
    return sum(snapshot.status == "copying" for snapshot in region.snapshots.values())


def _manual_snapshots(region: Region) -> int:
    return sum(snapshot.snapshot_type == MANUAL for snapshot in region.snapshots.values())


def describe_account_attributes(request: Request) -> Answer:
    """List the quotas that are modelled, and their use.

    AWS has none in this list for copies in progress.
    """
    region = request.region
    rows = (
        ("DBClusters", len(region.clusters), region.quotas.clusters),
        ("DBInstances", len(region.instances), region.quotas.instances),
        (
            "ManualClusterSnapshots",
            _manual_snapshots(region),
            region.quotas.manual_cluster_snapshots,
        ),
    )
    return {
        "AccountQuotas": [
            {"AccountQuotaName": name, "Used": used, "Max": most} for name, used, most in rows
        ]
    }
