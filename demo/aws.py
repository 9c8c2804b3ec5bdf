"""The AWS that the demo talks to, by boto3, and the names of what it looks at there."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from aurora_restore.process.loopback import keep_loopback_direct

SOURCE_REGION, TARGET_REGION = "us-east-1", "us-west-2"
SOURCE_CLUSTER, TARGET_CLUSTER = "prod-cluster", "staging-cluster"
STATE_TABLE, AUDIT_TABLE = "aurora-restore-local-state", "aurora-restore-local-audit"
QUEUE = "aurora-restore-local-notifications"
MASTER_SECRET = "aurora-restore/local/master-db-credentials"  # noqa: S105 # a name
APP_SECRET = "aurora-restore/local/app-db-credentials"  # noqa: S105 # a name
PRODUCTION_SECRET = "production/prod-cluster"  # noqa: S105 # a name
PLAN = "default"
POINTERS = f"/aurora-restore/local/pointers/{PLAN}/"
OWNERSHIP_TAG = ("aurora-restore", f"local/{PLAN}")
ARCHIVED_TAG = "aurora-restore-archived"
EVENT_SOURCE = "aurora-restore.local"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}  # localaws takes any

Item = dict[str, Any]
# No proxy stands between two processes of one machine, so none is used.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"total_max_attempts": 3, "mode": "standard"},
    proxies={},
)


def leave_real_aws() -> None:
    """Forget the shell's AWS settings, here and for child processes.

    The demo must never reach a real account, whatever profile or region is exported.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        CREDENTIALS, AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull
    )
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    keep_loopback_direct()


class Aws:
    """One endpoint, asked about clusters, secrets, tables and the queue.

    What it cannot answer raises ClientError.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client = cache(self._client)

    def cluster(self, region: str, identifier: str) -> Item:
        """Describe one cluster."""
        found = self.client("rds", region).describe_db_clusters(DBClusterIdentifier=identifier)
        cluster: Item = found["DBClusters"][0]
        return cluster

    def instances(self, region: str, cluster: Item) -> list[Item]:
        """Describe the members of a cluster, in order of their names."""
        names = sorted(member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"])
        rds = self.client("rds", region)
        return [
            rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0] for name in names
        ]

    def snapshot(self, region: str, identifier: str) -> Item:
        """Describe one cluster snapshot."""
        found = self.client("rds", region).describe_db_cluster_snapshots(
            DBClusterSnapshotIdentifier=identifier
        )
        snapshot: Item = found["DBClusterSnapshots"][0]
        return snapshot

    def secret(self, region: str, name: str) -> Item:
        """Read a secret that is JSON."""
        found = self.client("secretsmanager", region).get_secret_value(SecretId=name)
        secret: Item = json.loads(found["SecretString"])
        return secret

    def parameters(self, folder: str) -> dict[str, str]:
        """Read the target region's SSM parameters in a folder, by the names that follow it."""
        pages = self.client("ssm", TARGET_REGION).get_paginator("get_parameters_by_path")
        found = (each for page in pages.paginate(Path=folder) for each in page["Parameters"])
        return {each["Name"].removeprefix(folder): each["Value"] for each in found}

    def operation_since(self, timestamp: str) -> Item | None:
        """Find the plan's first operation created at or after a time, written as in records."""
        found = self._query(
            STATE_TABLE,
            "by-plan",
            "#plan = :plan AND created_at >= :timestamp",
            {":plan": PLAN, ":timestamp": timestamp},
            names={"#plan": "plan"},
        )
        return next(found, None)

    def record(self, operation_id: str) -> Item:
        """Read one operation's record, consistently."""
        found = self.client("dynamodb", TARGET_REGION).get_item(
            TableName=STATE_TABLE, Key={"operation_id": {"S": operation_id}}, ConsistentRead=True
        )
        return _plain(found["Item"])

    def trail(self, operation_id: str) -> list[Item]:
        """Read an operation's audit rows in order, with the rows of intents."""
        return list(
            self._query(AUDIT_TABLE, "by-operation", "operation_id = :id", {":id": operation_id})
        )

    def notices(self) -> Iterator[Item]:
        """Yield the notifications in the queue, as SNS wrapped them; they stay in the queue."""
        sqs = self.client("sqs", TARGET_REGION)
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        while found := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30
        ).get("Messages"):
            yield from (json.loads(message["Body"]) for message in found)

    def _client(self, service: str, region: str) -> Any:
        session = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=region,
        )
        return session.client(service, endpoint_url=self.endpoint, config=_CONFIG)

    def _query(
        self,
        table: str,
        index: str,
        condition: str,
        values: dict[str, str],
        names: dict[str, str] | None = None,
    ) -> Iterator[Item]:
        named = {"ExpressionAttributeNames": names} if names else {}
        pages = self.client("dynamodb", TARGET_REGION).get_paginator("query")
        for page in pages.paginate(
            TableName=table,
            IndexName=index,
            KeyConditionExpression=condition,
            **named,
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
        ):
            yield from map(_plain, page["Items"])


def _plain(item: Item) -> Item:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
