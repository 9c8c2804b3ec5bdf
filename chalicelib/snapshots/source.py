"""The production cluster and its snapshots: reads, and nothing else."""

from contextlib import suppress

from chalicelib.aws.client import NotFoundError, Service
from chalicelib.aws.rds import ENGINE, Snapshot
from chalicelib.flow.plan import OWNER_TAG, Plan


class SourceCluster:
    """The production cluster and its snapshots: reads, and nothing else.

    No method here changes anything.
    """

    def __init__(self, rds: Service, plan: Plan) -> None:
        self._rds, self._plan = rds, plan

    def observe_resource_id(self) -> str | None:
        """Read the cluster's immutable id.

        None when the cluster is gone (snapshots may outlive it).
        """
        with suppress(NotFoundError):
            found = self._rds.call(
                "describe_db_clusters", DBClusterIdentifier=self._plan.source.cluster_id
            )
            return next(
                (str(cluster["DbClusterResourceId"]) for cluster in found["DBClusters"]), None
            )
        return None

    def observe_snapshot(self, identifier: str) -> Snapshot | None:
        """Look at one snapshot by identifier or ARN, of whatever type."""
        name = identifier.split(":", 6)[-1] if identifier.startswith("arn:") else identifier
        kind = (
            {"SnapshotType": "automated"} if name.startswith("rds:") else {}
        )  # required for these (API reference)
        with suppress(NotFoundError):
            found = self._rds.call(
                "describe_db_cluster_snapshots", DBClusterSnapshotIdentifier=identifier, **kind
            )
            return next(map(Snapshot.of, found["DBClusterSnapshots"]), None)
        return None

    def newest_snapshot(self, kind: str, prefix: str = "") -> Snapshot | None:
        """Find the newest usable snapshot of the cluster by its creation time, over all pages."""
        found = self._rds.pages(
            "describe_db_cluster_snapshots",
            "DBClusterSnapshots",
            DBClusterIdentifier=self._plan.source.cluster_id,
            SnapshotType=kind,
        )
        usable = [
            snapshot
            for snapshot in map(Snapshot.of, found)
            if snapshot.status == "available"
            and snapshot.engine == ENGINE
            and snapshot.created_at
            and snapshot.cluster_id == self._plan.source.cluster_id
            and OWNER_TAG not in snapshot.tags
            and snapshot.identifier.startswith(prefix.lower())
        ]
        return max(
            usable, key=lambda snapshot: (snapshot.created_at, snapshot.identifier), default=None
        )
