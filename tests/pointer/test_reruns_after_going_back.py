"""A rerun of what began before people went back to a target of its own name."""

from chalicelib.flow.choreography import REQUESTED, State
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import TARGET, PointerStage
from tests.swap.swap_stage import first_and_second


def test_a_rerun_that_would_make_two_clusters_is_refused() -> None:
    """A new request restores the same snapshot, and replaces the target that people went back to.

    A failure of the rerun would have led them to the cluster that they left.
    """
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    adopted, _ = first_and_second(stage)
    stage.run(20 * 3600)
    stage.night()
    stage.reach(State.USERS_READY)
    trouble, call = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(trouble, step="swap-target", call=call, times=9)
    failed = stage.run_until_ended(2)
    stage.call_faults.clear()
    stage.ask_back(stage.restores()[0])
    assert (State.FAILED, State.SUCCEEDED) == (failed.state, stage.run_until_ended(3).state)
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(600)
    notice, arn = stage.notices()[-1], failed.facts.snapshot.arn

    assert (3, stage.all_name(TARGET)) == (len(stage.restores()), stage.pointed())
    assert f"The target is {TARGET} by now" in notice["reason"]
    assert f"snapshot_identifier {arn}" in notice["remedy"]
    stage.request(REQUESTED, request_id="anew", snapshot_identifier=arn)
    ended = stage.run_until_ended(4)
    assert State.SUCCEEDED is ended.state, ended.reason
    assert ended.facts.target.old is not None
    assert adopted == ended.facts.target.old.resource_id
