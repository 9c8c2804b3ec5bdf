"""What people do to clusters while nobody looks: tags put on and taken away, a target deleted, an
operation stopped.
"""

from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.plan import OWNER_TAG
from simulation.stage import STAGE, TARGET_REGION
from tests.choreography.run_night import Night


def adopt(night: Night, region: str, cluster: str, plan: str) -> None:
    """Put a plan's tag on a cluster and its instances."""
    for arn in _arns(night, region, cluster):
        night.rds(region).add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": OWNER_TAG, "Value": f"{STAGE}/{plan}"}]
        )


def disown(night: Night) -> None:
    """Take our tag away from the target and its instances."""
    for arn in _arns(night, TARGET_REGION, "staging-cluster"):
        night.rds().remove_tags_from_resource(ResourceName=arn, TagKeys=[OWNER_TAG])


def protect(night: Night) -> None:
    """Protect the target against deletion."""
    night.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    night.settle()


def remove_target(night: Night) -> None:
    """Delete the target with its instances behind the operation's back."""
    rds, waiting = night.rds(), list(night.queue)
    for member in sorted(
        target(night)["DBClusterMembers"], key=lambda member: bool(member["IsClusterWriter"])
    ):
        rds.delete_db_instance(
            DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
        )
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    night.settle()
    night.queue.extend(waiting)


def delete_reader(night: Night) -> None:
    """Delete the target's second instance behind the operation's back."""
    waiting = list(night.queue)
    night.rds().delete_db_instance(DBInstanceIdentifier="staging-cluster-2", SkipFinalSnapshot=True)
    night.settle()
    night.queue.extend(waiting)


def stop_target(night: Night) -> None:
    """Stop the target, as people do to save money."""
    waiting = list(night.queue)
    night.rds().stop_db_cluster(DBClusterIdentifier="staging-cluster")
    night.settle()
    night.queue.extend(waiting)


def target(night: Night) -> Any:
    """Describe what stands under the target's name."""
    return night.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"][0]


def stopped(night: Night, state: State) -> str:
    """Cancel an operation in a state and let it end; returns its id."""
    operation = night.reach(state)
    night.request(
        "CancelRequested", operation_id=operation.operation_id, reason="staging is needed"
    )
    night.run_to_the_end()
    return operation.operation_id


def again(night: Night, rerun_of: str, **detail: Any) -> None:
    """Ask for a rerun and let it end."""
    night.request("RestoreRequested", rerun_of=rerun_of, **detail)
    night.run_to_the_end()


def _arns(night: Night, region: str, cluster: str) -> list[str]:
    rds, of_cluster = night.rds(region), [{"Name": "db-cluster-id", "Values": [cluster]}]
    (found,) = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
    members = rds.describe_db_instances(Filters=of_cluster)["DBInstances"]
    return [found["DBClusterArn"], *(member["DBInstanceArn"] for member in members)]
