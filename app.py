"""Wiring only: which event wakes which step.

The flow is the table in `chalicelib/flow/choreography.py`.
"""

import os
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Rate

from chalicelib import lambdas
from chalicelib.messages.event_patterns import pattern

STAGE = os.environ.get("ENVIRONMENT", "local")  # Chalice sets the stage's own while it deploys

app = Chalice(app_name="aurora-restore", configure_logs=False)
app.register_middleware(lambdas.observed, "all")


@app.on_cw_event(pattern("snapshot-check", STAGE), name="snapshot-check")
def snapshot_check(event: CloudWatchEvent) -> None:
    """Start an operation, or find its snapshot."""
    lambdas.answer("snapshot-check", event)


@app.on_cw_event(pattern("copy-snapshot", STAGE), name="copy-snapshot")
def copy_snapshot(event: CloudWatchEvent) -> None:
    """Start the copy of the snapshot to the target's region."""
    lambdas.answer("copy-snapshot", event)


@app.on_cw_event(pattern("check-copy-status", STAGE), name="check-copy-status")
def check_copy_status(event: CloudWatchEvent) -> None:
    """Check whether the copy is available."""
    lambdas.answer("check-copy-status", event)


@app.on_cw_event(pattern("delete-rds", STAGE), name="delete-rds")
def delete_rds(event: CloudWatchEvent) -> None:
    """Check what later steps need, then delete the old target."""
    lambdas.answer("delete-rds", event)


@app.on_cw_event(pattern("restore-snapshot", STAGE), name="restore-snapshot")
def restore_snapshot(event: CloudWatchEvent) -> None:
    """Restore the new cluster, then create its instances."""
    lambdas.answer("restore-snapshot", event)


@app.on_cw_event(pattern("check-restore-status", STAGE), name="check-restore-status")
def check_restore_status(event: CloudWatchEvent) -> None:
    """Check whether the cluster and its instances are available."""
    lambdas.answer("check-restore-status", event)


@app.on_cw_event(pattern("setup-db-users", STAGE), name="setup-db-users")
def setup_db_users(event: CloudWatchEvent) -> None:
    """Disable production's logins, create the plan's users, and verify both."""
    lambdas.answer("setup-db-users", event)


@app.on_cw_event(pattern("swap-target", STAGE), name="swap-target")
def swap_target(event: CloudWatchEvent) -> None:
    """Give the target's name to the new cluster, or the old one its name back."""
    lambdas.answer("swap-target", event)


@app.on_cw_event(pattern("archive-snapshot", STAGE), name="archive-snapshot")
def archive_snapshot(event: CloudWatchEvent) -> None:
    """Keep or delete the copy."""
    lambdas.answer("archive-snapshot", event)


@app.on_cw_event(pattern("sns-notification", STAGE), name="sns-notification")
def sns_notification(event: CloudWatchEvent) -> None:
    """Notify people of how the operation ended."""
    lambdas.answer("sns-notification", event)


@app.on_cw_event(pattern("cancel-restore", STAGE), name="cancel-restore")
def cancel_restore(event: CloudWatchEvent) -> None:
    """Stop an operation on request."""
    lambdas.answer("cancel-restore", event)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="heartbeat")
def heartbeat(event: Any) -> None:
    """Announce overdue operations again, and start the restores whose events were lost."""
    lambdas.run_heartbeat(event)
