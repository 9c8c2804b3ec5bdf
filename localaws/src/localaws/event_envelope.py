"""The envelope of an event, as EventBridge sends it to every target."""

import uuid
from datetime import UTC, datetime
from typing import Any


def envelope(
    *,
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    account: str,
    region: str,
    resources: list[str],
    time: datetime | None = None,
) -> dict[str, Any]:
    """Build an event; its time (now by default) has whole seconds, as on AWS."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": iso_seconds(time or datetime.now(UTC)),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def iso_seconds(moment: datetime) -> str:
    """Write a moment as EventBridge does: UTC, whole seconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
