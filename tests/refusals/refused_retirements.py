"""What keeps a previous target until a person has done the remedy."""

from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    REQUESTED,
    ROLLBACK_REQUESTED,
    State,
)
from chalicelib.flow.operation import Operation
from tests.choreography.fault_injection import after_the_first, refused
from tests.refusals.remedies import go_on, mended, typed
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, _, PREVIOUS = NAMES
HOUR = 3600


def endpoints_left() -> tuple[str, str]:
    """Let a night fail before it moves an endpoint; then move it, and repeat the retirement."""
    stage = SwapStage()
    rds, endpoint = stage.rds(), "analytics"

    def create() -> None:
        rds.create_db_cluster_endpoint(
            DBClusterEndpointIdentifier=endpoint, DBClusterIdentifier=TARGET, EndpointType="ANY"
        )
        stage.settle(600)

    create()
    stage.night()
    stage.reach(State.TARGET_OPEN)
    denied, asked = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(denied, step="archive-snapshot", call=asked, times=9)
    stage.run_until_ended(1)
    stage.call_faults.clear()
    stage.run(20 * HOUR)
    (failed,) = stage.retirements()
    rds.delete_db_cluster_endpoint(DBClusterEndpointIdentifier=endpoint)
    stage.settle(600)
    create()
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(HOUR)
    assert State.RETIRED is stage.retirements()[-1].state
    assert PREVIOUS not in stage.standing()
    return str(failed.reason), str(failed.remedy)


def half_deleted() -> tuple[str, str]:
    """Ask for a previous target of which a retirement has deleted the instances and then failed.

    Then have that finished, and restore the snapshot of that time.
    """
    stage = SwapStage()
    first_and_second(stage)
    denied = after_the_first(refused("AccessDenied", 403))
    stage.inject(denied, call="rds.delete_db_cluster", times=99)
    stage.run(14 * HOUR)
    stage.call_faults.clear()
    last = stage.notices()[-1]["text"]
    stage.ask_back(stage.restores()[0])
    refusal = stage.notices()[-1]
    go_on(stage, last)
    stage.run(HOUR)
    assert State.RETIRED is stage.retirements()[-1].state
    arn = stage.restores()[0].facts.snapshot.arn
    stage.request(REQUESTED, snapshot_identifier=arn)
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    return refusal["reason"], refusal["remedy"]


def being_replaced() -> tuple[str, str]:
    """Ask for the previous target while a rollback to it gives the clusters their names."""
    stage = SwapStage()
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.reach(State.SWAPPING)
    stage.request(
        ROLLBACK_REQUESTED, operation_id=stage.restores()[0].operation_id, request_id="twice"
    )
    stage.deliver()
    refusal = next(notice for notice in stage.notices() if " replaces " in (notice["reason"] or ""))
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert old == stage.standing()[TARGET]
    stage.ask_back(stage.restores()[1])
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    assert new == stage.standing()[TARGET]
    return refusal["reason"], refusal["remedy"]


def outdated() -> set[tuple[str, str]]:
    """Cancel a retirement whose cluster is the target again; and, when a younger one decides about
    it, before and after the end of that one, and without its record.

    Each time, do what the refusal says.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(HOUR)
    (older,) = stage.retirements()
    stage.ask_back(stage.restores()[-1])
    stage.run_until_ended(2)
    told = {_cancelled(stage, older)}
    stage.ask_back(stage.restores()[-1])
    stage.run_until_ended(3)
    told.add(_cancelled(stage, older))
    go_on(stage, stage.notices()[-1]["remedy"])
    stage.run(HOUR)
    younger = stage.retirements()[-1]
    assert State.CANCELLED is younger.state
    record = stage.store.tables["state"].pop(younger.operation_id)
    told.add(_cancelled(stage, older))
    stage.store.tables["state"][younger.operation_id] = record
    told.add(_cancelled(stage, older))
    go_on(stage, stage.notices()[-1]["remedy"])
    stage.run(HOUR)
    assert State.RETIRED is stage.retirements()[-1].state
    return told


def names_of_instances(*, is_cancelled: bool) -> tuple[str, str]:
    """Change to delete-first while a previous target has the names of the new instances.

    Then have it deleted by the commands of the remedy.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(HOUR)
    if is_cancelled:
        stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[0].operation_id)
        stage.run(HOUR)
    stage.environment["REPLACEMENT"] = "delete-first"
    failed = stage.run_night()
    return mended(stage, failed, lambda it: typed(it, str(failed.remedy)))


def _cancelled(stage: SwapStage, retirement: Operation) -> tuple[str, str]:
    """Ask for the end of a retirement, which is refused."""
    stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
    return stage.notices()[-1]["reason"], stage.notices()[-1]["remedy"]
