"""The local world: the guide's resources, the app deployed, a production cluster, and a stale staging cluster of ours.

Built through boto3, as anybody would; only Aurora's pace is quickened while it is built.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import boto3
from pydantic import SecretStr

from chalicelib.database import Database, Login, Place
from localaws import production
from localaws.deployment import CHECKOUT, CREDENTIALS, Deployment
from localaws.production import Door

SOURCE_REGION, TARGET_REGION, STAGE = "us-east-1", "us-west-2", "local"
SOURCE, TARGET, ENGINE, VERSION = "prod-cluster", "staging-cluster", "aurora-postgresql", "16.6"
NAMES: Final = f"aurora-restore-{STAGE}"
ALIAS, GROUP, PARAMETERS, PORT = "alias/aurora-restore", "staging", "staging-postgres16", 15432
MASTER, OPERATION = "postgres", "an-earlier-night"
OURS = [
    {"Key": "aurora-restore", "Value": f"{STAGE}/default"},
    {"Key": "aurora-restore-operation", "Value": OPERATION},
]
WAIT_SECONDS_MAX, LOOK_SECONDS = 120.0, 0.05
PASSWORD_BYTES = 18


class WorldError(Exception):
    """Something of the world did not come to be in time; the text says what."""


class World:
    """Everything around the server, made once. `say` is told each part as it is done."""

    def __init__(self, endpoint: str, folder: Path, say: Callable[[str], None]) -> None:
        self._endpoint, self._folder, self._say = endpoint, folder, say
        self._deployment: Deployment | None = None
        self._passwords = {name: _password() for name in (MASTER, *production.LOGINS)}
        self._staging_master = _password()
        self._app = {
            "app_username": "app_user", "app_password": _password(),
            "readonly_username": "readonly_user", "readonly_password": _password(),
        }  # fmt: skip

    def build(self, psql: str, dump: Path | None = None) -> None:
        """Make it all. Raises WorldError, DeploymentError, DumpError, and botocore's errors."""
        keys = {region: self._key(region) for region in (SOURCE_REGION, TARGET_REGION)}
        topic = self._foundation(keys)
        variables = {
            "KMS_KEY_ID": keys[TARGET_REGION], "VPC_SECURITY_GROUP_IDS": self._network(), "SNS_TOPIC_ARN": topic
        }  # fmt: skip
        self._say("tables, topic and queue, parameters, secrets and keys are made")
        self._deployment = Deployment(self._folder, self._endpoint, TARGET_REGION, variables)
        self._clusters(psql, dump)
        self._deployment.wait()
        self._say("chalice deploy --stage local: eleven functions with their rules, roles and policies")

    def stop(self) -> None:
        """End what still runs of the building."""
        if self._deployment:
            self._deployment.stop()

    # --- the guide's resources ---

    def _client(self, service: str, region: str = TARGET_REGION) -> Any:
        names = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "region_name": region}
        secret = {"aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
        return boto3.client(service, endpoint_url=self._endpoint, **names, **secret)

    def _key(self, region: str) -> str:
        kms = self._client("kms", region)
        key = kms.create_key(Description="aurora-restore")["KeyMetadata"]
        kms.create_alias(AliasName=ALIAS, TargetKeyId=key["KeyId"])
        return str(key["Arn"])

    def _foundation(self, keys: Mapping[str, str]) -> str:
        template = (CHECKOUT / "infra" / "foundation.yaml").read_text()
        parameters = [{"ParameterKey": "Stage", "ParameterValue": STAGE}]
        self._client("cloudformation").create_stack(StackName=NAMES, TemplateBody=template, Parameters=parameters)
        sns, sqs = self._client("sns"), self._client("sqs")
        topic = next(
            str(one["TopicArn"]) for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith("-notifications")
        )
        queue = sqs.create_queue(QueueName=f"{NAMES}-notifications")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._parameters(keys[TARGET_REGION])
        self._secrets()
        self._forwarding()
        return topic

    def _parameters(self, key: str) -> None:
        values = {
            "source-cluster-id": SOURCE, "source-region": SOURCE_REGION, "target-cluster-id": TARGET,
            "target-region": TARGET_REGION, "kms-key-id": key,
        }  # fmt: skip
        ssm = self._client("ssm")
        for name, value in values.items():
            ssm.put_parameter(Name=f"/aurora-restore/{STAGE}/{name}", Value=value, Type="String")

    def _secrets(self) -> None:
        master = {"database": "shop", "username": MASTER, "password": self._staging_master}
        logins = {name: self._passwords[name] for name in production.LOGINS}
        of_production = {"master": {"username": MASTER, "password": self._passwords[MASTER]}, "logins": logins}
        ours, theirs = self._client("secretsmanager"), self._client("secretsmanager", SOURCE_REGION)
        ours.create_secret(Name=f"aurora-restore/{STAGE}/master-db-credentials", SecretString=json.dumps(master))
        ours.create_secret(Name=f"aurora-restore/{STAGE}/app-db-credentials", SecretString=json.dumps(self._app))
        theirs.create_secret(Name=f"production/{SOURCE}", SecretString=json.dumps(of_production))

    def _forwarding(self) -> None:
        """Send the source region's snapshot events to the app's region, from default bus to default bus."""
        events = self._client("events", SOURCE_REGION)
        pattern = {"source": ["aws.rds"], "detail-type": ["RDS DB Cluster Snapshot Event"]}
        events.put_rule(Name="aurora-restore-forward-snapshots", EventPattern=json.dumps(pattern))
        account = self._client("sts").get_caller_identity()["Account"]
        bus = f"arn:aws:events:{TARGET_REGION}:{account}:event-bus/default"
        role = f"arn:aws:iam::{account}:role/aurora-restore-forward-snapshots"
        target = {"Id": "app", "Arn": bus, "RoleArn": role}
        events.put_targets(Rule="aurora-restore-forward-snapshots", Targets=[target])

    def _network(self) -> str:
        ec2, rds = self._client("ec2"), self._client("rds")
        default = [{"Name": "is-default", "Values": ["true"]}]
        vpc = ec2.describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]]
        rds.create_db_subnet_group(DBSubnetGroupName=GROUP, DBSubnetGroupDescription="staging", SubnetIds=subnets)
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName=PARAMETERS, DBParameterGroupFamily="aurora-postgresql16", Description="staging"
        )
        group = ec2.create_security_group(GroupName=GROUP, Description="staging databases", VpcId=vpc)
        return str(group["GroupId"])

    # --- the clusters ---

    def _clusters(self, psql: str, dump: Path | None) -> None:
        door = self._production(psql, dump)
        self._say(f"{SOURCE} in {SOURCE_REGION} has its data: " + (f"the dump {dump}" if dump else "shop and ledger"))
        self._staging(door)
        if dump is None:
            production.go_on(door)
        self._say(f"{TARGET} in {TARGET_REGION} has the stale data of an earlier night")

    def _production(self, psql: str, dump: Path | None) -> Door:
        rds = self._client("rds", SOURCE_REGION)
        rds.create_db_cluster(
            DBClusterIdentifier=SOURCE, Engine=ENGINE, EngineVersion=VERSION, MasterUsername=MASTER, Port=PORT,
            MasterUserPassword=self._passwords[MASTER], DatabaseName="shop", StorageEncrypted=True, KmsKeyId=ALIAS,
            DeletionProtection=True,
        )  # fmt: skip
        self._wait_for_cluster(rds, SOURCE)
        self._instances(rds, SOURCE, 1, [])
        door = self._door(rds, SOURCE, self._passwords[MASTER])
        logins = {name: self._passwords[name] for name in production.LOGINS}
        if dump:
            production.load_dump(door, psql, dump, logins)
        else:
            production.fill(door, logins)
        return door

    def _staging(self, door: Door) -> None:
        """Leave what an earlier operation of ours would have left: a copy, a cluster of it, safe and with our users."""
        rds, theirs = self._client("rds"), self._client("rds", SOURCE_REGION)
        theirs.create_db_cluster_snapshot(DBClusterIdentifier=SOURCE, DBClusterSnapshotIdentifier="earlier-night")
        earlier = self._wait_for_snapshot(theirs, "earlier-night")
        name = f"{NAMES}-{OPERATION}"
        rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=earlier, TargetDBClusterSnapshotIdentifier=name, KmsKeyId=ALIAS, Tags=OURS
        )
        self._wait_for_snapshot(rds, name)
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=TARGET, SnapshotIdentifier=name, Engine=ENGINE, EngineVersion=VERSION, Port=PORT,
            DBSubnetGroupName=GROUP, DBClusterParameterGroupName=PARAMETERS, KmsKeyId=ALIAS, Tags=OURS,
        )  # fmt: skip
        self._wait_for_cluster(rds, TARGET)
        self._instances(rds, TARGET, 2, OURS)
        production.mark_stale(self._door(rds, TARGET, door.password))
        rds.modify_db_cluster(
            DBClusterIdentifier=TARGET, MasterUserPassword=self._staging_master, ApplyImmediately=True
        )
        self._wait_for_cluster(rds, TARGET)
        self._safe_users(self._door(rds, TARGET, self._staging_master))

    def _safe_users(self, door: Door) -> None:
        place = Place(door.host, door.port, tls="off")
        database = Database(place, _login(door.username, door.password), "shop")
        database.lock_out(keep=())
        database.ensure_users(
            _login(self._app["app_username"], self._app["app_password"]),
            _login(self._app["readonly_username"], self._app["readonly_password"]),
        )

    def _instances(self, rds: Any, cluster: str, count: int, tags: list[dict[str, str]]) -> None:
        for number in range(count):
            rds.create_db_instance(
                DBInstanceIdentifier=f"{cluster}-{number + 1}", DBInstanceClass="db.r6g.large", Engine=ENGINE,
                DBClusterIdentifier=cluster, Tags=tags,
            )  # fmt: skip
        filters = [{"Name": "db-cluster-id", "Values": [cluster]}]
        self._wait(
            f"the instances of {cluster}",
            lambda: [one["DBInstanceStatus"] for one in rds.describe_db_instances(Filters=filters)["DBInstances"]],
        )

    def _wait_for_cluster(self, rds: Any, cluster: str) -> None:
        self._wait(
            cluster,
            lambda: [one["Status"] for one in rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]],
        )

    def _wait_for_snapshot(self, rds: Any, snapshot: str) -> str:
        def found() -> list[Any]:
            asked = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)
            return list(asked["DBClusterSnapshots"])

        self._wait(f"the snapshot {snapshot}", lambda: [one["Status"] for one in found()])
        return str(found()[0]["DBClusterSnapshotArn"])

    def _wait(self, what: str, statuses: Callable[[], list[str]]) -> None:
        """Wait until everything is available."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while set(seen := statuses()) != {"available"}:
            if time.monotonic() > until:
                raise WorldError(f"After {WAIT_SECONDS_MAX:.0f} s {what} is not available but {', '.join(seen)}.")
            time.sleep(LOOK_SECONDS)

    def _door(self, rds: Any, cluster: str, password: str) -> Door:
        (found,) = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
        return Door(found["Endpoint"], found["Port"], MASTER, password)


def _login(username: str, password: str) -> Login:
    return Login(username, SecretStr(password))


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
