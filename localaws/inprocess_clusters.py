"""Making the clusters of the stage that lives in one process."""

from typing import TYPE_CHECKING, Any

from localaws.database import InMemoryRole
from localaws.inprocess_settings import PRODUCTION_PASSWORD

if TYPE_CHECKING:
    from localaws.inprocess import Stage

ENGINE = "aurora-postgresql"


def make_cluster(
    stage: "Stage",
    name: str,
    region: str,
    *,
    encrypted: bool = False,
    tags: dict[str, str] | None = None,
    members: int = 1,
) -> str:
    """Make a cluster with production's login `shop_app` and its instances, and wait for them; returns its ARN."""
    rds, labels = stage.rds(region), [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    key: dict[str, Any] = {"KmsKeyId": "alias/aurora-restore", "StorageEncrypted": True} if encrypted else {}
    made = rds.create_db_cluster(
        DBClusterIdentifier=name, Engine=ENGINE, EngineVersion="16.6", MasterUsername="master",
        MasterUserPassword=PRODUCTION_PASSWORD, DatabaseName="shop", Tags=labels, **key,
    )["DBCluster"]  # fmt: skip
    stage.settle()
    for number in range(members):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number + 1}", DBInstanceClass="db.r6g.large", Engine=ENGINE,
            DBClusterIdentifier=name, Tags=labels,
        )  # fmt: skip
    stage.settle()
    stage.data.clusters[made["DbClusterResourceId"]].roles["shop_app"] = InMemoryRole(PRODUCTION_PASSWORD)
    return str(made["DBClusterArn"])
