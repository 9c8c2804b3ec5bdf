"""A production whose master user logs in by IAM."""

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
