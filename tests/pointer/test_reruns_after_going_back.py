"""Restores that began before people went back to a target of its own name: what they replace."""

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.flow.operation import Operation
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import TARGET, PointerStage
from tests.swap.swap_stage import first_and_second


def second_night() -> tuple[PointerStage, str]:
    """Begin the night after the first success; gives the id of the target before that, too."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    adopted, _ = first_and_second(stage)
    stage.run(20 * 3600)
    stage.night()
    return stage, adopted


def gone_back(stage: PointerStage) -> Operation:
    """Let the night end, go back to the target of before; gives the night's operation."""
    failed = stage.run_until_ended(2)
    stage.call_faults.clear()
    stage.ask_back(stage.restores()[0])
    assert (State.FAILED, State.SUCCEEDED) == (failed.state, stage.run_until_ended(3).state)
    return failed


def old_of(operation: Operation) -> str | None:
    """Give the id of the cluster that an operation replaces."""
    old = operation.facts.target.old
    return old.resource_id if old else None


def test_a_rerun_replaces_the_target_that_people_went_back_to() -> None:
    """The operation had made no cluster yet, and the one that it was to replace is the previous."""
    stage, adopted = second_night()
    call = "rds.restore_db_cluster_from_snapshot"
    stage.inject(refused("InvalidParameterValue"), step="restore-snapshot", call=call, times=9)
    failed = gone_back(stage)
    stage.request(REQUESTED, rerun_of=failed.operation_id)
    ended = stage.run_until_ended(4)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert (adopted, State.SNAPSHOT_READY) == (old_of(ended), ended.durations[0].state)
    assert adopted != old_of(failed)


def test_a_rerun_that_would_make_two_clusters_is_refused() -> None:
    """A new request restores the same snapshot, and replaces the present target."""
    stage, adopted = second_night()
    stage.reach(State.USERS_READY)
    trouble, call = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(trouble, step="swap-target", call=call, times=9)
    failed = gone_back(stage)
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(600)
    notice = stage.notices()[-1]

    assert (3, stage.all_name(TARGET)) == (len(stage.restores()), stage.pointed())
    assert f"The target is {TARGET} by now" in notice["reason"]
    arn = failed.facts.snapshot.arn
    assert f"snapshot_identifier {arn}" in notice["remedy"]
    stage.request(REQUESTED, request_id="anew", snapshot_identifier=arn)
    ended = stage.run_until_ended(4)
    assert State.SUCCEEDED is ended.state, ended.reason
    assert adopted == old_of(ended)
