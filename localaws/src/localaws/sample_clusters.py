"""The two clusters, made through the RDS API: production with its data, and staging from an earlier night."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from localaws import names, production
from localaws.clients import Clients
from localaws.errors import WorldError
from localaws.passwords import Passwords
from localaws.postgres import PostgresData
from localaws.production import Door
from localaws.resources import Resources

EARLIER_SNAPSHOT: Final = "prod-cluster-an-earlier-night"
WAIT_SECONDS_MAX: Final = 120.0
POLL_SECONDS: Final = 0.05
Described = dict[str, Any]


class Estate:
    """Makes the clusters, in steps that a client of AWS would take."""

    def __init__(self, clients: Clients, resources: Resources, passwords: Passwords) -> None:
        self._source = clients("rds", names.SOURCE_REGION)
        self._target = clients("rds", names.TARGET_REGION)
        self._resources = resources
        self._passwords = passwords

    def make_production(self) -> Door:
        """Make production's cluster with its writer, encrypted and protected, and its login roles."""
        self._source.create_db_cluster(
            DBClusterIdentifier=names.SOURCE_CLUSTER,
            Engine=names.ENGINE,
            EngineVersion=self._resources.engine_version,
            MasterUsername=names.MASTER,
            MasterUserPassword=self._passwords.production_master,
            DatabaseName=names.DATABASE,
            Port=names.SOURCE_PORT,
            StorageEncrypted=True,
            KmsKeyId=self._resources.source_key_arn,
            BackupRetentionPeriod=7,
            DeletionProtection=True,
            CopyTagsToSnapshot=True,
            Tags=[names.PRODUCTION_TAG],
        )
        _wait(lambda: _cluster(self._source, names.SOURCE_CLUSTER))
        _create_instance(
            self._source, f"{names.SOURCE_CLUSTER}-1", names.SOURCE_CLUSTER, [names.PRODUCTION_TAG]
        )
        _wait(lambda: _instance(self._source, f"{names.SOURCE_CLUSTER}-1"))
        door = self._door(self._source, names.SOURCE_CLUSTER, self._passwords.production_master)
        production.make_logins(door, self._passwords)
        return door

    def wait_for_snapshot(self, identifier: str) -> str:
        """Wait for an automated snapshot of production that is being taken; return its ARN."""
        found = _wait(lambda: _snapshot(self._source, identifier, "automated"))
        return str(found["DBClusterSnapshotArn"])

    def make_staging(self, snapshot: str) -> None:
        """Make staging from a snapshot of production (its ARN): copy, restore, instances, a password of its own."""
        copy = self._copy(snapshot)
        ours = [names.OWNER_TAG, names.OPERATION_TAG]
        self._target.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=names.TARGET_CLUSTER,
            SnapshotIdentifier=copy["DBClusterSnapshotArn"],
            Engine=names.ENGINE,
            EngineVersion=copy["EngineVersion"],
            Port=names.TARGET_PORT,
            DBSubnetGroupName=names.SUBNET_GROUP,
            VpcSecurityGroupIds=[self._resources.security_group_id],
            DBClusterParameterGroupName=self._resources.cluster_parameter_group,
            KmsKeyId=self._resources.target_key_arn,
            PubliclyAccessible=False,
            Tags=ours,
        )
        _wait(lambda: _cluster(self._target, names.TARGET_CLUSTER))
        instances = [f"{names.TARGET_CLUSTER}-{number}" for number in (1, 2)]
        for instance in instances:
            _create_instance(self._target, instance, names.TARGET_CLUSTER, ours)
        for instance in instances:
            _wait(lambda instance=instance: _instance(self._target, instance))  # type: ignore[misc]  # bound early
        self._change_password()
        production.leave_stale(
            self._door(self._target, names.TARGET_CLUSTER, self._passwords.staging_master),
            self._passwords,
        )

    def let_production_reach_out(self, data: PostgresData, door: Door) -> None:
        """Give production what it does by itself, and ways to others.

        Of these the password is one of its own.
        """
        resource_id = _cluster(self._source, names.SOURCE_CLUSTER)["DbClusterResourceId"]
        statements = production.reach(door, self._passwords)
        data.run_as_rds(resource_id, statements, database=names.DATABASE)
        production.prepare(door, self._passwords)

    def load_dump(self, data: PostgresData, dump: Path) -> list[str]:
        """Make somebody's own dump production's data; return what has to be told of it."""
        resource_id = _cluster(self._source, names.SOURCE_CLUSTER)["DbClusterResourceId"]
        password = self._passwords.production_master
        return data.load_dump(
            resource_id, dump, username=names.MASTER, password=password, database=names.DATABASE
        )

    def _copy(self, snapshot: str) -> Described:
        """Copy a snapshot of production to the target's region, under the target's key."""
        self._target.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=snapshot,
            TargetDBClusterSnapshotIdentifier=EARLIER_SNAPSHOT,
            KmsKeyId=self._resources.target_key_arn,
            Tags=[names.OWNER_TAG, names.OPERATION_TAG],
        )
        return _wait(lambda: _snapshot(self._target, EARLIER_SNAPSHOT))

    def _change_password(self) -> None:
        self._target.modify_db_cluster(
            DBClusterIdentifier=names.TARGET_CLUSTER,
            MasterUserPassword=self._passwords.staging_master,
            ApplyImmediately=True,
        )
        _wait(lambda: _cluster(self._target, names.TARGET_CLUSTER))

    def _door(self, rds: Any, cluster: str, password: str) -> Door:
        described = _cluster(rds, cluster)
        return Door(described["Endpoint"], described["Port"], password)


def _create_instance(rds: Any, instance: str, cluster: str, tags: list[dict[str, str]]) -> None:
    rds.create_db_instance(
        DBInstanceIdentifier=instance,
        DBInstanceClass=names.INSTANCE_CLASS,
        Engine=names.ENGINE,
        DBClusterIdentifier=cluster,
        PubliclyAccessible=False,
        Tags=tags,
    )


def _cluster(rds: Any, identifier: str) -> Described:
    found: Described = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    return found


def _instance(rds: Any, identifier: str) -> Described:
    found: Described = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return found | {"Status": found["DBInstanceStatus"]}


def _snapshot(rds: Any, identifier: str, snapshot_type: str = "manual") -> Described:
    found: Described = rds.describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=identifier, SnapshotType=snapshot_type
    )
    described: Described = found["DBClusterSnapshots"][0]
    return described


def _wait(describe: Callable[[], Described]) -> Described:
    """Look until something is available and nothing of it is pending."""
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := describe())["Status"] != "available" or seen.get("PendingModifiedValues"):
        if time.monotonic() > ends_at:
            raise WorldError(
                f"A cluster or snapshot is still {seen['Status']} after {WAIT_SECONDS_MAX:.0f} "
                "seconds."
            )
        time.sleep(POLL_SECONDS)
    return seen
