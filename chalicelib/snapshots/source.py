"""Reads the production cluster and its snapshots; nothing here can change them."""

from contextlib import suppress

from chalicelib.aws.client import NotFoundError, Service
from chalicelib.aws.rds import ENGINE, Snapshot
from chalicelib.flow.ownership import OWNER_TAG
from chalicelib.flow.plan import Plan


class SourceCluster:
    """The production cluster and its snapshots; every method only reads."""

    def __init__(self, rds: Service, plan: Plan) -> None:
        self._rds, self._plan = rds, plan

    def observe_resource_id(self) -> str | None:
        """Read the cluster's immutable id; None where the cluster is gone, unlike its snapshots."""
        cluster_id = self._plan.source.cluster_id
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_clusters", DBClusterIdentifier=cluster_id)
            resource_ids = (str(cluster["DbClusterResourceId"]) for cluster in found["DBClusters"])
            return next(resource_ids, None)
        return None

    def observe_snapshot(self, identifier: str) -> Snapshot | None:
        """Describe one snapshot of any type by its identifier or ARN."""
        name = identifier.split(":", 6)[-1] if identifier.startswith("arn:") else identifier
        # The type is required for automated snapshots (API reference).
        kind = {"SnapshotType": "automated"} if name.startswith("rds:") else {}
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
