"""What a deployment and the doctor judge is what an operation would restore."""

from aurora_restore.plan_view import PlanView
from chalicelib.runtime import plans
from chalicelib.settings import DEFAULT_PLAN
from simulation.stage import SOURCE_REGION, SimulatedStage


def test_a_manual_snapshot_with_the_prefix_is_the_newest_as_it_is_for_an_operation() -> None:
    """A manual snapshot with the prefix starts an operation, so the doctor checks its version and
    key.
    """
    stage = SimulatedStage()
    stage.night()
    stage.settle()
    path = "/aurora-restore/test/snapshot-prefix"
    stage.parameters.put_parameter(Name=path, Value="release-")
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="release-7"
    )
    stage.settle()
    ports = stage.ports()
    plan = plans.plan(ports, DEFAULT_PLAN)
    assert plan is not None
    snapshot = PlanView(ports, plan).snapshot

    assert snapshot is not None
    assert "release-7" == snapshot.identifier
