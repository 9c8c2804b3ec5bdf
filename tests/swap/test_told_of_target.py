"""What people are told of the target where an operation stopped: what stands, and what to do."""

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.flow.operation import Operation
from simulation.stage import SimulatedStage
from tests.choreography.fault_injection import after_the_first, refused
from tests.choreography.requests import remove_target
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

NEXT, PREVIOUS = NAMES[1:]
HOUR = 3600


class DeletingStage(SwapStage):
    """A stage whose target is deleted before the next one is made."""

    def __init__(self, *, staging: bool = True) -> None:
        super().__init__(REPLACEMENT="delete-first", staging=staging)


EVERY_STAGE = (SwapStage, PointerStage, DeletingStage)
KEEPING_STAGES = (SwapStage, PointerStage)


def told(stage: SimulatedStage) -> str:
    """Give the text of the last notice."""
    return str(stage.notices()[-1]["text"])


def fail(stage: SwapStage, state: State, *, call: str, count: int) -> Operation:
    """Let AWS deny a call in a state, until as many operations have ended."""
    stage.inject(refused("AccessDenied"), state=state, call=call, times=99)
    ended = stage.run_until_ended(count)
    stage.call_faults.clear()
    assert (State.FAILED, state) == (ended.state, ended.stopped_at)
    return ended


@pytest.mark.parametrize("make", EVERY_STAGE)
@pytest.mark.parametrize(
    ("state", "call", "what"),
    [
        (State.RESTORED, "rds.", "may be changed already."),
        (State.USERS_READY, "rds.", "are set up."),
        (State.TARGET_OPEN, "rds.describe_db_instances", "are set up."),
    ],
)
def test_a_repeated_step_speaks_of_no_new_cluster(
    make: type[SwapStage], state: State, call: str, what: str
) -> None:
    """It works on the cluster that people use, which no operation replaces meanwhile."""
    stage = make()
    first = stage.run_night()
    detail = {"rerun_of": first.operation_id, "from_step": "setup-db-users"}
    stage.request(REQUESTED, **detail)
    fail(stage, state, call=call, count=2)
    (line,) = [one for one in told(stage).splitlines() if one.startswith("No cluster was replaced")]

    assert line.endswith(what)
    assert f" on {first.new_cluster_id} " in line
    assert "new cluster" not in told(stage)
    assert "as it was" not in told(stage)
    assert "worked on the copy" not in told(stage)


@pytest.mark.parametrize("make", KEEPING_STAGES)
def test_a_rollback_that_fails_after_the_opening_says_which_cluster_is_the_target(
    make: type[SwapStage],
) -> None:
    """It is the previous one; the command of the notice brings back the one that it replaced."""
    stage = make()
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    fail(stage, State.TARGET_OPEN, call="rds.describe_db_instances", count=2)
    text = told(stage)
    assert old in [*stage.standing().values()]
    go_on(stage, text)
    ended = stage.run_until_ended(3)

    assert f"The previous cluster is the target again: {NAMES[0]}, {old}." in text
    assert f"({new}), is kept until 2" in text
    assert "new cluster" not in text
    assert 1 == text.count("aws events put-events")
    assert (State.SUCCEEDED, new) == (ended.state, ended.facts.target.cluster_resource_id)


@pytest.mark.parametrize("make", KEEPING_STAGES)
def test_a_rollback_that_is_undone_calls_no_cluster_old_or_new(make: type[SwapStage]) -> None:
    """The previous target is the older of the two, and has production's logins closed for long."""
    stage = make()
    first_and_second(stage)
    stage.run(20 * HOUR)
    second = stage.run_night()
    state = State.TARGET_PROVEN if make is PointerStage else State.SWAPPING
    call = "ssm.put_parameter" if make is PointerStage else "rds.modify_db_cluster"
    stage.ask_back(second)
    fail(stage, state, call=call, count=3)
    text = told(stage)

    assert "After undoing that, the p" in text
    assert "old cluster" not in text
    assert "new cluster" not in text


def test_nothing_is_said_to_be_undone_before_the_pointers_were_moved() -> None:
    """The target and the new cluster are both named."""
    stage = PointerStage()
    first = stage.run_night()
    stage.run(20 * HOUR)
    stage.night()
    stage.reach(State.TARGET_CHOSEN)
    operation = stage.restores()[-1]
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    stage.run_until_ended(2)
    made = operation.new_cluster_id
    expected = (
        f"did not change the target, {first.new_cluster_id}. The new cluster, {made}, is kept"
    )

    assert expected in told(stage)


@pytest.mark.parametrize("make", EVERY_STAGE)
def test_no_target_is_said_to_be_as_it_was_where_there_was_none(make: type[SwapStage]) -> None:
    """The first restore of a stage fails."""
    stage = make(staging=False)
    stage.night()
    fail(stage, State.TARGET_CLEAR, call="rds.restore_db_cluster_from_snapshot", count=1)

    assert "There is no target" in told(stage)
    assert "as it was" not in told(stage)
    assert "the old one is gone" not in told(stage)


def test_a_new_cluster_in_place_of_the_old_one_is_said_to_have_its_name() -> None:
    """People are without a target until the operation is run again."""
    stage = DeletingStage()
    stage.night()
    fail(stage, State.USERS_READY, call="rds.", count=1)

    assert "The new cluster has the name staging-cluster. Its users are set up." in told(stage)


@pytest.mark.parametrize("make", KEEPING_STAGES)
def test_people_who_keep_a_previous_target_are_told_what_that_means(make: type[SwapStage]) -> None:
    """It stays for ever, and may stop the next restore."""
    stage = make()
    old, _ = first_and_second(stage)
    (retirement,) = stage.retirements()
    stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
    stage.run(600)
    text = told(stage)

    assert f"{retirement.previous_id} ({old}), is kept. Cancelled on request" in text
    assert "It stays, and costs money, until it is deleted." in text
    assert ("The next restore that needs its name is refused" in text) is (make is SwapStage)


def test_a_previous_target_that_aws_deletes_already_is_not_said_to_be_kept() -> None:
    """The cancellation came too late for the cluster."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    (retirement,) = stage.retirements()
    rds = stage.rds()
    while rds.describe_db_clusters(DBClusterIdentifier=PREVIOUS)["DBClusters"][0]["Status"] != (
        "deleting"
    ):
        stage.step_time()
        stage.deliver()
    stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
    stage.run(600)
    text = told(stage)

    assert f"The deletion of the previous target, {PREVIOUS} ({old}), was stopped." in text
    assert "AWS is deleting it, and cannot be stopped any more." in text
    assert "aws events" not in text


def test_a_deletion_that_was_cancelled_half_way_is_told_with_the_way_to_finish_it() -> None:
    """AWS was asked for it and denied the cluster itself, so nobody can go back to that."""
    stage = SwapStage()
    first_and_second(stage)
    (retirement,) = stage.retirements()
    throttled = after_the_first(refused("Throttling"))
    stage.inject(throttled, call="rds.delete_db_cluster", times=99)
    while stage.retirements()[0].state is not State.PREVIOUS_DELETING:
        stage.step_time()
        stage.deliver()
    stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
    stage.run(600)
    stage.call_faults.clear()
    text = told(stage)
    go_on(stage, text)
    stage.run(HOUR)

    assert "some of its instances may be gone" in text
    assert State.RETIRED is stage.retirements()[-1].state
    assert PREVIOUS not in stage.standing()


@pytest.mark.parametrize("make", EVERY_STAGE)
@pytest.mark.parametrize("has_target", [False, True])
def test_nothing_is_claimed_of_a_target_that_was_not_looked_at(
    make: type[SwapStage], *, has_target: bool
) -> None:
    """A night that fails while it copies does not know whether there is one."""
    stage = make(staging=has_target)
    stage.inject(refused("AccessDenied"), call="rds.copy_db_cluster_snapshot", times=9)
    assert State.FAILED is stage.run_night().state

    assert "as it was" not in told(stage)
    assert "did not change the target." in told(stage)


@pytest.mark.parametrize("make", KEEPING_STAGES)
def test_a_target_that_somebody_deleted_meanwhile_is_not_said_to_stand(
    make: type[SwapStage],
) -> None:
    """The operation fails before it would have replaced it."""
    stage = make()
    stage.night()
    stage.reach(State.RESTORED)
    remove_target(stage)
    fail(stage, State.RESTORED, call="rds.", count=1)

    assert "as it was" not in told(stage)
    assert "This operation did not change the target" in told(stage)
