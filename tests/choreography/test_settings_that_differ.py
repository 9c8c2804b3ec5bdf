"""A rerun with other settings: they are on the cluster in the end, or the operation has failed."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage, target_of

CHANGED = {
    "VPC_SECURITY_GROUP_IDS": ("sg-corrected", "VpcSecurityGroups"),
    "DELETION_PROTECTION": ("true", "DeletionProtection"),
    "LOG_EXPORTS": ("instance", "EnabledCloudwatchLogsExports"),
    "BACKUP_RETENTION_DAYS": ("7", "BackupRetentionPeriod"),
}
SHOWN = {
    "VPC_SECURITY_GROUP_IDS": [{"VpcSecurityGroupId": "sg-corrected", "Status": "active"}],
    "DELETION_PROTECTION": True,
    "LOG_EXPORTS": ["instance"],
    "BACKUP_RETENTION_DAYS": 7,
}


def failed_at_the_users(stage: FaultyStage) -> str:
    """Let a night fail when its cluster and instances are made; returns the operation's id."""
    stage.network.groups["sg-corrected"] = f"vpc-{TARGET_REGION}-default"
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    return stage.run_night().operation_id


def target(stage: FaultyStage) -> dict[str, Any]:
    """Describe the target cluster."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
    return dict(found)


@pytest.mark.parametrize("variable", CHANGED)
def test_a_rerun_applies_what_can_be_changed(stage: FaultyStage, variable: str) -> None:
    """The same cluster has the corrected settings when it says SUCCEEDED."""
    first = failed_at_the_users(stage)
    made = target(stage)["DbClusterResourceId"]
    value, member = CHANGED[variable]
    stage.environment[variable] = value
    again(stage, first)
    found = target(stage)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert made == found["DbClusterResourceId"]
    assert SHOWN[variable] == found[member]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(
    ("variable", "value", "member"),
    [("INSTANCE_CLASS", "db.r6g.xlarge", ""), ("PORT", "5433", "Port")],
)
def test_a_rerun_makes_anew_what_cannot_be_changed(
    stage: FaultyStage, variable: str, value: str, member: str
) -> None:
    """A rerun with an unchangeable setting changed begins with the preflight and the deletion."""
    first = failed_at_the_users(stage)
    made = target(stage)["DbClusterResourceId"]
    stage.environment[variable] = value
    again(stage, first)
    found = target(stage)
    (instance, _) = stage.rds().describe_db_instances()["DBInstances"][-2:]

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert State.SNAPSHOT_READY == stage.path()[0]
    assert made != found["DbClusterResourceId"]
    assert [] == stage.broken_promises()
    assert value == str(found[member] if member else instance["DBInstanceClass"])


def test_a_rerun_makes_the_instances_that_are_missing(stage: FaultyStage) -> None:
    """More of them are no reason for another cluster."""
    first = failed_at_the_users(stage)
    made = target(stage)["DbClusterResourceId"]
    stage.environment["INSTANCE_COUNT"] = "3"
    again(stage, first)
    found = target(stage)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert made == found["DbClusterResourceId"]
    assert 3 == len(found["DBClusterMembers"])


def test_an_instance_that_was_made_with_another_class_is_not_adopted(stage: FaultyStage) -> None:
    """Somebody replaced it under its name, with our tags: the refusal leads to the delete."""
    first = failed_at_the_users(stage)
    rds = stage.rds()
    (found,) = rds.describe_db_instances(DBInstanceIdentifier="staging-cluster-1")["DBInstances"]
    rds.delete_db_instance(DBInstanceIdentifier="staging-cluster-1", SkipFinalSnapshot=True)
    stage.settle()
    rds.create_db_instance(
        DBInstanceIdentifier="staging-cluster-1",
        DBInstanceClass="db.r6g.xlarge",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=found["TagList"],
    )
    stage.settle()
    again(stage, first)
    ended = stage.all_operations()[-1]

    assert State.FAILED == ended.state
    assert "delete-rds" == ended.rerun_from
    assert "its class is db.r6g.xlarge and not db.r6g.large" in (ended.reason or "")


def test_success_is_not_reported_for_a_cluster_with_other_settings(stage: FaultyStage) -> None:
    """Somebody protects the cluster at the last moment: FAILED.

    The rerun sets what was asked for.
    """
    stage.night()
    stage.reach(State.USERS_READY)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    failed = stage.run_to_the_end()
    again(stage, failed.operation_id)

    assert State.FAILED == failed.state
    assert "DELETION_PROTECTION" in (failed.reason or "")
    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert target(stage)["DeletionProtection"] is False
    assert [] == stage.broken_promises()


def test_a_good_night_changes_nothing_before_the_users(stage: FaultyStage) -> None:
    """The restore gives every setting, so that no night waits for one: only the password is new."""
    stage.environment["BACKUP_RETENTION_DAYS"] = "7"
    stage.run_night()
    changes = [call.parameters for call in stage.calls_of("modify_db_cluster")]

    assert [{"DBClusterIdentifier", "ApplyImmediately", "MasterUserPassword"}] == [
        {*change} for change in changes
    ]
    assert target_of("staging-cluster") == target(stage)["DBClusterArn"]
