"""How nights end, what is under way, and what is locked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aurora_restore.findings import Status
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import NOTHING_TO_DO
from chalicelib.flow.facts import Facts, OldTarget, TargetFacts
from chalicelib.flow.operation import Duration, Kind, Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.timestamps import iso_timestamp
from tests.doctor.aws_process import ACCOUNT
from tests.doctor.scene import Scene

TARGET = f"target#arn:aws:rds:us-west-2:{ACCOUNT}:cluster:dev-cluster"
NOW = datetime.now(UTC)


def plan_of(scene: Scene) -> Plan:
    """Give the stage's own plan."""
    plan = scene.view().plans["default"]
    assert isinstance(plan, Plan)
    return plan


def put_ended(scene: Scene, name: str, state: State, at: datetime, **more: Any) -> None:
    """Put the record of an operation that ended."""
    plan = plan_of(scene)
    operation = Operation(
        operation_id=name,
        root_id=name,
        requested_by="a test",
        stage=plan.stage,
        region="us-west-2",
        plan_name=plan.name,
        plan=plan,
        state=state,
        created_at=at,
        entered_at=at,
        ended_at=at,
        deadline=at,
        **more,
    )
    scene.put_item(**operation.to_item())


def test_an_operation_that_is_overdue_is_named(scene: Scene) -> None:
    """An overdue operation and an unreadable record are named."""
    scene.put_item(operation_id="bad-record", open="yes", due_at="2026-01-01T00:00:00.000Z")
    unreadable = scene.see("operations")
    plan = scene.view().plans["default"]
    assert isinstance(plan, Plan)
    scene.put_operation("late-one", plan, due_at=datetime.now(UTC) - timedelta(hours=1))
    late = scene.see("operations")

    assert "The record 'bad-record' cannot be read" in unreadable.what
    assert Status.FAILED is unreadable.status
    assert "Overdue: late-one (SNAPSHOT_READY)." in late.what


def test_an_open_operation_is_reported_with_what_it_waits_for(scene: Scene) -> None:
    """An open operation is reported with what it waits for, also before it is overdue."""
    none = scene.see("operations")
    scene.put_operation("tonight", plan_of(scene), due_at=NOW + timedelta(minutes=1))
    found = scene.see("operations")

    assert "operations: OK (None is open.)" == str(none)
    assert Status.OK is found.status
    assert found.what.startswith("tonight is SNAPSHOT_READY since 2")


def test_a_failed_night_is_reported_with_its_reason_and_the_rerun_command(
    scene: Scene,
) -> None:
    """A failed night is reported with its reason until a newer operation is under way or has
    succeeded.
    """
    never = scene.see("last operation")
    why = {
        "reason": "There is no key alias/x.",
        "remedy": "Create it.",
        "failed_step": "copy-snapshot",
    }
    put_ended(scene, "last-night", State.FAILED, NOW - timedelta(hours=8), **why)
    put_ended(
        scene,
        "a-minute-ago",
        State.SKIPPED,
        NOW - timedelta(minutes=1),
        reason="The target was busy.",
    )
    failed = scene.see("last operation")
    scene.put_operation("tonight", plan_of(scene), due_at=NOW)
    goes_on = scene.see("last operation")
    put_ended(scene, "again", State.SUCCEEDED, NOW - timedelta(minutes=1))
    better = scene.see("last operation")

    assert "last operation: OK (No operation has succeeded or failed yet.)" == str(never)
    assert [Status.FAILED, Status.WARNING, Status.OK] == [
        finding.status for finding in (failed, goes_on, better)
    ]
    since = iso_timestamp(NOW - timedelta(hours=8))
    assert f"last-night FAILED at {since} in copy-snapshot: There is no key alias/x." == failed.what
    assert failed.do.startswith(
        "Create it. Run it again: aws events put-events --region us-west-2 --entries "
    )
    assert "A newer operation is under way." == goes_on.do
    assert better.what.startswith("again SUCCEEDED at ")


def test_an_end_without_a_notification_is_reported(scene: Scene) -> None:
    """An end that was not notified is reported, because the record says so."""
    put_ended(scene, "silent", State.SUCCEEDED, NOW, notified=False)

    assert "No notification of the end of silent was sent." == scene.see("last operation").what


def test_a_lock_is_reported_with_its_holder(scene: Scene) -> None:
    """A lock is reported with its holder; a lock of an ended or missing operation holds nothing
    up.
    """
    free = scene.see("lock")
    scene.put_item(operation_id=TARGET, holder="tonight")
    gone = scene.see("lock")
    scene.put_operation("tonight", plan_of(scene), due_at=NOW)
    held = scene.see("lock")

    assert "lock: OK (dev-cluster is locked by no operation.)" == str(free)
    assert "dev-cluster is locked by tonight, which is no longer there." == gone.what
    assert (Status.WARNING, Status.OK) == (gone.status, held.status)
    assert held.what.startswith("dev-cluster is locked. tonight is SNAPSHOT_READY since ")


def previous_target(state: State, **more: Any) -> dict[str, Any]:
    """Give the members of the record of a retirement that ended."""
    old = OldTarget(arn="arn", resource_id="cluster-OLD")
    facts = Facts(target=TargetFacts(old=old))
    return {"kind": Kind.RETIRE, "facts": facts, "state": state, **more}


ON_REQUEST = {
    "reason": "Cancelled on request, without a reason.",
    "remedy": NOTHING_TO_DO,
    "stopped_at": State.PREVIOUS_KEPT,
}
BACK = {
    "reason": "cluster-OLD is the target again, so it is not deleted.",
    "remedy": NOTHING_TO_DO,
}
OPENED = Duration(
    step="archive-snapshot",
    state=State.TARGET_OPEN,
    to=State.FAILING,
    started_at=NOW,
    seconds=1,
    own_seconds=1,
)
HELD = {"reason": "An integration reads from it.", "remedy": "Delete the cluster yourself."}


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (previous_target(State.RETIRED), "the previous target cluster-OLD is deleted."),
        (
            previous_target(State.CANCELLED, **ON_REQUEST),
            "the previous target cluster-OLD is kept, as asked. Cancelled on request,",
        ),
        (
            previous_target(State.CANCELLED, **BACK),
            "the previous target cluster-OLD is kept. cluster-OLD is the target again",
        ),
    ],
)
def test_a_previous_target_that_was_looked_after_needs_nothing(
    scene: Scene, ended: dict[str, Any], words: str
) -> None:
    """It is deleted, or kept as people asked: nothing is to be run again."""
    put_ended(scene, "retire-one", at=NOW, **ended)
    found = scene.see("last operation")

    assert (Status.OK, "") == (found.status, found.do)
    assert f": {words}" in found.what


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED])
def test_a_previous_target_that_could_not_be_deleted_is_reported(
    scene: Scene, state: State
) -> None:
    """It is there and costs money until somebody does what is said."""
    put_ended(scene, "retire-one", at=NOW, **previous_target(state, **HELD))
    found = scene.see("last operation")

    assert Status.OK is not found.status
    assert found.do.startswith("Delete the cluster yourself. Run it again: aws events put-events ")


@pytest.mark.parametrize("later", [State.PREVIOUS_KEPT, State.RETIRED])
def test_a_restore_that_failed_after_it_had_opened_its_target_is_reported(
    scene: Scene, later: State
) -> None:
    """The deletion of the previous target, which is younger, finishes nothing of it."""
    put_ended(scene, "retire-one", at=NOW, **previous_target(later))
    put_ended(
        scene,
        "last-night",
        State.FAILED,
        NOW - timedelta(hours=8),
        reason="AWS refused the copy.",
        remedy="Allow it.",
        failed_step="archive-snapshot",
        stopped_at=State.TARGET_OPEN,
        durations=(OPENED,),
    )
    found = scene.see("last operation")

    assert Status.FAILED is found.status
    assert " in archive-snapshot: AWS refused the copy. The new cluster is the target" in found.what
    assert found.do.startswith("Allow it. Run it again: aws events put-events ")
    assert "last-night" in found.do


def test_a_rerun_of_it_that_is_under_way_is_waited_for(scene: Scene) -> None:
    """Whatever becomes of the previous target meanwhile."""
    why = {"reason": "AWS refused the copy.", "stopped_at": State.TARGET_OPEN}
    put_ended(scene, "last-night", State.FAILED, NOW - timedelta(hours=8), **why)
    put_ended(scene, "retire-one", at=NOW - timedelta(hours=7), **previous_target(State.RETIRED))
    scene.put_operation("again", plan_of(scene), due_at=NOW)
    found = scene.see("last operation")

    assert (Status.WARNING, "A newer operation is under way.") == (found.status, found.do)
    assert "last-night FAILED" in found.what
