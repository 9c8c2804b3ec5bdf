"""What stands in the stage that lives in one process: keys, topic, network, secrets, clusters."""

import json
from typing import TYPE_CHECKING, Any

from simulation.in_memory_database import InMemoryRole
from simulation.settings import (
    ACCOUNT,
    APP,
    APP_SECRET,
    MASTER_PASSWORD,
    MASTER_SECRET,
    PRODUCTION_PASSWORD,
    SOURCE_REGION,
    TARGET_REGION,
    TOPIC,
)

if TYPE_CHECKING:
    from simulation.stage import IdleStage

ENGINE = "aurora-postgresql"


def seed_stage(stage: "IdleStage") -> None:
    """Make what every stage needs before its first night, production included."""
    for region in (SOURCE_REGION, TARGET_REGION):
        stage.keys.create(ACCOUNT, region, "alias/aurora-restore")
    stage.topics.create_topic(TOPIC)
    stage.network.groups["sg-staging"] = f"vpc-{TARGET_REGION}-default"
    master = {"database": "shop", "username": "master", "password": MASTER_PASSWORD}
    stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=json.dumps(master))
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=json.dumps(APP))
    stage.make_cluster("prod-cluster", SOURCE_REGION, encrypted=True)


def make_cluster(
    stage: "IdleStage",
    name: str,
    region: str,
    *,
    encrypted: bool = False,
    tags: dict[str, str] | None = None,
    members: int = 1,
) -> str:
    """Make a cluster with production's login `shop_app` and its instances, and wait for them.

    Returns its ARN.
    """
    rds, labels = (
        stage.rds(region),
        [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    key: dict[str, Any] = (
        {"KmsKeyId": "alias/aurora-restore", "StorageEncrypted": True} if encrypted else {}
    )
    made = rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine=ENGINE,
        EngineVersion="16.11",
        MasterUsername="master",
        MasterUserPassword=PRODUCTION_PASSWORD,
        DatabaseName="shop",
        Tags=labels,
        **key,
    )["DBCluster"]
    stage.settle()
    for number in range(members):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number + 1}",
            DBInstanceClass="db.r6g.large",
            Engine=ENGINE,
            DBClusterIdentifier=name,
            PubliclyAccessible=False,
            Tags=labels,
        )
    stage.settle()
    stage.data.clusters[made["DbClusterResourceId"]].roles["shop_app"] = InMemoryRole(
        PRODUCTION_PASSWORD
    )
    return str(made["DBClusterArn"])
