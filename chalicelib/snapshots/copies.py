"""The snapshot copies that we make, in one region.

What does not carry our tag is never changed or deleted.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.aws.rds import Snapshot
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.facts import Hop
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import is_ours, other_owner, tag_list
from chalicelib.flow.plan import ARCHIVED_TAG, OPERATION_TAG, OWNER_TAG

SNAPSHOT_GONE = "The snapshot is gone, so it cannot be restored any more: another one has to be."
COPIES_MAX = (
    5  # copies in progress for one destination region and account (user guide, copying a snapshot)
)


class Copies:
    """The snapshot copies we make, in one region.

    What does not carry our tag is never changed or deleted.
    """

    def __init__(self, rds: Service, operation: Operation) -> None:
        self._rds, self._operation, self._plan = rds, operation, operation.plan

    def observe(self, hop: Hop) -> Snapshot | None:
        """Look at the copy of one hop; refuses one that stands under our name and is not ours."""
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

        Tags alone do not make a copy: a snapshot that is taken of the target has the target's tags
        where its CopyTagsToSnapshot is set (API reference, CreateDBCluster). The name has to be a
        copy's, too.
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
        """Raise RefusedError for a snapshot that does not carry our tag and our operation's."""
        if owner := other_owner(snapshot, self._plan):
            raise RefusedError(
                f"The snapshot {snapshot.arn} has the name of our copy and belongs to {owner}; it "
                "is left alone.",
                f"Let whoever runs {owner} delete it if it is not needed.",
            )
        ours = is_ours(snapshot, self._plan)
        if not ours or snapshot.tags.get(OPERATION_TAG) != self._operation.root_id:
            raise RefusedError(
                f"The snapshot {snapshot.arn} has the name of our copy but not our tags "
                f"({OWNER_TAG}={self._plan.owner}, {OPERATION_TAG}={self._operation.root_id}).",
                "It is left alone. Delete it if it is not needed; a snapshot cannot be renamed, "
                "only copied.",
            )

    def start(self, source_arn: str, hop: Hop) -> bool:
        """Begin a copy.

        True when it is begun or was before, False when five are running in this region already.
        """
        key = (
            {"KmsKeyId": hop.kms_key_id} if hop.kms_key_id else {}
        )  # refused for an unencrypted source (API)
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
            if error.code == "SnapshotQuotaExceeded" and copies_under_way(self._rds) >= COPIES_MAX:
                # the same code is used for the quota of manual snapshots: what runs tells them
                # apart
                return False
            if error.code != "DBClusterSnapshotAlreadyExistsFault":
                raise
            standing = self.observe(hop)
            # A failed copy keeps its name until it is gone.
            if standing is None or standing.status == "deleting":
                raise TransientError(
                    f"The name {hop.identifier} is held by a copy that is being deleted."
                ) from error
        return True

    def delete(self, snapshot: Snapshot) -> None:
        """Delete a copy of ours; one that is gone is deleted."""
        self.refuse_foreign(snapshot)
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_cluster_snapshot", DBClusterSnapshotIdentifier=snapshot.identifier
            )

    def mark_archived(self, snapshot: Snapshot, when: str) -> None:
        """Tag a copy of ours as put away."""
        self.refuse_foreign(snapshot)
        self._rds.call(
            "add_tags_to_resource",
            ResourceName=snapshot.arn,
            Tags=[{"Key": ARCHIVED_TAG, "Value": when}],
        )


def manual_snapshots(rds: Service) -> list[Mapping[str, Any]]:
    """List the manual cluster snapshots of a region as RDS describes them.

    Copies are among these.
    """
    return rds.pages("describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")


def copies_under_way(rds: Service) -> int:
    """Count the copies that are being made in a region, whoever began them."""
    return sum(snapshot["Status"] == "copying" for snapshot in manual_snapshots(rds))
