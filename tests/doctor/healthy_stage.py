"""A healthy stage for the doctor: a deployment, and what people have to provide."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.deployment.packages import give_package
from tests.deployment.place import REGION, SOURCE_REGION, Place

STAGE, CHECKOUT = "dev", "healthy"
SOURCE, TARGET, PORT = "prod-cluster", "dev-cluster", 5432
ENGINE, VERSION, MASTER = "aurora-postgresql", "16.11", "postgres"
MASTER_SECRET, APP_SECRET = (
    "aurora-restore/dev/master-db-credentials",
    "aurora-restore/dev/app-db-credentials",
)
MASTER_VALUE = {"database": "shop", "username": MASTER, "password": "Fresh-0-master-password"}
APP_VALUE = {
    "app_username": "app_user", "app_password": "Fresh-0-app-password",
    "readonly_username": "readonly_user", "readonly_password": "Fresh-0-readonly-password",
}  # fmt: skip
WAIT_SECONDS_MAX = 20


def make_healthy_stage(place: Place) -> None:
    """Deploy the stage and do what only people can do."""
    make_production(place)  # and its night before there is a stage to begin something with it
    checkout = place.checkout(CHECKOUT, dev={}, test={})
    for folder in (STAGE, f"{STAGE}-looked-at"):  # as if it had been examined before, too
        give_package(place.shared, checkout, folder)
    output = place.deploy(STAGE, checkout)
    assert (0, "") == (output.status, output.err)
    let_in(place)
    put_secrets(place)
    place.clients("sqs", REGION).create_queue(QueueName="people")
    people = f"arn:aws:sqs:{REGION}:123456789012:people"
    place.clients("sns", REGION).subscribe(TopicArn=topic(), Protocol="sqs", Endpoint=people)
    place.clients("lambda", REGION).invoke(
        FunctionName="aurora-restore-dev-heartbeat", Payload=_tick()
    )


def topic() -> str:
    """Name the stage's topic."""
    return f"arn:aws:sns:{REGION}:123456789012:aurora-restore-dev-notifications"


def main_table(place: Place) -> str:
    """Name the main route table of the VPC."""
    found = place.clients("ec2", REGION).describe_route_tables(
        Filters=[{"Name": "association.main", "Values": ["true"]}]
    )
    return str(found["RouteTables"][0]["RouteTableId"])


def let_in(place: Place) -> None:
    """Let the one security group, which is the target's and the function's, in on the target's
    port.
    """
    group = place.resources.security_group_id
    place.clients("ec2", REGION).authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": PORT,
                "ToPort": PORT,
                "UserIdGroupPairs": [{"GroupId": group}],
            }
        ],
    )


def make_production(place: Place) -> None:
    """Make the source cluster, and let a night fall."""
    rds = place.clients("rds", SOURCE_REGION)
    make_cluster(
        rds,
        SOURCE,
        StorageEncrypted=True,
        KmsKeyId=place.resources.source_key_arn,
        BackupRetentionPeriod=7,
    )
    take_snapshot(place)


def make_cluster(rds: Any, name: str, **options: Any) -> dict[str, Any]:
    """Make a cluster and wait for it."""
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine=ENGINE,
        EngineVersion=VERSION,
        MasterUsername=MASTER,
        MasterUserPassword="Production-0-password",
        **options,
    )
    return wait(lambda: rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])


def take_snapshot(place: Place) -> dict[str, Any]:
    """Let a night fall on the source, and wait for its snapshot."""
    asked = f"{place.endpoint}/localaws/night?cluster={SOURCE}&region={SOURCE_REGION}"
    with urllib.request.urlopen(urllib.request.Request(asked, method="POST")) as answer:  # noqa: S310  # loopback
        name = json.load(answer)["DBClusterSnapshotIdentifier"]
    rds = place.clients("rds", SOURCE_REGION)
    which = {"DBClusterSnapshotIdentifier": name, "SnapshotType": "automated"}
    return wait(lambda: rds.describe_db_cluster_snapshots(**which)["DBClusterSnapshots"][0])


def wait(describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Look until something is available."""
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := describe())["Status"] != "available":
        assert time.monotonic() < ends_at, seen
    return seen


def put_secrets(place: Place) -> None:
    """Give both secrets values."""
    secrets = place.clients("secretsmanager", REGION)
    secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=json.dumps(MASTER_VALUE))
    secrets.put_secret_value(SecretId=APP_SECRET, SecretString=json.dumps(APP_VALUE))


def _tick() -> bytes:
    event = {
        "version": "0",
        "id": "1",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-23T03:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {},
    }
    return json.dumps(event).encode()


def checkout_of(place: Place) -> Path:
    """Name the folder that the stage was deployed from."""
    return place.folder / CHECKOUT
