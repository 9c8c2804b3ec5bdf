"""Previous targets with custom endpoints are kept; a stop that AWS refuses ends nothing."""

from typing import Any

import pytest

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_custom_endpoints import HERE, OWNER, READER, endpoints, make_endpoint

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600


def night_beside_the_source(stage: SwapStage) -> None:
    """Run a night in the source's region, of a target with an endpoint."""
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    make_endpoint(stage, "analytics")
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    assert State.SUCCEEDED is stage.run_until_ended(1).state


def test_in_the_sources_region_it_is_deleted_when_its_endpoints_are_moved() -> None:
    """A person moves them, as the warning and the operation say."""
    stage = SwapStage(staging=True, **HERE)
    night_beside_the_source(stage)
    stage.run(12 * HOUR + 600)
    (retirement,) = stage.retirements()
    assert {"analytics"} == set(endpoints(stage, PREVIOUS))
    stage.rds().delete_db_cluster_endpoint(DBClusterEndpointIdentifier="analytics")
    stage.run(600)
    make_endpoint(stage, "analytics")
    stage.run(HOUR)

    assert State.PREVIOUS_KEPT is retirement.state
    assert "custom endpoints would be lost with it: analytics." in (retirement.waiting_for or "")
    assert "the previous target is kept as long as it has" in stage.restores()[0].warnings[0]
    assert State.RETIRED is stage.retirements()[0].state
    assert {"analytics"} == set(endpoints(stage, TARGET))


def test_a_restore_that_needs_the_name_is_refused_before_it_makes_anything() -> None:
    """It would wait for a person."""
    stage = SwapStage(staging=True, **HERE)
    night_beside_the_source(stage)
    stage.run(20 * HOUR)
    before = stage.standing()
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert "custom endpoints would be lost with it: analytics." in (ended.reason or "")
    assert before == stage.standing()


def test_a_retirement_that_failed_for_its_endpoints_is_repeated_without_them() -> None:
    """Its reason and its remedy are in a notification."""
    stage = SwapStage(staging=True, **HERE)
    night_beside_the_source(stage)
    stage.run(20 * HOUR)
    (failed,) = stage.retirements()
    stage.rds().delete_db_cluster_endpoint(DBClusterEndpointIdentifier="analytics")
    stage.run(600)
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(HOUR)

    assert State.FAILED is failed.state
    assert "Delete these endpoints" in stage.notices()[1]["text"]
    assert State.RETIRED is stage.retirements()[-1].state
    assert {TARGET} == {*stage.standing()}


@pytest.mark.parametrize("make", [SwapStage, PointerStage])
def test_an_operation_that_ends_before_it_moves_endpoints_loses_none(
    make: type[SwapStage],
) -> None:
    """The target was replaced, and its endpoints are still those of the previous one."""
    stage = make()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.night()
    stage.reach(State.TARGET_OPEN)
    denied, asked = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(denied, step="archive-snapshot", call=asked, times=9)
    ended = stage.run_until_ended(1)
    stage.run(20 * HOUR)
    previous = TARGET if make is PointerStage else PREVIOUS

    assert State.FAILED is ended.state
    assert {"analytics"} == set(endpoints(stage, previous))


def test_a_previous_target_that_is_not_kept_waits_until_its_endpoints_are_moved() -> None:
    """With KEEP_PREVIOUS_HOURS=0 it is deleted at once, and still after that."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="0")
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.run_night()
    stage.run(HOUR)

    assert {"analytics"} == set(endpoints(stage))
    assert {TARGET} == {*stage.standing()}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("DBClusterEndpointQuotaExceededFault", "is not moved: "),
        ("InvalidDBClusterStateFault", "The deadline of TARGET_OPEN has passed."),
    ],
)
def test_an_endpoint_that_aws_does_not_create_is_told_with_its_command(code: str, why: str) -> None:
    """It was deleted from the previous target, so nothing else knows it any more."""
    stage = SwapStage(ARCHIVE_DEADLINE="900")
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.inject(refused(code, 400), call="rds.create_db_cluster_endpoint", times=999)
    ended = stage.run_night()
    (warning,) = ended.warnings
    reader = ended.facts.target.instances[1]

    assert why in warning
    assert warning.endswith(
        " It is nowhere now. The next restore tries again; to create it at once: aws rds "
        "create-db-cluster-endpoint --region "
        f"{TARGET_REGION} --db-cluster-identifier {TARGET} --db-cluster-endpoint-identifier "
        f"analytics --endpoint-type READER --static-members {reader} "
        f"--tags Key=aurora-restore,Value={OWNER}"
    )


QUOTA, CREATE = refused("DBClusterEndpointQuotaExceededFault", 403), "create_db_cluster_endpoint"


def night_without_its_endpoint(stage: SwapStage) -> tuple[Operation, str]:
    """Run a night in which AWS refuses to create the endpoint; gives its reader, too."""
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.inject(QUOTA, call=f"rds.{CREATE}", times=999)
    ended = stage.run_night()
    stage.call_faults.clear()
    assert State.SUCCEEDED is ended.state
    assert {} == endpoints(stage)
    return ended, ended.facts.target.instances[1]


def test_a_refusal_that_passes_costs_nothing() -> None:
    """The next look asks again."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.inject(QUOTA, call=f"rds.{CREATE}", times=3)
    ended = stage.run_night()

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert {"analytics": ("READER", [ended.facts.target.instances[1]], [])} == endpoints(stage)


def test_the_archive_that_is_repeated_creates_what_was_refused() -> None:
    """The record has its description."""
    stage = SwapStage()
    night, reader = night_without_its_endpoint(stage)
    again = {"rerun_of": night.operation_id, "from_step": "archive-snapshot"}
    stage.request(REQUESTED, request_id="again", **again)
    ended = stage.run_until_ended(2)

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert {"analytics": ("READER", [reader], [])} == endpoints(stage)
    assert () == stage.operations.target(night.plan.target_cluster_arn).missing_endpoints


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_the_next_restore_creates_what_was_refused(replacement: str) -> None:
    """The target's item has it until it exists again."""
    stage = SwapStage(REPLACEMENT=replacement)
    night, _ = night_without_its_endpoint(stage)
    stage.run(20 * HOUR)
    ended = stage.run_night()

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert {"analytics": ("READER", [ended.facts.target.instances[1]], [])} == endpoints(stage)
    assert () == stage.operations.target(night.plan.target_cluster_arn).missing_endpoints
    stage.settle(600)
    stage.rds().delete_db_cluster_endpoint(DBClusterEndpointIdentifier="analytics")
    stage.run(20 * HOUR)
    stage.run_night()
    assert {} == endpoints(stage)


def test_a_rollback_creates_what_was_refused() -> None:
    """The cluster that had it gets it back."""
    stage = SwapStage()
    night, _ = night_without_its_endpoint(stage)
    stage.ask_back(night)
    stage.run_until_ended(2)

    assert {"analytics": ("READER", [READER], [])} == endpoints(stage)


def test_an_operation_that_fails_while_an_endpoint_is_nowhere_remembers_it() -> None:
    """Somebody deletes the cluster's instances before it exists again."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.inject(QUOTA, call=f"rds.{CREATE}", times=999)
    stage.night()
    stage.reach(State.TARGET_OPEN)
    stage.run(200)
    denied, asked = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(denied, step="archive-snapshot", call=asked, times=99)
    ended = stage.run_until_ended(1)
    (missing,) = stage.operations.target(ended.plan.target_cluster_arn).missing_endpoints

    assert State.FAILED is ended.state
    assert ("analytics", (ended.facts.target.instances[1],)) == (
        missing.identifier,
        missing.static_members,
    )


def test_an_endpoint_that_aws_does_not_delete_is_told_without_a_command() -> None:
    """It is still there."""
    stage = SwapStage()
    make_endpoint(stage, "analytics")
    stage.inject(refused("AccessDenied"), call="rds.delete_db_cluster_endpoint", times=99)
    (warning,) = stage.run_night().warnings

    assert "create-db-cluster-endpoint" not in warning
    assert {"analytics"} == set(endpoints(stage, PREVIOUS))


@pytest.mark.parametrize("code", ["InvalidParameterCombination", "InvalidDBClusterStateFault"])
def test_a_previous_target_that_aws_does_not_stop_is_deleted_in_time(code: str) -> None:
    """A stop only saves money."""
    stage = SwapStage(STOP_PREVIOUS="true")
    stage.inject(refused(code, 400), call="rds.stop_db_cluster", times=999)
    _, new = first_and_second(stage)
    stage.run(20 * HOUR)

    assert [State.RETIRED] == [found.state for found in stage.retirements()]
    assert {TARGET: new} == stage.standing()


def test_a_previous_target_is_stopped_after_its_backup() -> None:
    """The first look finds it backing-up, in which AWS stops no cluster."""
    stage = SwapStage(STOP_PREVIOUS="true")
    stage.night()
    stage.reach(State.TARGET_OPEN)
    cluster: Any = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[PREVIOUS]
    cluster.status = "backing-up"
    stage.run_until_ended(1)
    stage.run(300)
    assert [] == stage.calls_of("stop_db_cluster")
    cluster.status = "available"
    stage.run(HOUR)

    assert "stopped" == cluster.status


@pytest.mark.parametrize("refused_again", [False, True])
def test_a_repeated_archive_keeps_the_note_of_a_later_operation(*, refused_again: bool) -> None:
    """The rollback could not create the endpoint on the target that came back; the archive of its
    own night, which knew of none, creates it, or leaves it noted.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    make_endpoint(stage, "known", "READER", StaticMembers=[READER])
    first = stage.run_night()
    stage.run(20 * HOUR)
    second = stage.run_night()
    make_endpoint(stage, "added")
    stage.inject(QUOTA, call=f"rds.{CREATE}", times=999)
    stage.ask_back(second)
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    if not refused_again:
        stage.call_faults.clear()
    again = {"rerun_of": first.operation_id, "from_step": "archive-snapshot"}
    stage.request(REQUESTED, request_id="again", **again)
    assert State.SUCCEEDED is stage.run_until_ended(4).state
    missing = stage.operations.target(first.plan.target_cluster_arn).missing_endpoints
    noted, there = {found.identifier for found in missing}, set(endpoints(stage))

    assert ({"known", "added"}, set()) == ((noted, there) if refused_again else (there, noted))


def test_a_repeated_archive_that_fails_before_it_looks_keeps_the_note() -> None:
    """Only what settles endpoints may say that none is missing."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    make_endpoint(stage, "known", "READER", StaticMembers=[READER])
    first = stage.run_night()
    stage.run(20 * HOUR)
    second = stage.run_night()
    stage.inject(QUOTA, call=f"rds.{CREATE}", times=999)
    stage.ask_back(second)
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    denied, asked = refused("AccessDenied"), "rds.describe_db_instances"
    stage.inject(denied, step="archive-snapshot", call=asked, times=99)
    again = {"rerun_of": first.operation_id, "from_step": "archive-snapshot"}
    stage.request(REQUESTED, request_id="again", **again)
    assert State.FAILED is stage.run_until_ended(4).state
    (missing,) = stage.operations.target(first.plan.target_cluster_arn).missing_endpoints

    assert "known" == missing.identifier
