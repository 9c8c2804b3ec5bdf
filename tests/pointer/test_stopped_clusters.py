"""Pointers that go back to a cluster which somebody has stopped or lost meanwhile."""

from collections.abc import Callable

from chalicelib.aws.statuses import RECOVERABLE
from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import A, B, PointerStage
from tests.swap.swap_stage import first_and_second


def refused_after(trouble: Callable[[], object], stage: PointerStage) -> State:
    """Have the pointers of a second night be refused after something happened to the old cluster.

    Gives the state in which the night has ended.
    """
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.night()
    stage.reach(State.USERS_READY)
    stage.run(60)
    trouble()
    call = "ssm.put_parameter"
    stage.inject(refused("AccessDenied"), state="TARGET_PROVEN", call=call, times=99)
    return stage.run_until_ended(2).state


def noticed() -> PointerStage:
    """Give a stage in which a notice of some minutes precedes each replacement."""
    return PointerStage(NOTICE_MINUTES="20", DELETE_DEADLINE="7200")


def test_pointers_go_back_to_a_stopped_cluster_when_it_runs() -> None:
    """A cost scheduler stopped the old one meanwhile; people are sent to it once it runs."""
    stage = noticed()
    ended = refused_after(lambda: stage.rds().stop_db_cluster(DBClusterIdentifier=A), stage)
    (old,) = stage.rds().describe_db_clusters(DBClusterIdentifier=A)["DBClusters"]

    assert (State.FAILED, "available") == (ended, old["Status"])
    assert {A} == set(stage.pointed().values())


def test_pointers_stay_with_the_new_cluster_where_the_old_one_has_lost_its_key() -> None:
    """It serves nobody, and the new one was proven."""
    stage = noticed()
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{A}"
    ended = refused_after(lambda: stage.aurora.set_status(arn, RECOVERABLE), stage)

    assert State.FAILED is ended
    assert {B} == set(stage.pointed().values())
