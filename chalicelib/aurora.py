"""Aurora, seen from two sides that are different types: the source, which is only read, and the target, which is ours.

Facts about Aurora are quoted from the RDS API reference and the Aurora user guide.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.aws import AwsError, NotFoundError, Service
from chalicelib.cluster_settings import ClusterSettings
from chalicelib.errors import RefusedError, Retry, TransientError
from chalicelib.operation import Hop, Operation
from chalicelib.ownership import is_ours, other_owner
from chalicelib.plan import ARCHIVED_TAG, OPERATION_TAG, OWNER_TAG, Plan

ENGINE = "aurora-postgresql"  # Neptune and DocumentDB clusters ride the same API and the same events
SNAPSHOT_GONE = "The snapshot is gone, so it cannot be restored any more: another one has to be."
COPIES_MAX = 5  # copies in progress for one destination region and account (user guide, copying a snapshot)


class Health(Enum):
    """What a status means for somebody who waits."""

    READY = "ready"
    PROGRESSING = "progressing"
    MAY_RECOVER = "may recover"
    TERMINAL = "terminal"


_READY = frozenset({"available", "storage-optimization"})
_PROGRESSING = frozenset(
    {
        "creating", "copying", "migrating", "preparing-data-migration", "backing-up", "modifying", "rebooting",
        "resetting-master-credentials", "starting", "upgrading", "maintenance", "renaming", "failing-over", "promoting",
        "update-iam-db-auth", "scaling-compute", "scaling-storage", "storage-config-upgrade",
    }
)  # fmt: skip
_TERMINAL = frozenset(
    {"failed", "inaccessible-encryption-credentials", "deleting", "deleted", "restore-error", "insufficient-capacity"}
)


def health(status: str) -> Health:
    """Sort a status; one that nobody knows may recover, within the deadline."""
    if status in _READY:
        return Health.READY
    if status in _PROGRESSING or status.startswith("configuring-"):
        return Health.PROGRESSING
    if status in _TERMINAL or status.startswith("incompatible-") or status.endswith("-failed"):
        return Health.TERMINAL
    return Health.MAY_RECOVER


@dataclass(frozen=True)
class Snapshot:
    """A cluster snapshot as it was when looked at."""

    arn: str
    identifier: str
    cluster_id: str
    cluster_resource_id: str
    engine: str
    engine_version: str
    status: str
    kind: str  # automated, manual, shared, awsbackup
    created_at: datetime | None  # None while Aurora has not begun to write it
    encrypted: bool
    kms_key_id: str | None
    master_username: str
    progress: int
    source_arn: str | None
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Snapshot":
        """Read one member of DescribeDBClusterSnapshots."""
        return cls(
            arn=found["DBClusterSnapshotArn"], identifier=found["DBClusterSnapshotIdentifier"],
            cluster_id=found.get("DBClusterIdentifier", "").lower(), engine=found.get("Engine", ""),
            cluster_resource_id=found.get("DbClusterResourceId", ""), engine_version=found.get("EngineVersion", ""),
            status=found.get("Status", ""), kind=found.get("SnapshotType", ""),
            created_at=found.get("SnapshotCreateTime"), encrypted=bool(found.get("StorageEncrypted")),
            kms_key_id=found.get("KmsKeyId"), master_username=found.get("MasterUsername", ""),
            progress=int(found.get("PercentProgress") or 0), source_arn=found.get("SourceDBClusterSnapshotArn"),
            tags=_tags(found),
        )  # fmt: skip


class SourceCluster:
    """The production cluster and its snapshots: reads, and nothing else. No method here changes anything."""

    def __init__(self, rds: Service, plan: Plan) -> None:
        self._rds, self._plan = rds, plan

    def observe_resource_id(self) -> str | None:
        """Read the cluster's immutable id; None when the cluster is gone (snapshots may outlive it)."""
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_clusters", DBClusterIdentifier=self._plan.source_cluster_id)
            return next((str(cluster["DbClusterResourceId"]) for cluster in found["DBClusters"]), None)
        return None

    def observe_snapshot(self, identifier: str) -> Snapshot | None:
        """Look at one snapshot by identifier or ARN, of whatever type."""
        name = identifier.split(":", 6)[-1] if identifier.startswith("arn:") else identifier
        kind = {"SnapshotType": "automated"} if name.startswith("rds:") else {}  # required for these (API reference)
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_cluster_snapshots", DBClusterSnapshotIdentifier=identifier, **kind)
            return next(map(Snapshot.of, found["DBClusterSnapshots"]), None)
        return None

    def newest_snapshot(self, kind: str, prefix: str = "") -> Snapshot | None:
        """Find the newest usable snapshot of the cluster by its creation time, over all pages."""
        found = self._rds.pages(
            "describe_db_cluster_snapshots", "DBClusterSnapshots",
            DBClusterIdentifier=self._plan.source_cluster_id, SnapshotType=kind,
        )  # fmt: skip
        usable = [
            snapshot
            for snapshot in map(Snapshot.of, found)
            if snapshot.status == "available" and snapshot.engine == ENGINE and snapshot.created_at
            and snapshot.cluster_id == self._plan.source_cluster_id and OWNER_TAG not in snapshot.tags
            and snapshot.identifier.startswith(prefix.lower())
        ]  # fmt: skip
        return max(usable, key=lambda snapshot: (snapshot.created_at, snapshot.identifier), default=None)


class Copies:
    """The snapshot copies we make, in one region. What does not carry our tag is never changed or deleted."""

    def __init__(self, rds: Service, operation: Operation) -> None:
        self._rds, self._operation, self._plan = rds, operation, operation.settings

    def observe(self, hop: Hop) -> Snapshot | None:
        """Look at the copy of one hop; refuses one that stands under our name and is not ours."""
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_cluster_snapshots", DBClusterSnapshotIdentifier=hop.identifier)
            snapshot = next(map(Snapshot.of, found["DBClusterSnapshots"]), None)
            if snapshot:
                self.refuse_foreign(snapshot)
            return snapshot
        return None

    def observe_unkept(self) -> list[Snapshot]:
        """List the copies of this chain of reruns that no success has archived.

        Tags alone do not make a copy: a snapshot that is taken of the target has the target's tags
        where its CopyTagsToSnapshot is set (API reference, CreateDBCluster). The name has to be a copy's, too.
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
                f"The snapshot {snapshot.arn} has the name of our copy and belongs to {owner}; it is left alone.",
                f"Let whoever runs {owner} delete it if it is not needed.",
            )
        ours = is_ours(snapshot, self._plan)
        if not ours or snapshot.tags.get(OPERATION_TAG) != self._operation.root_id:
            raise RefusedError(
                f"The snapshot {snapshot.arn} has the name of our copy but not our tags "
                f"({OWNER_TAG}={self._plan.owner}, {OPERATION_TAG}={self._operation.root_id}).",
                "It is left alone. Delete it if it is not needed; a snapshot cannot be renamed, only copied.",
            )

    def start(self, source_arn: str, hop: Hop) -> bool:
        """Begin a copy; True when it is begun or was before, False when five are running in this region already."""
        key = {"KmsKeyId": hop.kms_key_id} if hop.kms_key_id else {}  # refused for an unencrypted source (API)
        try:
            self._rds.call(
                "copy_db_cluster_snapshot", SourceDBClusterSnapshotIdentifier=source_arn,
                TargetDBClusterSnapshotIdentifier=hop.identifier, Tags=tag_list(self._operation), **key,
            )  # fmt: skip
        except NotFoundError as error:
            if error.code == "DBClusterSnapshotNotFoundFault":
                raise RefusedError(error.reason, SNAPSHOT_GONE, retry=Retry.NEW_REQUEST) from error
            raise
        except AwsError as error:
            if error.code == "SnapshotQuotaExceeded" and copies_under_way(self._rds) >= COPIES_MAX:
                return False  # the same code is used for the quota of manual snapshots: what runs tells them apart
            if error.code != "DBClusterSnapshotAlreadyExistsFault":
                raise
            standing = self.observe(hop)
            if standing is None or standing.status == "deleting":  # a failed copy keeps its name until it is gone
                raise TransientError(f"The name {hop.identifier} is held by a copy that is being deleted.") from error
        return True

    def delete(self, snapshot: Snapshot) -> None:
        """Delete a copy of ours; one that is gone is deleted."""
        self.refuse_foreign(snapshot)
        with suppress(NotFoundError):
            self._rds.call("delete_db_cluster_snapshot", DBClusterSnapshotIdentifier=snapshot.identifier)

    def mark_archived(self, snapshot: Snapshot, when: str) -> None:
        """Tag a copy of ours as put away."""
        self.refuse_foreign(snapshot)
        self._rds.call("add_tags_to_resource", ResourceName=snapshot.arn, Tags=[{"Key": ARCHIVED_TAG, "Value": when}])


def manual_snapshots(rds: Service) -> list[Mapping[str, Any]]:
    """List the manual cluster snapshots of a region as RDS describes them; copies are among these."""
    return rds.pages("describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")


def copies_under_way(rds: Service) -> int:
    """Count the copies that are being made in a region, whoever began them."""
    return sum(snapshot["Status"] == "copying" for snapshot in manual_snapshots(rds))


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was when looked at; `members` in the order of deletion: readers first, the writer last."""

    arn: str
    identifier: str
    resource_id: str
    status: str
    endpoint: str | None
    reader_endpoint: str | None
    port: int | None
    members: tuple[str, ...]
    protected: bool
    global_cluster: str | None
    replicates: str | None  # the ARN of a cluster that this one follows
    password_pending: bool
    master_username: str
    settings: ClusterSettings
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Cluster":
        """Read one member of DescribeDBClusters."""
        members = sorted(found.get("DBClusterMembers", []), key=lambda member: bool(member["IsClusterWriter"]))
        return cls(
            arn=found["DBClusterArn"], identifier=found["DBClusterIdentifier"],
            resource_id=found["DbClusterResourceId"], status=found["Status"], endpoint=found.get("Endpoint"),
            reader_endpoint=found.get("ReaderEndpoint"), port=found.get("Port"),
            members=tuple(member["DBInstanceIdentifier"] for member in members),
            protected=bool(found.get("DeletionProtection")), master_username=found.get("MasterUsername", ""),
            global_cluster=found.get("GlobalClusterIdentifier") or None, tags=_tags(found),
            replicates=found.get("ReplicationSourceIdentifier") or None, settings=ClusterSettings.of(found),
            password_pending="MasterUserPassword" in found.get("PendingModifiedValues", {}),
        )  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """An instance as it was when looked at."""

    arn: str
    identifier: str
    cluster_id: str
    status: str
    instance_class: str
    parameter_groups: tuple[str, ...]
    public: bool
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Instance":
        """Read one member of DescribeDBInstances."""
        return cls(
            arn=found["DBInstanceArn"], identifier=found["DBInstanceIdentifier"], status=found["DBInstanceStatus"],
            cluster_id=found.get("DBClusterIdentifier", ""), tags=_tags(found),
            instance_class=found.get("DBInstanceClass", ""), public=bool(found.get("PubliclyAccessible")),
            parameter_groups=tuple(group["DBParameterGroupName"] for group in found.get("DBParameterGroups", ())),
        )  # fmt: skip

    def differences(self, plan: Plan) -> list[str]:
        """Say what is not as planned, as parts of a sentence; nothing of it is changed without a new instance."""
        group = plan.db_parameter_group_name
        wrong = []
        if self.instance_class != plan.instance_class:
            wrong.append(f"its class is {self.instance_class} and not {plan.instance_class}")
        if group and group.lower() not in self.parameter_groups:
            wrong.append(f"its parameter group is {', '.join(self.parameter_groups)} and not {group}")
        if self.public:
            wrong.append("it is publicly accessible")
        return wrong


def tag_list(operation: Operation) -> list[dict[str, str]]:
    """Give the tags of everything an operation makes."""
    return [
        {"Key": OWNER_TAG, "Value": operation.settings.owner},
        {"Key": OPERATION_TAG, "Value": operation.root_id},
    ]


def _tags(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in found.get("TagList", [])}
