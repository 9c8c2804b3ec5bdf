"""Reads records of earlier versions, which had flat facts and settings and some other names.

The next change writes such a record whole in the present form (`chalicelib.records.operations`). An
earlier version can then no longer read it, which is better than reading a part of it.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.flow.plan import nested
from chalicelib.flow.setting_definitions import EXTENDED_SUPPORT

RENAMED: Mapping[str, str] = {
    "by_itself": "automatic",
    "skipped_busy": "skipped_because_locked",
    "troubles": "transient_errors",
    "bugs": "unexpected_errors",
    "stopped_in": "stopped_at",
    "worked_seconds": "active_seconds",
    "lasted_before": "expected_durations",
}
OLDER_FACTS: Mapping[str, tuple[str, str]] = {
    "snapshot_arn": ("snapshot", "arn"),
    "snapshot_created_at": ("snapshot", "created_at"),
    "snapshot_type": ("snapshot", "type"),
    "snapshot_engine_version": ("snapshot", "engine_version"),
    "snapshot_encrypted": ("snapshot", "encrypted"),
    "snapshot_kms_key_id": ("snapshot", "kms_key_id"),
    "source_resource_id": ("snapshot", "source_resource_id"),
    "master_username": ("snapshot", "master_username"),
    "kms_key_arn": ("copies", "kms_key_arn"),
    "hops": ("copies", "hops"),
    "hop": ("copies", "hop"),
    "copy_progress": ("copies", "progress"),
    "copy_queued_until": ("copies", "queued_until"),
    "copy_arn": ("copies", "arn"),
    "archived": ("copies", "archived"),
    "copy_failures": ("attempts", "copy_failures"),
    "copy_retry_until": ("attempts", "copy_retry_until"),
    "password_set_at": ("attempts", "password_set_at"),
    "passwords_set": ("attempts", "passwords_set"),
    "victim": ("target", "old"),
    "deletion": ("target", "deletion"),
    "cluster_arn": ("target", "cluster_arn"),
    "cluster_resource_id": ("target", "cluster_resource_id"),
    "endpoint": ("target", "endpoint"),
    "reader_endpoint": ("target", "reader_endpoint"),
    "port": ("target", "port"),
    "instances": ("target", "instances"),
    "master_password_checked": ("users", "master_password_checked"),
    "master_asked_for_token": ("users", "master_asked_for_token"),
    "exposed_from": ("users", "exposed_from"),
    "exposed_until": ("users", "exposed_until"),
    "production_logins_closed": ("users", "production_logins_closed"),
    "logins_closed": ("users", "logins_closed"),
    "logins_closed_count": ("users", "logins_closed_count"),
    "logins_kept": ("users", "logins_kept"),
    "other_logins_closed": ("users", "other_logins_closed"),
    "other_logins_closed_count": ("users", "other_logins_closed_count"),
    "quieted": ("users", "quieted"),
}


def present_form(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a record to the present form; a record that has it stays as it is.

    Each part is judged by itself: a function of the version before that writes during a deployment
    leaves a record of both forms. A part that is no map stays as it is, and is refused when read.
    """
    present = dict(item)
    for old, new in RENAMED.items():
        if old in present:
            present.setdefault(new, present.pop(old))
    if _is_flat_plan(item.get("settings")):
        present["settings"] = nested(item["settings"])
    present["settings"] = _with_what_was_done(present.get("settings"))
    if "facts" in item:
        present["facts"] = present_facts(item["facts"])
    return present


def present_facts(facts: Any) -> Any:
    """Nest the facts of a record, or of a row of the audit trail, by phase."""
    if not isinstance(facts, Mapping):
        return facts
    found: dict[str, Any] = {name: part for name, part in facts.items() if name not in OLDER_FACTS}
    for name in facts.keys() & OLDER_FACTS.keys():
        phase, field = OLDER_FACTS[name]
        part = found.get(phase, {})
        found[phase] = {**part, field: facts[name]} if isinstance(part, Mapping) else part
    return found


def outdated(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a record has that the present form has not, such as flat `settings`."""
    facts = item.get("facts")
    flat_facts = isinstance(facts, Mapping) and not OLDER_FACTS.keys().isdisjoint(facts)
    return (
        *(("settings",) if _is_flat_plan(item.get("settings")) else ()),
        *(("facts",) if flat_facts else ()),
        *(name for name in RENAMED if name in item),
    )


def _with_what_was_done(settings: Any) -> Any:
    """Say what a version that had no setting for it did.

    It deleted the old target first, and enrolled the new one in Extended Support, as AWS does.
    """
    target = settings.get("target") if isinstance(settings, Mapping) else None
    if not isinstance(target, Mapping):
        return settings
    did = {"replacement": "delete-first", "engine_lifecycle_support": EXTENDED_SUPPORT}
    return {**settings, "target": {**did, **target}}


def _is_flat_plan(settings: Any) -> bool:
    return isinstance(settings, Mapping) and "source_region" in settings
