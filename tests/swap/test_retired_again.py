"""Reruns of what is no restore: the deletion of a previous target, and a rollback.

None of them ever becomes a restore.
"""

import re

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, STEPS, State
from chalicelib.flow.operation import Kind, Operation
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
ANY_STEP = [{}, *({"from_step": step} for step in STEPS[::3])]
HOUR = 3600


def asked_again(stage: SwapStage, retirement: Operation, **detail: str) -> Operation | None:
    """Ask for a rerun; returns the record of what it began, if anything."""
    before = {found.operation_id for found in stage.all_operations()}
    stage.request(REQUESTED, rerun_of=retirement.operation_id, **detail)
    begun = [found for found in stage.all_operations() if found.operation_id not in before]
    return begun[-1] if begun else None


def failed_retirement(stage: SwapStage) -> Operation:
    """Let AWS refuse the deletion of a previous target."""
    stage.inject(refused("AccessDenied"), call="rds.delete_db_cluster", times=99)
    first_and_second(stage)
    stage.run(14 * HOUR)
    (failed,) = stage.retirements()
    assert State.FAILED is failed.state
    stage.call_faults.clear()
    return failed


def test_the_hours_in_which_a_cluster_is_kept_are_no_work_of_ours() -> None:
    """The notification of a retirement tells its time, most of which was only waiting."""
    failed = failed_retirement(SwapStage())
    kept, *_ = failed.durations

    assert State.PREVIOUS_KEPT is kept.state
    assert kept.seconds >= 11 * HOUR
    assert kept.own_seconds < 60


@pytest.mark.parametrize("detail", ANY_STEP, ids=str)
def test_a_rerun_of_a_retirement_deletes_the_same_cluster(detail: dict[str, str]) -> None:
    """Whatever step it names, it asks first whether the cluster may be deleted."""
    stage = SwapStage()
    failed = failed_retirement(stage)
    target = stage.standing()[TARGET]
    begun = asked_again(stage, failed, **detail)
    assert begun is not None
    first = stage.trail(begun.operation_id)[0]["what"]
    stage.run(HOUR)

    assert (Kind.RETIRE, failed.facts.target.old) == (begun.kind, begun.facts.target.old)
    assert first == f"{failed.operation_id} again, from PREVIOUS_KEPT"
    assert State.RETIRED is stage.retirements()[-1].state
    assert {TARGET: target} == stage.standing()
    assert 1 == len(stage.restores())


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
@pytest.mark.parametrize("detail", ANY_STEP, ids=str)
def test_a_retirement_that_ended_well_is_not_run_again(
    stage_of: type[SwapStage], detail: dict[str, str]
) -> None:
    """There is nothing left to delete: nothing is copied, and nothing restored."""
    stage = stage_of()
    first_and_second(stage)
    stage.run(20 * HOUR)
    (retired,) = stage.retirements()
    standing, copies = stage.standing(), len(stage.calls_of("copy_db_cluster_snapshot"))
    begun = asked_again(stage, retired, **detail)
    stage.run(6 * HOUR)

    assert (State.RETIRED, None) == (retired.state, begun)
    assert "ended well; nothing is left to delete" in stage.notices()[-1]["text"]
    assert (standing, copies) == (stage.standing(), len(stage.calls_of("copy_db_cluster_snapshot")))


def test_a_retirement_that_is_open_is_not_run_again() -> None:
    """It deletes the cluster itself when its time is over."""
    stage = SwapStage()
    first_and_second(stage)
    (retirement,) = stage.retirements()

    assert asked_again(stage, retirement, from_step="delete-rds") is None
    assert "has not ended" in stage.notices()[-1]["text"]


@pytest.mark.parametrize("detail", ANY_STEP, ids=str)
def test_a_cancelled_retirement_can_be_asked_for_after_all(detail: dict[str, str]) -> None:
    """The cluster that people kept is deleted once they ask for that."""
    stage = SwapStage()
    _, new = first_and_second(stage)
    stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[0].operation_id)
    stage.run(HOUR)
    asked_again(stage, stage.retirements()[0], **detail)
    stage.run(HOUR)

    assert [State.CANCELLED, State.RETIRED] == [found.state for found in stage.retirements()]
    assert {TARGET: new} == stage.standing()


@pytest.mark.parametrize("detail", ANY_STEP, ids=str)
def test_the_target_is_never_deleted_by_an_older_retirement(detail: dict[str, str]) -> None:
    """A rollback made the previous target the target again, and its retirement ended by itself."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    stage.run(20 * HOUR)
    asked_again(stage, stage.retirements()[0], **detail)
    stage.run(HOUR)

    assert State.CANCELLED is stage.retirements()[-1].state
    assert {TARGET: old} == stage.standing()
    assert 2 == len(stage.restores())


def test_the_notice_of_a_failed_retirement_ends_with_a_command_that_works() -> None:
    """It names the step, and deletes the cluster."""
    stage = SwapStage()
    failed_retirement(stage)
    target = stage.standing()[TARGET]
    go_on(stage, stage.notices()[-1]["text"])
    stage.run(HOUR)

    assert State.RETIRED is stage.retirements()[-1].state
    assert {TARGET: target} == stage.standing()


def test_a_cancelled_retirement_leaves_nothing_to_do() -> None:
    """Its notice does not propose to delete what people asked to keep."""
    stage = SwapStage()
    first_and_second(stage)
    stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[0].operation_id)
    stage.run(HOUR)
    text = stage.notices()[-1]["text"]

    assert "is kept. Cancelled on request" in text
    assert "Nothing has to be done." in text
    assert "aws events put-events" not in text


def test_a_previous_target_that_came_back_leaves_nothing_to_do() -> None:
    """Its retirement proposes neither to delete the target nor to try that again."""
    stage = SwapStage()
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    stage.run(13 * HOUR)
    (text,) = [found["text"] for found in stage.notices() if "target again" in found["text"]]

    assert "Nothing has to be done." in text
    assert "aws events put-events" not in text


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_the_notice_of_a_rollback_leads_back_and_forth(stage_of: type[SwapStage]) -> None:
    """Each notice's command takes back what the notice is about."""
    stage = stage_of()
    first_and_second(stage)
    standing = [stage.standing()]
    for count in (2, 3, 4):
        text = stage.notices()[-1]["text"]
        (command,) = re.findall(r"^To go back to it.*?: (aws events .*)$", text, re.MULTILINE)
        go_on(stage, command)
        ended = stage.run_until_ended(count)
        assert (Kind.ROLLBACK, State.SUCCEEDED) == (ended.kind, ended.state), ended.reason
        assert stage.restores()[-2].operation_id == ended.rolls_back
        standing.append(stage.standing())

    present = [stage.restores()[n].facts.target.cluster_resource_id for n in range(4)]
    assert present[0] == present[2] != present[1] == present[3]
    assert standing[1] == standing[3]


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_a_cluster_that_a_rerun_deletes_is_not_brought_back(stage_of: type[SwapStage]) -> None:
    """The rerun decides about it, as the first operation did."""
    stage = stage_of()
    failed = failed_retirement(stage)
    begun = asked_again(stage, failed)
    assert begun is not None
    while stage.retirements()[-1].state is not State.PREVIOUS_DELETING:
        stage.deliver() if stage.queue else stage.step_time()
    stage.ask_back(stage.restores()[0])

    assert "is being deleted." in stage.notices()[-1]["reason"]
    assert 1 == len(stage.restores())


def test_a_rerun_that_people_cancel_is_the_one_that_a_night_names() -> None:
    """They kept the cluster, so nothing has failed."""
    stage = SwapStage()
    failed = failed_retirement(stage)
    stage.disabled = {"delete-rds"}
    begun = asked_again(stage, failed)
    assert begun is not None
    stage.request(CANCEL_REQUESTED, operation_id=begun.operation_id)
    stage.disabled = set()
    stage.run(HOUR)
    ended = stage.run_night()

    assert State.CANCELLED is stage.retirements()[-1].state
    assert State.FAILED is ended.state
    assert "no operation of ours will delete it." in (ended.reason or "")
    assert "failed to" not in (ended.reason or "")


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_a_rerun_of_an_older_retirement_deletes_nothing_that_people_keep(
    stage_of: type[SwapStage], is_gone: bool
) -> None:
    """The younger one, which they cancelled, goes on deciding about the cluster."""
    stage = stage_of(KEEP_PREVIOUS_HOURS="60")
    old, _ = first_and_second(stage)
    first = stage.retirements()[0]
    stage.request(CANCEL_REQUESTED, operation_id=first.operation_id)
    for count in (2, 3):
        stage.ask_back(stage.restores()[-1])
        assert State.SUCCEEDED is stage.run_until_ended(count).state
    last = stage.retirements()[-1]
    stage.request(CANCEL_REQUESTED, operation_id=last.operation_id)
    stage.run(HOUR)
    if is_gone:  # the record of the younger one
        del stage.store.tables["state"][last.operation_id]
    asked_again(stage, first)
    stage.run(HOUR)
    ended = stage.retirements()[-1]

    assert (first.operation_id, State.CANCELLED) == (ended.rerun_of, ended.state)
    assert f"{last.operation_id} decides about it." in (ended.reason or "")
    assert old in stage.standing().values()


def replaced_again(stage: SwapStage) -> tuple[Operation, Operation]:
    """Go back to a previous target, and forth again: two retirements of one cluster are open."""
    first_and_second(stage)
    stage.run(HOUR)
    for count in (2, 3):
        stage.ask_back(stage.restores()[-1])
        assert State.SUCCEEDED is stage.run_until_ended(count).state
    older, _, younger = stage.retirements()
    assert older.facts.target.old == younger.facts.target.old
    return older, younger


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_the_cancellation_of_an_outdated_retirement_names_the_one_that_decides(
    stage_of: type[SwapStage],
) -> None:
    """It would keep nothing. The command of the refusal keeps the cluster."""
    stage = stage_of(KEEP_PREVIOUS_HOURS="24")
    older, younger = replaced_again(stage)
    standing = stage.standing()
    stage.request(CANCEL_REQUESTED, operation_id=older.operation_id)
    told = stage.notices()[-1]

    assert told["reason"].startswith(
        f"The operation {older.operation_id} no longer deletes anything: {younger.operation_id} "
    )
    go_on(stage, told["remedy"])
    stage.run(60 * HOUR)
    assert State.CANCELLED is stage.retirements()[-1].state
    assert standing == stage.standing()


def test_a_retirement_whose_cluster_is_the_target_again_has_nothing_to_cancel() -> None:
    """No notice confirms that the cluster is kept as a previous target."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    count = len(stage.notices())
    stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[0].operation_id)
    (told,) = stage.notices()[count:]

    assert f"no longer deletes anything: its cluster, {old}, is the target again." in told["reason"]
    assert "Nothing has to be done." == told["remedy"]


def test_a_decision_that_was_made_already_can_be_changed_by_its_own_command() -> None:
    """People cancelled the younger retirement; they cancel the older one, and have the cluster
    deleted then by the command of the refusal.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="24")
    older, younger = replaced_again(stage)
    stage.request(CANCEL_REQUESTED, operation_id=younger.operation_id)
    stage.run(HOUR)
    stage.request(CANCEL_REQUESTED, operation_id=older.operation_id)
    go_on(stage, stage.notices()[-1]["remedy"])
    stage.run(HOUR)

    assert State.RETIRED is stage.retirements()[-1].state
    assert PREVIOUS not in stage.standing()
