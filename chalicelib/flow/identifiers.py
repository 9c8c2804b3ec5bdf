"""The names of operations and of what they make."""

import hashlib
import re
from datetime import UTC, datetime

from chalicelib.flow.timestamps import iso_timestamp

_COPY_DIGITS = 6  # of the digest that a copy's name ends with
NAME_MAX = 55  # of the 63 characters that RDS allows, so that a suffix still fits


def automatic_id(plan: str, stage: str, snapshot_arn: str, created_at: datetime) -> str:
    """Name the operation of a snapshot: the same for every duplicate of its event."""
    minute = created_at.astimezone(UTC).strftime("%Y%m%d-%H%M")
    digest = digest_of(stage, plan, snapshot_arn.lower(), iso_timestamp(created_at))
    return f"{_slug(plan, 16)}-{minute}-{digest}"


def requested_id(request_id: str) -> str:
    """Name the operation of a person's request: the same for the same request id."""
    return f"{_slug(request_id, 24)}-{digest_of(request_id)}"


def catch_up_id(operation_id: str) -> str:
    """Name the operation that follows one that was skipped because the target was busy."""
    return f"{operation_id[:30].rstrip('-')}-again-{digest_of(operation_id, 'again')}"


def retire_id(operation_id: str) -> str:
    """Name the operation that deletes the target which another one has replaced."""
    return f"retire-{operation_id[:30].rstrip('-')}-{digest_of(operation_id, 'retire')}"


def resource_name(stage: str, operation_id: str) -> str:
    """Name a resource that an operation makes.

    RDS takes at most 63 letters, digits and single hyphens (API reference).
    """
    name = f"aurora-restore-{_slug(stage, 10)}-{operation_id}"
    return name if len(name) <= NAME_MAX else f"{name[:45].rstrip('-')}-{digest_of(name)}"


def final_snapshot_name(stage: str, operation_id: str) -> str:
    """Name the last snapshot of a cluster that an operation deletes."""
    return f"{resource_name(stage, operation_id)}-final"


def copy_name(
    stage: str,
    root_id: str,
    *,
    snapshot_arn: str,
    created_at: datetime | None,
    key_arn: str | None,
) -> str:
    """Name a snapshot copy: the same for a whole chain of reruns, so that a rerun adopts it.

    A copy under another key has another name. So has the copy of a snapshot that was deleted and
    taken again under the same name.
    """
    timestamp = iso_timestamp(created_at) if created_at else ""
    key = (key_arn,) if key_arn else ()
    digest = digest_of(snapshot_arn, timestamp, *key)
    return f"{resource_name(stage, root_id)}-{digest[:_COPY_DIGITS]}"


def is_name_of_copy(identifier: str, stage: str, root_id: str) -> bool:
    """Tell whether a run of a chain of reruns may give its copy this name."""
    root = re.escape(resource_name(stage, root_id))
    return re.fullmatch(rf"{root}-[0-9a-f]{{{_COPY_DIGITS}}}", identifier) is not None


def _slug(text: str, length: int) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower())[:length].strip("-")
    return slug if slug[:1].isalpha() else f"r-{slug}".strip("-")


def digest_of(*parts: str) -> str:
    """Give eight hexadecimal digits that follow from the parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
