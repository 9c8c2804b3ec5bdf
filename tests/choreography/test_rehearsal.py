"""What AWS would refuse after the old target is gone is met before, and the old target stays."""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import REHEARSING, FaultyStage


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("rds.restore_db_cluster_from_snapshot", "AccessDenied"),
        ("rds.restore_db_cluster_from_snapshot", "InvalidParameterCombination"),
        ("rds.restore_db_cluster_from_snapshot", "KMSKeyNotAccessibleFault"),
        ("rds.create_db_instance", "AccessDenied"),
        ("rds.delete_db_cluster", "AccessDenied"),
        ("rds.delete_db_cluster", "InvalidParameterCombination"),
    ],
)
def test_a_refusal_leaves_people_the_old_target(call: str, code: str) -> None:
    """The operation fails, and neither the cluster nor an instance of it was deleted."""
    stage = FaultyStage()
    stage.inject(refused(code), call=call, times=99)
    ended = stage.run_night()
    (target,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert State.FAILED == ended.state
    assert ended.facts.target.old is not None
    assert ended.facts.target.old.resource_id == target["DbClusterResourceId"]
    assert 2 == len(target["DBClusterMembers"])
    assert [] == stage.calls_of("delete_db_instance")


def test_a_restore_that_begins_because_the_old_target_vanished_is_adopted() -> None:
    """Somebody deletes the target in the moment of the rehearsal: the new one is made at once."""
    stage = FaultyStage()
    stage.night()
    stage.reach(State.NETWORK_REACHED)
    rds = stage.rds()
    for number in (2, 1):  # the reader first
        rds.delete_db_instance(DBInstanceIdentifier=f"staging-cluster-{number}")
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    stage.settle(3600)
    stage.beat()
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state, ended.reason
    assert ["NETWORK_REACHED", "CLUSTER_RESTORING"] == stage.path()[5:7]
    assert 1 == len(stage.calls_of("restore_db_cluster_from_snapshot"))
    assert TARGET_REGION in str(ended.facts.target.cluster_arn)


def test_each_instance_is_tried_by_the_function_that_will_create_it() -> None:
    """Their roles differ: restore-snapshot makes the writer, setup-db-users the readers."""
    stage = FaultyStage()
    stage.run_night()
    tried = [call for call in stage.calls_of("create_db_instance") if call.state in REHEARSING]

    assert [("setup-db-users", "staging-cluster-2"), ("restore-snapshot", "staging-cluster-1")] == [
        (call.step, call.parameters["DBInstanceIdentifier"]) for call in tried
    ]


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidParameterCombination"])
def test_a_reader_that_would_be_refused_leaves_people_the_old_target(code: str) -> None:
    """Nothing is deleted, and after the remedy the night goes on."""
    stage = FaultyStage()
    stage.inject(refused(code), step="setup-db-users", call="rds.create_db_instance", times=99)
    ended = stage.run_night()

    assert (State.FAILED, State.PREFLIGHT_PASSED) == (ended.state, ended.stopped_at)
    assert (ended.reason or "").startswith("The old target was left as it is, because the restore")
    assert [] == stage.calls_of("delete_db_instance", "delete_db_cluster")


def test_a_reader_whose_name_is_free_is_not_tried() -> None:
    """It would be created: the old target has one instance less than the new one gets."""
    stage = FaultyStage({"INSTANCE_COUNT": "3"})
    stage.run_night()
    tried = [call for call in stage.calls_of("create_db_instance") if call.state in REHEARSING]

    assert {"staging-cluster-1", "staging-cluster-2"} == {
        call.parameters["DBInstanceIdentifier"] for call in tried
    }
