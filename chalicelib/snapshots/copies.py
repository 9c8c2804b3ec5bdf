"""The snapshot copies of one region: observed, started, deleted, and marked as archived.

A snapshot without our tags is never changed or deleted.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.aws.rds import Snapshot
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.facts import Hop
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import (
    ARCHIVED_TAG,
    OPERATION_TAG,
    OWNER_TAG,
    is_ours,
    other_owner,
    tag_list,
)

SNAPSHOT_GONE = "The snapshot is gone, so it cannot be restored any more: another one has to be."
# Copies in progress for one destination region and account (user guide, copying a snapshot).
COPIES_MAX = 5


class Copies:
    """The snapshot copies of an operation in one region."""

    def __init__(self, rds: Service, operation: Operation) -> None:
        self._rds, self._operation, self._plan = rds, operation, operation.plan

    def observe(self, hop: Hop) -> Snapshot | None:
        """Describe the copy of one hop; refuses another snapshot that has its name."""
        with suppress(NotFoundError):
            found = self._rds.call(
                "describe_db_cluster_snapshots", DBClusterSnapshotIdentifier=hop.identifier
            )
            snapshot = next(map(Snapshot.of, found["DBClusterSnapshots"]), None)
            if snapshot:
                self.refuse_foreign(snapshot)
            return snapshot
        return None

    def observe_unkept(self) -> list[Snapshot]:
        """List the copies of this chain of reruns that no success has archived.

        A copy has to have the name of a copy, too: a snapshot of the target has the target's tags
        where CopyTagsToSnapshot is set (API reference, CreateDBCluster).
        """
        return [
            snapshot
            for snapshot in map(Snapshot.of, manual_snapshots(self._rds))
            if is_ours(snapshot, self._plan)
            and snapshot.tags.get(OPERATION_TAG) == self._operation.root_id
            and self._operation.is_name_of_copy(snapshot.identifier)
            and ARCHIVED_TAG not in snapshot.tags
            and snapshot.status != "deleting"
        ]

    def refuse_foreign(self, snapshot: Snapshot) -> None:
        """Raise RefusedError for a snapshot without the tags of the plan and the operation."""
        if owner := other_owner(snapshot, self._plan):
            raise RefusedError(
                f"The snapshot {snapshot.arn} has the name of our copy and belongs to {owner}; it "
                "is left alone.",
                f"Let whoever runs {owner} delete it if it is not needed.",
            )
        of_operation = snapshot.tags.get(OPERATION_TAG) == self._operation.root_id
        if not is_ours(snapshot, self._plan) or not of_operation:
            raise RefusedError(
                f"The snapshot {snapshot.arn} has the name of our copy but not our tags "
                f"({OWNER_TAG}={self._plan.owner}, {OPERATION_TAG}={self._operation.root_id}).",
                "It is left alone. Delete it if it is not needed; a snapshot cannot be renamed, "
                "only copied.",
            )

    def start(self, source_arn: str, hop: Hop) -> bool:
        """Start a copy.

        True when the copy exists, False when five are in progress in this region already.
        """
        # AWS refuses a key for an unencrypted source (API reference).
        key = {"KmsKeyId": hop.kms_key_id} if hop.kms_key_id else {}
        try:
            self._rds.call(
                "copy_db_cluster_snapshot",
                SourceDBClusterSnapshotIdentifier=source_arn,
                TargetDBClusterSnapshotIdentifier=hop.identifier,
                Tags=tag_list(self._operation),
                **key,
            )
        except NotFoundError as error:
            if error.code == "DBClusterSnapshotNotFoundFault":
                raise RefusedError(error.reason, SNAPSHOT_GONE, retry=Retry.NEW_REQUEST) from error
            raise
        except AwsError as error:
            # The quota of manual snapshots has the same code: the copies in progress tell which.
            if error.code == "SnapshotQuotaExceeded" and copies_under_way(self._rds) >= COPIES_MAX:
                return False
            if error.code != "DBClusterSnapshotAlreadyExistsFault":
                raise
            existing = self.observe(hop)
            # A failed copy keeps its name until it is gone.
            if existing is None or existing.status == "deleting":
                raise TransientError(
                    f"The name {hop.identifier} is held by a copy that is being deleted."
                ) from error
        return True

    def delete(self, snapshot: Snapshot) -> None:
        """Delete a copy; one that is gone counts as deleted."""
        self.refuse_foreign(snapshot)
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_cluster_snapshot", DBClusterSnapshotIdentifier=snapshot.identifier
            )

    def mark_archived(self, snapshot: Snapshot, when: str) -> None:
        """Tag a copy as archived."""
        self.refuse_foreign(snapshot)
        self._rds.call(
            "add_tags_to_resource",
            ResourceName=snapshot.arn,
            Tags=[{"Key": ARCHIVED_TAG, "Value": when}],
        )


def manual_snapshots(rds: Service) -> list[Mapping[str, Any]]:
    """List the manual cluster snapshots of a region, copies among them, as RDS describes them."""
    return rds.pages("describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")


def copies_under_way(rds: Service) -> int:
    """Count the copies in progress in a region, whoever started them."""
    return sum(snapshot["Status"] == "copying" for snapshot in manual_snapshots(rds))
