"""The words the tests of the Aurora model are written in."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from localaws.aurora import Aurora, Durations, VirtualClock

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
SOURCE = "us-east-1"
TARGET = "us-west-2"
KEY_ALIAS = "alias/aurora-restore"
ENGINE = "aurora-postgresql"
PASSWORD = "correct-horse-battery"
HOUR_SECONDS = 3600
LAG_SECONDS = Durations().status_lag
Client = Any
Rds = Callable[..., Client]


def code_of(call: Callable[..., Any], **parameters: Any) -> str:
    """Return the error code a call is refused with, or `accepted`."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def message_of(call: Callable[..., Any], **parameters: Any) -> str:
    """Return the sentence a call is refused with, or nothing."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return ""


class Scene:
    """A world to set up in few words.

    Every method goes through the client, as an application would.
    """

    def __init__(self, rds: Rds, aurora: Aurora, clock: VirtualClock) -> None:
        self.rds = rds
        self.aurora = aurora
        self.clock = clock

    def settle(self) -> None:
        """Let pass what is under way, until nothing is."""
        while (moment := self.aurora.next_transition()) is not None:
            self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))
            self.aurora.tick()

    def pass_time(self, seconds: float) -> None:
        """Let some seconds pass."""
        self.clock.advance(seconds)
        self.aurora.tick()

    def cluster(
        self,
        name: str = "prod-cluster",
        *,
        region: str = SOURCE,
        instances: int = 1,
        **options: Any,
    ) -> Any:
        """Create a cluster of version 16.11 with available instances and return its description."""
        chosen = {
            "EngineVersion": "16.11",
            "MasterUsername": "postgres",
            "MasterUserPassword": PASSWORD,
            **options,
        }
        self.rds(region).create_db_cluster(DBClusterIdentifier=name, Engine=ENGINE, **chosen)
        self.settle()
        for number in range(1, instances + 1):
            self.instance(f"{name}-{number}", name, region=region)
        return self.describe(name, region=region)

    def encrypted_cluster(self, name: str = "prod-cluster", **options: Any) -> Any:
        """Create a cluster under a customer-managed key."""
        return self.cluster(name, StorageEncrypted=True, KmsKeyId=KEY_ALIAS, **options)

    def instance(self, name: str, cluster: str, *, region: str = SOURCE, **options: Any) -> Any:
        """Create an instance, wait until it is available and return its description."""
        chosen = {"DBInstanceClass": "db.r6g.large", **options}
        self.rds(region).create_db_instance(
            DBInstanceIdentifier=name, DBClusterIdentifier=cluster, Engine=ENGINE, **chosen
        )
        self.settle()
        return self.describe_instance(name, region=region)

    def describe(self, name: str = "prod-cluster", *, region: str = SOURCE) -> Any:
        """Describe a cluster."""
        return self.rds(region).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    def describe_instance(self, name: str, *, region: str = SOURCE) -> Any:
        """Describe an instance."""
        return self.rds(region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def describe_snapshot(self, name: str, *, region: str = SOURCE, **options: Any) -> Any:
        """Describe a cluster snapshot."""
        found = self.rds(region).describe_db_cluster_snapshots(
            DBClusterSnapshotIdentifier=name, **options
        )
        return found["DBClusterSnapshots"][0]

    def snapshot(self, name: str = "by-hand", cluster: str = "prod-cluster", **options: Any) -> Any:
        """Take a manual snapshot in the source region, wait for it and return its description."""
        self.rds(SOURCE).create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=name, DBClusterIdentifier=cluster, **options
        )
        self.settle()
        return self.describe_snapshot(name)

    def night(self, cluster: str = "prod-cluster") -> Any:
        """Let Aurora take its automated snapshot, wait for it and return its description."""
        name = self.aurora.take_automated_snapshot(cluster, account=ACCOUNT, region=SOURCE)
        self.settle()
        return self.describe_snapshot(name, SnapshotType="automated")

    def copy(
        self, source: Any, name: str = "copied", *, region: str = TARGET, **options: Any
    ) -> Any:
        """Start a copy of a described snapshot."""
        return self.rds(region).copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=source["DBClusterSnapshotArn"],
            TargetDBClusterSnapshotIdentifier=name,
            **options,
        )["DBClusterSnapshot"]

    def restore(
        self, snapshot: str, name: str = "restored", *, region: str = SOURCE, **options: Any
    ) -> Any:
        """Restore a snapshot, wait for the cluster and return its description."""
        chosen = {"EngineVersion": "16.11", **options}
        self.rds(region).restore_db_cluster_from_snapshot(
            DBClusterIdentifier=name, SnapshotIdentifier=snapshot, Engine=ENGINE, **chosen
        )
        self.settle()
        return self.describe(name, region=region)

    def delete_instances(self, *names: str, region: str = SOURCE) -> None:
        """Delete instances without waiting for their end."""
        for name in names:
            self.rds(region).delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
