"""What the functions ask of RDS is known to the SDK that the oldest supported Lambda runtime may
bring.
"""

import pytest

from tests.choreography.fault_injection import refused
from tests.choreography.requests import again, protect
from tests.choreography.run_night import FaultyStage

# Members that botocore 1.38.46 (June 2025) knows, of the calls that change something; looked up in
# its model of RDS.
KNOWN = {
    "add_tags_to_resource": {"ResourceName", "Tags"},
    "copy_db_cluster_snapshot": {
        "KmsKeyId", "SourceDBClusterSnapshotIdentifier", "Tags",
        "TargetDBClusterSnapshotIdentifier",
    },
    "create_db_instance": {
        "DBClusterIdentifier", "DBInstanceClass", "DBInstanceIdentifier", "DBParameterGroupName",
        "Engine", "PubliclyAccessible", "Tags",
    },
    "delete_db_cluster": {"DBClusterIdentifier", "FinalDBSnapshotIdentifier", "SkipFinalSnapshot"},
    "delete_db_cluster_snapshot": {"DBClusterSnapshotIdentifier"},
    "delete_db_instance": {"DBInstanceIdentifier", "SkipFinalSnapshot"},
    "modify_db_cluster": {
        "ApplyImmediately", "BackupRetentionPeriod", "CloudwatchLogsExportConfiguration",
        "DBClusterIdentifier", "DeletionProtection", "MasterUserPassword",
        "ServerlessV2ScalingConfiguration", "VpcSecurityGroupIds",
    },
    "restore_db_cluster_from_snapshot": {
        "DBClusterIdentifier", "DBClusterParameterGroupName", "DBSubnetGroupName",
        "DeletionProtection", "EnableCloudwatchLogsExports", "Engine", "EngineVersion", "KmsKeyId",
        "Port", "PubliclyAccessible", "ServerlessV2ScalingConfiguration", "SnapshotIdentifier",
        "Tags", "VpcSecurityGroupIds",
    },
    "start_db_cluster": {"DBClusterIdentifier"},
}  # fmt: skip
READS = ("describe_", "get_")
SETTINGS = {
    "INSTANCE_CLASS": "db.serverless", "SERVERLESS_MIN_CAPACITY": "0.5",
    "SERVERLESS_MAX_CAPACITY": "4", "SKIP_FINAL_SNAPSHOT": "false", "ARCHIVE_SNAPSHOT": "false",
    "BACKUP_RETENTION_DAYS": "7", "DELETION_PROTECTION": "true",
}  # fmt: skip


def unknown_members(stage: FaultyStage) -> list[str]:
    """List what was asked of RDS in a night and is not in the table."""
    made = [call for call in stage.made if call.service == "rds"]
    return [
        f"{call.method} {member}"
        for call in made
        if not call.method.startswith(READS)
        for member in call.parameters
        if member not in KNOWN.get(call.method, ())
    ]


@pytest.mark.parametrize("settings", [{}, SETTINGS])
def test_a_night_asks_nothing_that_an_sdk_of_2025_does_not_know(settings: dict[str, str]) -> None:
    """No request has a member that botocore of 2025 lacks and would refuse half-way."""
    stage = FaultyStage(settings)
    protect(stage)
    stage.run_night()

    assert [] == unknown_members(stage)


def test_a_rerun_asks_nothing_that_an_sdk_of_2025_does_not_know(stage: FaultyStage) -> None:
    """The changes of a cluster that an earlier run made included."""
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    failed = stage.run_night()
    stage.environment |= {"LOG_EXPORTS": "instance", "DELETION_PROTECTION": "true"}
    again(stage, failed.operation_id)
    sent = {member for call in stage.calls_of("modify_db_cluster") for member in call.parameters}

    assert ([], True) == (unknown_members(stage), "CloudwatchLogsExportConfiguration" in sent)
