"""The days of backups are the plan's from the restore on, and cost no change of their own."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.run_night import FaultyStage

MEMBER = "BackupRetentionPeriod"


def requested(stage: FaultyStage, method: str) -> list[Any]:
    """List the days that each call of a method asked for."""
    return [call.parameters.get(MEMBER) for call in stage.calls_of(method)]


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
@pytest.mark.parametrize("days", [1, 14])
def test_the_restore_gives_the_days_of_backups(days: int, replacement: str) -> None:
    """The restore gives them, no later change does, and the target has them."""
    stage = FaultyStage({"BACKUP_RETENTION_DAYS": str(days), "REPLACEMENT": replacement})
    stage.run_night()
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]

    assert State.SUCCEEDED == stage.all_operations()[0].state
    assert {days} == {*requested(stage, "restore_db_cluster_from_snapshot")}
    assert {None} == {*requested(stage, "modify_db_cluster")}
    assert days == found[MEMBER]
