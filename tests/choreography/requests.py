"""What people do to clusters while nobody looks: tags put on and taken away, a target deleted, an
operation stopped.
"""

from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import OWNER_TAG
from simulation.stage import STAGE, TARGET_REGION
from tests.choreography.run_night import FaultyStage


def adopt(stage: FaultyStage, region: str, cluster: str, plan: str) -> None:
    """Put a plan's tag on a cluster and its instances."""
    for arn in _arns(stage, region, cluster):
        stage.rds(region).add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": OWNER_TAG, "Value": f"{STAGE}/{plan}"}]
        )


def disown(stage: FaultyStage, cluster: str = "staging-cluster") -> None:
    """Take our tag away from a cluster and its instances."""
    for arn in _arns(stage, TARGET_REGION, cluster):
        stage.rds().remove_tags_from_resource(ResourceName=arn, TagKeys=[OWNER_TAG])


def protect(stage: FaultyStage) -> None:
    """Protect the target against deletion."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    stage.settle()


def remove_target(stage: FaultyStage) -> None:
    """Delete the target with its instances behind the operation's back."""
    rds, waiting = stage.rds(), list(stage.queue)
    for member in sorted(
        target(stage)["DBClusterMembers"], key=lambda member: bool(member["IsClusterWriter"])
    ):
        rds.delete_db_instance(
            DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
        )
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    stage.settle()
    stage.queue.extend(waiting)


def delete_reader(stage: FaultyStage) -> None:
    """Delete the target's second instance behind the operation's back."""
    waiting = list(stage.queue)
    stage.rds().delete_db_instance(DBInstanceIdentifier="staging-cluster-2", SkipFinalSnapshot=True)
    stage.settle()
    stage.queue.extend(waiting)


def stop_target(stage: FaultyStage) -> None:
    """Stop the target, as people do to save money."""
    waiting = list(stage.queue)
    stage.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
    stage.settle()
    stage.queue.extend(waiting)


def target(stage: FaultyStage) -> Any:
    """Describe what stands under the target's name."""
    return stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"][0]


def stopped(stage: FaultyStage, state: State) -> str:
    """Cancel an operation in a state and let it end; returns its id."""
    operation = stage.reach(state)
    stage.request(
        "CancelRequested", operation_id=operation.operation_id, reason="staging is needed"
    )
    stage.run_to_the_end()
    return operation.operation_id


def again(stage: FaultyStage, rerun_of: str, **detail: Any) -> None:
    """Ask for a rerun and let it end."""
    stage.request("RestoreRequested", rerun_of=rerun_of, **detail)
    stage.run_to_the_end()


def _arns(stage: FaultyStage, region: str, cluster: str) -> list[str]:
    rds, of_cluster = stage.rds(region), [{"Name": "db-cluster-id", "Values": [cluster]}]
    (found,) = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    members = rds.describe_db_instances(Filters=of_cluster)["DBInstances"]
    return [found["DBClusterArn"], *(member["DBInstanceArn"] for member in members)]
