"""Whether the stage is alive."""

from datetime import UTC, datetime, timedelta

from aurora_restore.findings import Status
from chalicelib.flow.timestamps import iso_timestamp
from tests.doctor.aws_process import ACCOUNT
from tests.doctor.scene import Scene

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
    """A target without a success is fine at first; a success older than FRESHNESS_HOURS is not."""
    never = scene.see("freshness")
    moment = datetime.now(UTC) - timedelta(hours=31)
    scene.put_item(operation_id=TARGET, last_success_at=iso_timestamp(moment))
    long_ago = scene.see("freshness")

    assert "freshness: OK (It has not been restored yet.)" == str(never)
    assert Status.WARNING is long_ago.status
    assert (
        f"The last restore that succeeded ended at {iso_timestamp(moment)}, more than 30 hours ago."
        == long_ago.what
    )
