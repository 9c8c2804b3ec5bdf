"""A staging cluster as an operation of an earlier night left it, made through the RDS API."""

from typing import Any, Final

from localaws.clients import EndpointClients
from localaws.sample.names import DATABASE, ENGINE, MASTER
from localaws.sample.rds_calls import (
    Described,
    create_instance,
    describe_cluster,
    wait_for_cluster,
    wait_for_instance,
    wait_for_snapshot,
)
from localaws.sample.sql_client import SqlClient
from pydantic import SecretStr

from chalicelib.database.restored_database import Database, Endpoint, Login
from demo.aws import TARGET_CLUSTER, TARGET_REGION
from demo.up.names import OPERATION_TAG, OWNER_TAG, SUBNET_GROUP, TARGET_PORT
from demo.up.passwords import APPLICATION, READ_ONLY, StagingPasswords
from demo.up.resources import Resources

EARLIER_SNAPSHOT: Final = "prod-cluster-an-earlier-night"
INSTANCES: Final = tuple(f"{TARGET_CLUSTER}-{number}" for number in (1, 2))
TAGS: Final = [OWNER_TAG, OPERATION_TAG]


def make_staging(
    clients: EndpointClients, resources: Resources, passwords: StagingPasswords, snapshot: str
) -> None:
    """Make staging from a snapshot of production (its ARN), with a master password of its own."""
    rds = clients("rds", TARGET_REGION)
    copy = _copy(rds, resources, snapshot)
    _restore(rds, resources, copy)
    for instance in INSTANCES:
        create_instance(rds, instance, TARGET_CLUSTER, TAGS)
    for instance in INSTANCES:
        wait_for_instance(rds, instance)
    rds.modify_db_cluster(
        DBClusterIdentifier=TARGET_CLUSTER,
        MasterUserPassword=passwords.master,
        ApplyImmediately=True,
    )
    wait_for_cluster(rds, TARGET_CLUSTER)
    _leave_stale(describe_cluster(rds, TARGET_CLUSTER), passwords)


def _copy(rds: Any, resources: Resources, snapshot: str) -> Described:
    """Copy a snapshot of production to the target's region, under the target's key."""
    rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=snapshot,
        TargetDBClusterSnapshotIdentifier=EARLIER_SNAPSHOT,
        KmsKeyId=resources.target_key_arn,
        Tags=TAGS,
    )
    return wait_for_snapshot(rds, EARLIER_SNAPSHOT)


def _restore(rds: Any, resources: Resources, copy: Described) -> None:
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=TARGET_CLUSTER,
        SnapshotIdentifier=copy["DBClusterSnapshotArn"],
        Engine=ENGINE,
        EngineVersion=copy["EngineVersion"],
        Port=TARGET_PORT,
        DBSubnetGroupName=SUBNET_GROUP,
        VpcSecurityGroupIds=[resources.security_group_id],
        DBClusterParameterGroupName=resources.cluster_parameter_group,
        KmsKeyId=resources.target_key_arn,
        PubliclyAccessible=False,
        Tags=TAGS,
    )
    wait_for_cluster(rds, TARGET_CLUSTER)


def _leave_stale(cluster: Described, passwords: StagingPasswords) -> None:
    """Do what an earlier operation did, with its own code, and leave a mark of that night."""
    host, port = cluster["Endpoint"], cluster["Port"]
    master = Login(MASTER, SecretStr(passwords.master))
    database = Database(Endpoint(host, port, tls="off"), master, DATABASE)
    database.revoke_production_logins(keep=())
    database.ensure_users(
        Login(APPLICATION, SecretStr(passwords.application)),
        Login(READ_ONLY, SecretStr(passwords.read_only)),
    )
    SqlClient(host, port, passwords.master).run(
        "CREATE TABLE stale_marker AS SELECT now() AS made_at, 'left by an earlier night' AS note"
    )
