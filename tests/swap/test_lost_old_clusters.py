"""Rollbacks whose old cluster is lost meanwhile: the new one has the name, rather than nobody."""

from chalicelib.aws.statuses import RECOVERABLE
from chalicelib.flow.choreography import CANCEL_REQUESTED, State
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.refusals.refused_swaps import kept_out
from tests.swap.swap_stage import NAMES, SwapStage
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES


def renamed() -> tuple[SwapStage, Operation, str, str]:
    """Let a night come to the proof at the name."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    operation = stage.reach(State.TARGET_RENAMED)
    return stage, operation, old, stage.standing()[TARGET]


def lose(stage: SwapStage, status: str) -> None:
    """Have the parked old cluster get a status."""
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{PREVIOUS}"
    stage.aurora.set_status(arn, status)


def test_a_cancellation_takes_no_name_for_a_cluster_that_failed() -> None:
    """The old one failed while it was parked; people are told that the new one has the name."""
    stage, operation, _, new = renamed()
    lose(stage, "failed")
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(1)

    assert (State.CANCELLED, new) == (ended.state, stage.standing()[TARGET])
    assert "Nothing has to be done" not in str(ended.remedy)
    assert "cannot be used, so the new cluster has the name" in str(ended.remedy)


def test_a_cluster_whose_key_is_enabled_again_gets_its_name_back_by_hand() -> None:
    """The night fails at the name, without the key of the old cluster; a key is enabled later."""
    stage, _, old, new = renamed()
    lose(stage, RECOVERABLE)
    kept_out(stage)
    ended = stage.run_until_ended(1)
    left = stage.standing()
    lose(stage, "stopped")
    follow(stage, "To give the old cluster its name back, once its key is enabled: ")

    assert (State.FAILED, new) == (ended.state, left[TARGET])
    assert old == stage.standing()[TARGET]


def test_a_new_cluster_that_cannot_get_the_name_gets_it_by_hand() -> None:
    """The old one loses its key between the two renames, and AWS refuses the second one, which the
    rollback asks for, too.
    """
    stage = SwapStage()
    stage.night()
    stage.reach(State.SWAPPING)
    waiting = list(stage.queue)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, NewDBClusterIdentifier=PREVIOUS, ApplyImmediately=True
    )
    stage.settle(600)
    lose(stage, RECOVERABLE)
    stage.queue.extend(waiting)
    stage.inject(refused("AccessDenied"), call="rds.modify_db_cluster", times=99)
    ended = stage.run_until_ended(1)
    stage.call_faults.clear()
    new = stage.standing()[NEXT]
    follow(stage, "To give the new cluster the name: ")

    assert State.FAILED is ended.state
    assert new == stage.standing()[TARGET]
