"""Previous targets after rollbacks and during notices: who keeps one, and who deletes it."""

from collections.abc import Callable

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.flow.errors import NOTHING_TO_DO
from chalicelib.messages.publishing import announce
from tests.choreography.requests import remove_target
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.refused_swaps import renamed
from tests.refusals.remedies import typed
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
STAGES = (SwapStage, PointerStage)
HOUR = 3600


def rolled_back(stage: SwapStage) -> tuple[str, str]:
    """Roll a night back after an hour: gives the ids of the target and of what was replaced."""
    old, new = first_and_second(stage)
    stage.run(HOUR)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)
    assert State.SUCCEEDED is ended.state, ended.reason
    return old, new


def cancel_the_last_retirement(stage: SwapStage) -> str:
    """Keep the cluster that was replaced last, as people do."""
    retirement = stage.retirements()[-1].operation_id
    stage.request(CANCEL_REQUESTED, operation_id=retirement)
    stage.run(600)
    return retirement


@pytest.mark.parametrize("protected", [True, False])
def test_a_cluster_that_people_keep_after_a_rollback_stops_the_next_night(
    protected: bool,
) -> None:
    """It was the target: no restore takes it for what an operation left that stopped."""
    stage = SwapStage()
    old, new = rolled_back(stage)
    retirement = cancel_the_last_retirement(stage)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=NEXT, DeletionProtection=protected, ApplyImmediately=True
    )
    stage.run(HOUR)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert f"{retirement} did not delete it: it is CANCELLED" in (ended.reason or "")
    assert {TARGET: old, NEXT: new} == stage.standing()


def replaced_twice(stage: SwapStage) -> str:
    """Let a night need the other of two names; gives the id of the cluster that has it."""
    _, new = first_and_second(stage)
    stage.run(50 * HOUR)
    assert State.SUCCEEDED is stage.run_night().state
    return new


@pytest.mark.parametrize(
    ("make", "replace"),
    [(SwapStage, lambda stage: rolled_back(stage)[1]), (PointerStage, replaced_twice)],
    ids=["swap", "pointer"],
)
def test_a_cluster_that_people_keep_stays_when_the_record_of_that_is_gone(
    make: type[SwapStage], replace: Callable[[SwapStage], str]
) -> None:
    """The note alone says that it was the target; the remedy makes room."""
    stage = make(KEEP_PREVIOUS_HOURS="48", SKIP_FINAL_SNAPSHOT="false")
    kept = replace(stage)
    retirement = cancel_the_last_retirement(stage)
    del stage.store.tables["state"][retirement]
    stage.run(20 * HOUR)
    failed = stage.run_night()

    assert (State.FAILED, State.SNAPSHOT_READY) == (failed.state, failed.stopped_at)
    assert f"{retirement} decides about it, and its record is gone." in str(failed.reason)
    (name,) = (name for name, found in stage.standing().items() if found == kept)
    renamed(name, "of-last-week")(stage)
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    assert kept in all_ids(stage)


def test_a_cluster_that_was_rolled_back_is_deleted_with_its_final_snapshot() -> None:
    """Its own operation deletes it when the next restore needs its name."""
    stage = SwapStage(SKIP_FINAL_SNAPSHOT="false")
    _, new = rolled_back(stage)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert new not in stage.standing().values()
    assert 1 == len(stage.final_snapshots())
    assert State.RETIRED is stage.retirements()[1].state


def test_a_cluster_that_was_rolled_back_is_kept_while_no_cluster_is_the_target() -> None:
    """It is all that people have then."""
    stage = SwapStage()
    _, new = rolled_back(stage)
    remove_target(stage)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert f"{new} is kept: no cluster has the name {TARGET}" in (ended.reason or "")
    assert {NEXT: new} == stage.standing()


@pytest.mark.parametrize("make", STAGES)
def test_a_night_that_cannot_begin_deletes_no_previous_target(make: type[SwapStage]) -> None:
    """The preflight comes first."""
    stage = make(KEEP_PREVIOUS_HOURS="100")
    if make is SwapStage:
        rolled_back(stage)
    else:
        first_and_second(stage)
        stage.run(20 * HOUR)
        first_and_second(stage)
        stage.run(20 * HOUR)
    before = stage.standing()
    stage.environment["INSTANCE_CLASS"] = "db.nonsense.large"
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert "db.nonsense.large" in (ended.reason or "")
    assert before == stage.standing()


@pytest.mark.parametrize("make", STAGES)
def test_a_cluster_that_was_replaced_twice_is_kept_from_the_second_time(
    make: type[SwapStage],
) -> None:
    """The first retirement ends, since the second one decides."""
    stage = make()
    old, _ = first_and_second(stage)
    stage.run(9 * HOUR)
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)
    stage.run(HOUR)
    stage.ask_back(back)
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    stage.run(4 * HOUR)
    first, _, last = stage.retirements()

    assert State.CANCELLED is first.state
    assert f"{last.operation_id} decides about it." in (first.reason or "")
    assert old in stage.standing().values()
    stage.run(9 * HOUR)
    assert State.RETIRED is stage.retirements()[-1].state
    assert old not in stage.standing().values()
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("make", STAGES)
def test_an_older_retirement_deletes_nothing_that_people_keep(make: type[SwapStage]) -> None:
    """They cancelled the one that decides about the cluster."""
    stage = make()
    old, _ = rolled_back(stage)
    stage.ask_back(stage.restores()[-1])
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    cancel_the_last_retirement(stage)
    stage.run(20 * HOUR)

    assert old in stage.standing().values()


def all_ids(stage: SwapStage) -> set[str]:
    """Give the resource ids of all clusters in the target's region."""
    found = stage.rds().describe_db_clusters()["DBClusters"]
    return {cluster["DbClusterResourceId"] for cluster in found}


@pytest.mark.parametrize("make", STAGES)
def test_a_cluster_that_people_keep_stays_after_the_next_night_too(make: type[SwapStage]) -> None:
    """The cancellation holds for the cluster: no older operation deletes it when its time comes."""
    stage = make(KEEP_PREVIOUS_HOURS="60")
    old, _ = rolled_back(stage)
    stage.ask_back(stage.restores()[-1])
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    kept_by = cancel_the_last_retirement(stage)
    if make is SwapStage:
        stage.rds().modify_db_cluster(
            DBClusterIdentifier=PREVIOUS,
            NewDBClusterIdentifier="of-last-week",
            ApplyImmediately=True,
        )
    stage.run(20 * HOUR)
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    stage.run(100 * HOUR)
    first, *_ = stage.retirements()

    assert old in all_ids(stage)
    assert (State.CANCELLED, NOTHING_TO_DO) == (first.state, first.remedy)
    assert f"{old} is kept: {kept_by} decides about it." in (first.reason or "")
    assert [] == stage.broken_promises()


@pytest.mark.parametrize(("make", "name"), [(SwapStage, PREVIOUS), (PointerStage, TARGET)])
def test_a_previous_target_that_people_renamed_is_kept(make: type[SwapStage], name: str) -> None:
    """They want it; and the functions may not delete a cluster of another name. People are told
    that it is theirs.
    """
    stage = make()
    old, _ = first_and_second(stage)
    renamed(name, "of-friday")(stage)
    stage.run(20 * HOUR)
    (retirement,) = stage.retirements()

    assert State.CANCELLED is retirement.state
    assert f"{old} is kept: people renamed it to of-friday." in stage.notices()[-1]["text"]
    assert "Delete the cluster of-friday yourself if it is not" in stage.notices()[-1]["text"]
    assert old in all_ids(stage)


def test_a_retired_cluster_leaves_no_note_of_what_retired_it() -> None:
    """The target's item keeps a line for the clusters alone that are still there."""
    stage = SwapStage()
    _, new = first_and_second(stage)
    stage.run(20 * HOUR)
    _, third = first_and_second(stage)

    assert [new] == [*stage.target().retirements]
    stage.run(20 * HOUR)
    assert {} == stage.target().retirements
    assert {TARGET: third} == stage.standing()


def test_a_night_after_a_rollback_keeps_its_previous_target_for_its_whole_time() -> None:
    """The retirement of the first night does not delete it earlier."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, _ = rolled_back(stage)
    stage.run(23 * HOUR)
    assert State.SUCCEEDED is stage.run_night().state
    stage.run(26 * HOUR)

    assert old == stage.standing()[PREVIOUS]
    stage.run(23 * HOUR)
    assert PREVIOUS not in stage.standing()


@pytest.mark.parametrize("woken", [True, False])
def test_a_replacement_that_people_cancel_in_time_costs_no_previous_target(woken: bool) -> None:
    """Its name is needed only when NOTICE_MINUTES have passed, whatever wakes its operation."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48", NOTICE_MINUTES="20", DELETE_DEADLINE="7200")
    old, new = first_and_second(stage)
    stage.run(23 * HOUR)
    stage.night()
    stage.reach(State.USERS_READY)
    stage.run(600)
    if woken:
        announce([stage.retirements()[0]], stage.ports())
    stage.run(300)
    operation = stage.restores()[-1]
    assert State.USERS_READY is operation.state
    stage.request(CANCEL_REQUESTED, operation_id=operation.operation_id)
    ended = stage.run_until_ended(2)

    assert State.CANCELLED is ended.state
    assert {TARGET: new, PREVIOUS: old} == {
        name: found for name, found in stage.standing().items() if name != NEXT
    }


def test_a_replacement_that_was_announced_takes_place_when_the_name_is_free() -> None:
    """The older previous target is deleted after the notice."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48", NOTICE_MINUTES="20", DELETE_DEADLINE="7200")
    _, new = first_and_second(stage)
    stage.run(23 * HOUR)
    _, third = first_and_second(stage)

    assert {TARGET: third, PREVIOUS: new} == stage.standing()


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_the_instances_of_a_previous_target_are_named_as_such(is_cancelled: bool) -> None:
    """After a change to delete-first the new ones need their names. The refusal proposes to wait,
    or has the commands that delete the cluster; then the restore succeeds.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, _ = first_and_second(stage)
    stage.run(3600)
    (retirement,) = stage.retirements()
    if is_cancelled:
        stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
        stage.run(3600)
    stage.environment["REPLACEMENT"] = "delete-first"
    ended = stage.run_night()

    assert State.FAILED is ended.state
    kept = f"belongs to the previous target {PREVIOUS} ({old}). That is kept"
    assert f"{kept}{'.' if is_cancelled else ' until 2'}" in str(ended.reason)
    assert ("Wait until then." in str(ended.remedy)) is not is_cancelled
    assert "Rename or delete that instance" not in str(ended.remedy)
    assert (1 if is_cancelled else 2) == len(typed(stage, str(ended.remedy)))
    assert PREVIOUS not in stage.standing()
    stage.request(REQUESTED, rerun_of=ended.operation_id)
    assert State.SUCCEEDED is stage.run_until_ended(3).state
