"""Operations that stop after people got the new cluster: a rerun finishes the rest, and changes
nothing of what people work on.
"""

from collections.abc import Callable
from functools import partial

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.records.store import Change
from simulation.in_memory_database import InMemoryRole
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.refused_swaps import longer_backups
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage
from tests.swap.test_custom_endpoints import endpoints, make_endpoint
from tests.swap.test_reboots import GROUPS, change_cluster_group, rebooted, with_groups

TARGET, NEXT, PREVIOUS = NAMES
DeleteFirstStage = partial(SwapStage, REPLACEMENT="delete-first")
STAGES = [SwapStage, PointerStage]
ALL_STAGES = [pytest.param(DeleteFirstStage, id="delete-first"), *STAGES]
STOPPED_IN = [State.CLUSTER_RESTORING, State.USERS_READY]


def failed_when_open(stage: SwapStage) -> str:
    """Let the restore under way fail after its target has opened; gives its id."""
    stage.reach(State.TARGET_OPEN)
    trouble, step = refused("AccessDenied"), "archive-snapshot"
    stage.inject(trouble, step=step, call="rds.describe_db_instances", times=99)
    failed = stage.run_until_ended(len(stage.restores()))
    stage.call_faults.clear()
    assert (State.FAILED, State.TARGET_OPEN) == (failed.state, failed.stopped_at)
    return failed.operation_id


@pytest.mark.parametrize("make", ALL_STAGES)
def test_a_rerun_closes_no_login_of_people_who_work_there(make: Callable[[], SwapStage]) -> None:
    """Their own login keeps its password; one operation at most deletes a previous target."""
    stage = make()
    stage.night()
    failed = failed_when_open(stage)
    stage.run(3600)
    cluster = str(stage.restores()[0].facts.target.cluster_resource_id)
    role = InMemoryRole(password="their own")
    stage.data.clusters[cluster].roles["analyst"] = role
    stage.request(REQUESTED, rerun_of=failed)
    again = stage.run_until_ended(2)

    assert State.SUCCEEDED is again.state, again.reason
    assert ["TARGET_OPEN", "ARCHIVED", "SUCCEEDED"] == stage.path(again.operation_id)
    assert role.can_login
    assert "their own" == role.password
    assert again.facts.copies.archived is True
    assert (0 if make is DeleteFirstStage else 1) == len(stage.retirements())


def test_a_rerun_reboots_no_instance_that_people_use() -> None:
    """A parameter that somebody changed since waits for a reboot at their time."""
    stage = SwapStage()
    stage.environment |= GROUPS
    with_groups(stage)
    failed = failed_when_open(stage)
    change_cluster_group(stage)
    before = rebooted(stage)
    stage.request(REQUESTED, rerun_of=failed)

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert before == rebooted(stage)


@pytest.mark.parametrize("make", ALL_STAGES)
@pytest.mark.parametrize(
    "settings", [{"INSTANCE_CLASS": "db.r6g.2xlarge"}, {"INSTANCE_COUNT": "1"}, {"PORT": "5555"}]
)
def test_a_rerun_finishes_the_archive_whatever_the_settings_say(
    make: Callable[[], SwapStage], settings: dict[str, str]
) -> None:
    """They are of the next night: the cluster is judged by those that it was made with."""
    stage = make()
    stage.night()
    failed = failed_when_open(stage)
    before = stage.standing()
    stage.environment |= settings
    stage.request(REQUESTED, rerun_of=failed)

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert before == stage.standing()


def test_a_rerun_moves_the_custom_endpoints_that_are_left() -> None:
    """They belong to what is finished after the opening."""
    stage = SwapStage()
    make_endpoint(stage, "analytics")
    stage.night()
    failed = failed_when_open(stage)
    assert ["analytics"] == [*endpoints(stage, PREVIOUS)]
    stage.request(REQUESTED, rerun_of=failed)

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert ["analytics"] == [*endpoints(stage, TARGET)]


@pytest.mark.parametrize("make", ALL_STAGES)
@pytest.mark.parametrize(
    "step", ["snapshot-check", "copy-snapshot", "delete-rds", "restore-snapshot", "setup-db-users"]
)
def test_an_earlier_step_is_refused_where_people_have_the_cluster(
    make: Callable[[], SwapStage], step: str
) -> None:
    """Nothing is made or changed, and the answer says what to ask for."""
    stage = make()
    stage.night()
    failed = failed_when_open(stage)
    before = stage.standing()
    stage.request(REQUESTED, rerun_of=failed, from_step=step)

    assert before == stage.standing()
    assert "has opened its cluster to people" in stage.notices()[-1]["reason"]
    assert stage.restores()[0].facts.snapshot.arn in stage.notices()[-1]["remedy"]
    assert 1 == len(stage.restores())


@pytest.mark.parametrize("make", ALL_STAGES)
@pytest.mark.parametrize("state", STOPPED_IN)
def test_an_operation_whose_rerun_opened_the_cluster_is_not_run_again(
    make: Callable[[], SwapStage], state: State
) -> None:
    """Its instances have the names that another cluster of the chain would need."""
    stage = make()
    stage.night()
    first = stage.reach(state)
    stage.request(CANCEL_REQUESTED, operation_id=first.operation_id)
    stage.run_until_ended(1)
    stage.request(REQUESTED, request_id="one", rerun_of=first.operation_id)
    failed_when_open(stage)
    stage.request(REQUESTED, request_id="two", rerun_of=first.operation_id)

    assert "has opened its cluster to people" in stage.notices()[-1]["reason"]
    assert 2 == len(stage.restores())


@pytest.mark.parametrize("make", [pytest.param(DeleteFirstStage, id="delete-first"), SwapStage])
def test_a_target_that_somebody_changed_sends_people_to_no_earlier_step(
    make: Callable[..., SwapStage],
) -> None:
    """The command of the notice restores the newest snapshot."""
    stage = make(KEEP_PREVIOUS_HOURS="0")
    stage.night()
    stage.reach(State.TARGET_OPEN)
    longer_backups(stage)
    failed = stage.run_until_ended(1)
    assert "does not have the planned settings: BACKUP_RETENTION_DAYS" in str(failed.reason)
    go_on(stage, stage.notices()[-1]["text"])
    again = stage.run_until_ended(2)

    assert (State.FAILED, None) == (failed.state, failed.rerun_from)
    assert State.SUCCEEDED is again.state, again.reason
    assert None is again.rerun_of


@pytest.mark.parametrize("step", ["delete-rds", "restore-snapshot"])
@pytest.mark.parametrize("make", ALL_STAGES)
def test_a_repeated_step_that_failed_leads_to_no_earlier_one(
    make: Callable[[], SwapStage], step: str
) -> None:
    """The cluster is that of the last success, which people use."""
    stage = make()
    succeeded = stage.run_night()
    before = stage.standing()
    stage.inject(refused("AccessDenied"), call="rds.modify_db_cluster", times=99)
    stage.request(REQUESTED, rerun_of="last", from_step="setup-db-users")
    failed = stage.run_until_ended(2)
    stage.call_faults.clear()
    stage.request(REQUESTED, rerun_of=failed.operation_id, from_step=step)

    assert [State.SUCCEEDED, State.FAILED] == [succeeded.state, failed.state]
    assert "has opened its cluster to people" in stage.notices()[-1]["reason"]
    assert before == stage.standing()


@pytest.mark.parametrize("make", STAGES)
def test_it_is_too_late_to_cancel_when_people_have_the_cluster(make: type[SwapStage]) -> None:
    """The answer says so, and the operation ends as it would have."""
    stage = make()
    stage.night()
    stage.reach(State.TARGET_OPEN)
    (operation,) = stage.restores()
    stage.put(CANCEL_REQUESTED, operation_id=operation.operation_id)
    stage.queue.rotate(1)
    ended = stage.run_until_ended(1)

    assert "is TARGET_OPEN, which is too late to cancel." in stage.notices()[0]["reason"]
    assert State.SUCCEEDED is ended.state


def test_a_rollback_to_what_a_rerun_set_up_proves_its_logins() -> None:
    """The record of the operation that made the cluster ends before its logins were closed."""
    stage = SwapStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    failed = stage.run_night()
    stage.call_faults.clear()
    stage.request(REQUESTED, rerun_of=failed.operation_id)
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    stage.run(20 * 3600)
    third = stage.run_night()
    stage.ask_back(third)
    back = stage.run_until_ended(4)

    assert State.SUCCEEDED is back.state, back.reason
    assert "the plan's users log in" in stage.trail(back.operation_id)[2]["what"]


@pytest.mark.parametrize("answers", [True, False])
def test_a_cancellation_that_the_version_before_took_holds_nothing_up(answers: bool) -> None:
    """It flagged operations in that state; they go on, and end by their deadline at the latest."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.TARGET_OPEN)
    (operation,) = stage.restores()
    flag = {"cancel_requested": True, "cancel_reason": "not tonight"}
    stage.operations.store.change(Change(operation.operation_id, assign=flag))
    if not answers:
        stage.disabled = {"archive-snapshot"}
    ended = stage.run_until_ended(1)

    assert (State.SUCCEEDED if answers else State.FAILED) is ended.state
