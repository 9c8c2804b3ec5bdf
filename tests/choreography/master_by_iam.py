"""A production whose master user logs in by IAM, and an SDK that knows nothing of that."""

from types import SimpleNamespace
from typing import Any

from simulation.stage import MASTER_PASSWORD, SOURCE_REGION
from tests.choreography.run_night import FaultyStage


def by_iam(stage: FaultyStage) -> FaultyStage:
    """Have production's master user log in by IAM."""
    stage.rds(SOURCE_REGION).modify_db_cluster(
        DBClusterIdentifier="prod-cluster",
        MasterUserAuthenticationType="iam-db-auth",
        ApplyImmediately=True,
    )
    stage.settle()
    return stage


def by_password(stage: FaultyStage) -> None:
    """Have it log in by password again."""
    stage.rds(SOURCE_REGION).modify_db_cluster(
        DBClusterIdentifier="prod-cluster",
        MasterUserAuthenticationType="password",
        MasterUserPassword=f"{MASTER_PASSWORD}-2",
        ApplyImmediately=True,
    )
    stage.settle()


class OldSdk(FaultyStage):
    """A stage whose Lambda brings an SDK from before the member."""

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        if service == "rds":
            known = client.meta.service_model
            shape = SimpleNamespace(
                input_shape=SimpleNamespace(members={"MasterUserPassword": None})
            )
            client.meta.service_model = SimpleNamespace(
                operation_names=known.operation_names, operation_model=lambda _name: shape
            )
        return client
