"""Whether the stage is alive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aurora_restore.findings import Status
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Kind
from chalicelib.flow.timestamps import iso_timestamp
from tests.doctor.aws_process import ACCOUNT
from tests.doctor.scene import Scene
from tests.doctor.test_operations import put_ended

TARGET = f"target#arn:aws:rds:us-west-2:{ACCOUNT}:cluster:dev-cluster"


def test_a_recent_heartbeat_is_found(scene: Scene) -> None:
    """A recent tick is found by the line that it wrote."""
    found = scene.see("heartbeat")

    assert Status.OK is found.status
    assert found.what.startswith("The heartbeat ran at ")


def test_a_stopped_heartbeat_is_reported(scene: Scene) -> None:
    """Six minutes after the last tick the heartbeat is reported as stopped."""
    found = scene.see("heartbeat", later=timedelta(minutes=6))

    assert Status.FAILED is found.status
    assert found.what.startswith("The heartbeat has not run for 5 minutes")
    assert "aws logs tail /aws/lambda/aurora-restore-dev-heartbeat --region us-west-2" in found.do


def test_a_target_with_old_data_is_reported(scene: Scene) -> None:
    """A target without a success is fine at first; data older than FRESHNESS_HOURS is not."""
    never = scene.see("freshness")
    moment = datetime.now(UTC) - timedelta(hours=31)
    succeeded(scene, ended_at=moment + timedelta(hours=30), data_at=moment)
    long_ago = scene.see("freshness")

    assert "freshness: OK (It has not been restored yet.)" == str(never)
    assert Status.WARNING is long_ago.status
    assert long_ago.what.startswith("The data of the last success is more than 30 hours old. ")
    assert long_ago.what.endswith(
        f"Data of the snapshot of {iso_timestamp(moment)}; restored at "
        f"{iso_timestamp(moment + timedelta(hours=30))}."
    )


def succeeded(scene: Scene, *, ended_at: datetime, data_at: datetime | None, **more: Any) -> None:
    """Note the success of the operation `last-one`, which put data of that time at the target."""
    put_ended(scene, "last-one", State.SUCCEEDED, ended_at, **more)
    data = {"last_success_snapshot_at": iso_timestamp(data_at)} if data_at else {}
    at = {"last_success_at": iso_timestamp(ended_at), "last_success_operation": "last-one"}
    scene.put_item(operation_id=TARGET, **at, **data)


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ({}, "restored"),
        ({"kind": Kind.ROLLBACK}, "rolled back"),
        ({"keeps_cluster": True}, "a step was repeated"),
    ],
)
def test_the_time_of_the_data_is_told(scene: Scene, more: dict[str, Any], how: str) -> None:
    """A rollback brings back older data, and is no restore."""
    now = datetime.now(UTC)
    data_at = now - timedelta(hours=8)
    succeeded(scene, ended_at=now, data_at=data_at, **more)
    found = scene.see("freshness")

    data, ended = iso_timestamp(data_at), iso_timestamp(now)
    assert Status.OK is found.status
    assert f"Data of the snapshot of {data}; {how} at {ended}." == found.what


def test_a_rollback_to_old_data_is_not_fresh(scene: Scene) -> None:
    """However short ago it was: the alarm no-fresh-restore, too, goes by the data."""
    now = datetime.now(UTC)
    long_ago = now - timedelta(hours=31)
    succeeded(scene, ended_at=now, data_at=long_ago, kind=Kind.ROLLBACK)
    found = scene.see("freshness")

    assert Status.WARNING is found.status
    assert f"Data of the snapshot of {iso_timestamp(long_ago)}; rolled back at" in found.what


def test_data_of_an_operation_that_did_not_succeed_is_told_as_such(scene: Scene) -> None:
    """The cluster of the last success is gone by then."""
    now = datetime.now(UTC)
    at = {"last_success_at": iso_timestamp(now), "last_success_operation": "last-one"}
    later = {"operation": "tonight", "since": iso_timestamp(now + timedelta(hours=1))}
    scene.put_item(operation_id=TARGET, **at, standing=later)
    found = scene.see("freshness")

    ended = f"The last success ended at {iso_timestamp(now)}"
    assert f"{ended}; tonight replaced its cluster since." == found.what
