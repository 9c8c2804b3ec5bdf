"""How nights end, what is under way, and what is locked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aurora_restore.findings import Status
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.timestamps import iso_timestamp
from tests.doctor.aws import ACCOUNT
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


def test_what_is_open_is_told_with_what_it_waits_for(scene: Scene) -> None:
    """An open operation is reported with what it waits for, also before it is overdue."""
    none = scene.see("operations")
    scene.put_operation("tonight", plan_of(scene), due_at=NOW + timedelta(minutes=1))
    found = scene.see("operations")

    assert "operations: OK (None is open.)" == str(none)
    assert Status.OK is found.status
    assert found.what.startswith("tonight is SNAPSHOT_READY since 2")


def test_a_night_that_failed_is_told_with_its_reason_and_the_command_that_goes_on(
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


def test_an_end_of_which_nobody_was_told_is_told(scene: Scene) -> None:
    """An end that was not notified is reported, because the record says so."""
    put_ended(scene, "silent", State.SUCCEEDED, NOW, notified=False)

    assert "Nobody could be told of the end of silent." == scene.see("last operation").what


def test_a_lock_is_told_with_its_holder(scene: Scene) -> None:
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
