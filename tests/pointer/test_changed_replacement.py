"""REPLACEMENT that changes from one night to the next: handled, or refused before anything."""

import json
from collections.abc import Callable

import pytest

from chalicelib.flow.choreography import State
from simulation.in_memory_services import ZONE
from simulation.stage import APP_SECRET
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import DNS_NAME, FOLDER, TARGET, A, PointerStage
from tests.swap.swap_stage import NAMES, first_and_second
from tests.swap.test_by_hand import follow

PREVIOUS = NAMES[2]


@pytest.mark.parametrize("before", ["swap", "delete-first"])
def test_a_stage_that_replaced_by_name_begins_to_point(before: str) -> None:
    """The target is adopted as it is, and what was kept of it is deleted in time."""
    stage = PointerStage(REPLACEMENT=before)
    first_and_second(stage)
    stage.environment["REPLACEMENT"] = "pointer"
    stage.run(3600)
    old, new = first_and_second(stage)
    stage.run(20 * 3600)

    assert old != new
    assert {A: new} == stage.standing()
    assert stage.all_name(A) == stage.pointed()
    assert {State.RETIRED} == {found.state for found in stage.retirements()}
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("after", ["swap", "delete-first"])
def test_a_pointed_target_is_not_replaced_by_name(after: str) -> None:
    """The sentence names both ways on, and nothing was made or deleted."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    before = stage.standing()
    stage.environment["REPLACEMENT"] = after
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert f"People use the cluster {A} as the target" in (ended.reason or "")
    assert "Set REPLACEMENT=pointer again" in (ended.remedy or "")
    assert before == stage.standing()
    assert stage.all_name(A) == stage.pointed()


@pytest.mark.parametrize("after", ["swap", "delete-first"])
def test_a_target_that_people_renamed_is_replaced_by_name(after: str) -> None:
    """The remedy works: the cluster with the target's name is the target."""
    stage = PointerStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=A, NewDBClusterIdentifier=TARGET, ApplyImmediately=True
    )
    stage.settle(3600)
    stage.environment["REPLACEMENT"] = after
    old, new = first_and_second(stage)
    stage.run(20 * 3600)

    assert old != new
    assert {TARGET: new} == stage.standing()


@pytest.mark.parametrize("after", ["swap", "delete-first"])
@pytest.mark.parametrize("stop", ["false", "true"])
def test_the_commands_give_the_target_its_name_while_a_kept_cluster_has_that(
    after: str, stop: str
) -> None:
    """The adopted target has it until its time is over; typed in order, AWS refuses none of them.

    It is kept under another name, and the next night finds the target. With delete-first that
    needs the names of its instances, too.
    """
    stage = PointerStage(STOP_PREVIOUS=stop)
    old, new = first_and_second(stage)
    stage.run(3600)
    stage.environment["REPLACEMENT"] = after
    assert State.FAILED is stage.run_night().state
    follow(stage, "Or give it that name and point its clients there: ")
    named, kept = stage.standing(), f"{TARGET}-kept-1"
    if after == "delete-first":
        stage.remove(kept)
    ended = stage.run_night()

    assert {TARGET: new, kept: old} == named
    assert State.SUCCEEDED is ended.state, ended.reason
    assert ended.facts.target.old is not None
    assert new == ended.facts.target.old.resource_id
    assert (kept in stage.standing()) is (after == "swap")


def test_no_commands_rename_a_target_that_has_failed() -> None:
    """AWS would refuse them."""
    stage = PointerStage()
    first_and_second(stage)
    stage.fail(A)
    stage.environment["REPLACEMENT"] = "swap"
    ended = stage.run_night()

    assert "Set REPLACEMENT=pointer again." == ended.remedy


@pytest.mark.parametrize("after", ["swap", "delete-first"])
def test_a_rerun_under_another_replacement_decides_anew(after: str) -> None:
    """What was made for pointers does not take the target's name half-way."""
    stage = PointerStage()
    stage.night()
    stage.reach(State.TARGET_CHOSEN)
    operation = stage.restores()[0]
    stage.request("CancelRequested", operation_id=operation.operation_id)
    stage.run_until_ended(1)
    stage.environment["REPLACEMENT"] = after
    stage.request("RestoreRequested", request_id="again", rerun_of=operation.operation_id)
    ended = stage.run_until_ended(2)
    stood = stage.trail(ended.operation_id)[0]["to_state"]

    assert State.SNAPSHOT_READY == stood
    assert (ended.state is State.SUCCEEDED) or bool(ended.remedy)


def test_an_operation_keeps_the_replacement_that_it_began_with() -> None:
    """A change of the settings never alters an operation under way, nor its retirement."""
    stage = PointerStage()
    stage.night()
    stage.reach(State.USERS_READY)
    stage.environment["REPLACEMENT"] = "swap"
    ended = stage.run_until_ended(1)
    stage.run(20 * 3600)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert stage.all_name(A) == stage.pointed()
    assert [A] == [*stage.standing()]


def by_secret(stage: PointerStage) -> None:
    """Point the application secret at the previous target of a swap, as people do."""
    value = {**stage.secret(), "host": stage.endpoint(PREVIOUS), "cluster_id": PREVIOUS}
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=json.dumps(value))


def by_parameter(stage: PointerStage) -> None:
    """Point the parameters there."""
    name = f"{FOLDER}cluster_id"
    stage.parameters.put_parameter(Name=name, Value=PREVIOUS, Type="String", Overwrite=True)


def by_record(stage: PointerStage) -> None:
    """Point the DNS record there."""
    put_record(stage, PREVIOUS)


def put_record(stage: PointerStage, cluster: str) -> None:
    """Point the DNS record to a cluster."""
    (record,) = stage.zones.list_resource_record_sets(
        HostedZoneId=ZONE, StartRecordName=DNS_NAME, MaxItems="1"
    )["ResourceRecordSets"]
    wanted = {**record, "ResourceRecords": [{"Value": stage.endpoint(cluster)}]}
    changes = [
        {"Action": "DELETE", "ResourceRecordSet": record},
        {"Action": "CREATE", "ResourceRecordSet": wanted},
    ]
    stage.zones.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": changes})


@pytest.mark.parametrize("point", [by_secret, by_parameter, by_record])
def test_a_previous_target_of_a_swap_that_pointers_name_is_kept(
    point: Callable[[PointerStage], None],
) -> None:
    """Its retirement has the settings of the swap, which knew of no pointers."""
    stage = PointerStage(
        REPLACEMENT="swap",
        KEEP_PREVIOUS_HOURS="48",
        TARGET_DNS_NAME="",
        TARGET_DNS_ZONE_ID="",
    )
    old, _ = first_and_second(stage)
    stage.environment |= {
        "REPLACEMENT": "pointer",
        "TARGET_DNS_NAME": DNS_NAME,
        "TARGET_DNS_ZONE_ID": ZONE,
    }
    stage.run(20 * 3600)
    assert State.SUCCEEDED is stage.run_night().state
    point(stage)
    stage.run(60 * 3600)
    retirement = stage.retirements()[0]

    assert State.CANCELLED is retirement.state
    assert "pointers still name it" in (retirement.reason or "")
    assert old == stage.standing()[PREVIOUS]


def left_over(stage: PointerStage) -> str:
    """Let a night stop before its cluster is opened; gives the name of that."""
    before = {*stage.standing()}
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    stage.run(20 * 3600)
    (name,) = {*stage.standing()} - before
    return name


def test_a_left_over_cluster_that_older_pointers_name_is_not_deleted() -> None:
    """The restore has another record's name by its settings, and people use the one of before."""
    stage = PointerStage()
    assert State.SUCCEEDED is stage.run_night().state
    stage.run(20 * 3600)
    stage.environment["TARGET_DNS_NAME"] = "new.staging.db.example"
    name = left_over(stage)
    left = stage.standing()[name]
    put_record(stage, name)
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert "People use the cluster" in (ended.reason or "")
    assert left == stage.standing()[name]


def test_a_left_over_cluster_of_a_swap_that_parameters_name_is_not_deleted() -> None:
    """The settings know of no pointers."""
    stage = PointerStage(REPLACEMENT="swap")
    name = left_over(stage)
    left = stage.standing()[name]
    stage.parameters.put_parameter(Name=f"{FOLDER}cluster_id", Value=name, Type="String")
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert "People use the cluster" in (ended.reason or "")
    assert left == stage.standing()[name]


def test_parameters_that_are_left_keep_what_they_name() -> None:
    """The target is replaced by name again, and people still read the parameters."""
    stage = PointerStage(REPLACEMENT="swap")
    old, _ = first_and_second(stage)
    by_parameter(stage)
    stage.run(20 * 3600)

    assert State.CANCELLED is stage.retirements()[0].state
    assert old == stage.standing()[PREVIOUS]


WITHOUT_RECORD = {"TARGET_DNS_NAME": "", "TARGET_DNS_ZONE_ID": ""}


@pytest.mark.parametrize("after", [{"REPLACEMENT": "swap"}, WITHOUT_RECORD])
def test_pointers_that_the_settings_no_longer_have_are_not_moved_back(
    after: dict[str, str],
) -> None:
    """A deployment takes the permission away; the sentence says what to set again."""
    stage = PointerStage()
    first_and_second(stage)
    before, pointed = dict(stage.environment), stage.pointed()
    stage.environment |= after
    stage.ask_back(stage.restores()[0], request_id="first")
    refused = stage.notices()[-1]

    assert (1, pointed) == (len(stage.restores()), stage.pointed())
    assert "Nothing was changed." in refused["reason"]
    assert all(f"{name}={before[name]}" in refused["remedy"] for name in after)
    stage.environment |= before
    stage.ask_back(stage.restores()[0], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert stage.all_name(TARGET) == stage.pointed()


def test_a_swap_is_rolled_back_after_the_stage_began_to_point() -> None:
    """Renames need nothing of the settings; the next night adopts the target that came back."""
    stage = PointerStage(REPLACEMENT="swap", KEEP_PREVIOUS_HOURS="48")
    old, _ = first_and_second(stage)
    stage.environment["REPLACEMENT"] = "pointer"
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)

    assert (State.SUCCEEDED, old) == (back.state, stage.standing()[TARGET])
    assert State.SUCCEEDED is stage.run_night().state
    assert stage.all_name(A) == stage.pointed()


def test_a_rollback_of_pointers_does_not_need_settings_that_are_valid() -> None:
    """People go back because something is wrong."""
    stage = PointerStage()
    first_and_second(stage)
    stage.environment["KEEP_PREVIOUS_HOURS"] = "ten"
    stage.ask_back(stage.restores()[0])

    assert State.SUCCEEDED is stage.run_until_ended(2).state
