"""The events that the app publishes: a state was entered, a target will be replaced."""

from datetime import datetime
from typing import Any

from chalicelib.flow import exposure
from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.not_carried import not_carried
from chalicelib.flow.operation import Operation
from chalicelib.flow.retirement import previous_kept_until
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import one_line
from chalicelib.messages import commands
from chalicelib.messages.target_naming import opened_arn


def announcement(operation: Operation) -> tuple[str, dict[str, Any]]:
    """Make the event that announces the present state.

    The event of an end has all that users' own steps need.
    """
    detail: dict[str, Any] = {
        "operation_id": operation.operation_id,
        "plan": operation.plan_name,
        "stage": operation.stage,
        "state": operation.state.value,
        "version": operation.version,
    }
    if operation.state in TERMINAL:
        detail.update(end_of(operation))
    return ROWS[operation.state].event, detail


def replacement_of(operation: Operation, at: str) -> dict[str, Any]:
    """Describe for programs when a target will be replaced, and what prevents it."""
    return {
        "operation_id": operation.operation_id,
        "plan": operation.plan_name,
        "stage": operation.stage,
        "target_cluster": operation.plan.target_cluster_arn,
        "snapshot": operation.facts.snapshot.arn,
        "replaced_at": at,
        "cancel": commands.cancel_command(operation),
    }


def end_of(operation: Operation) -> dict[str, Any]:
    """Describe the end of an operation for programs; None where something was never made."""
    facts, plan, old = operation.facts, operation.plan, operation.facts.target.old
    return {
        "source_cluster": plan.source_cluster_arn,
        "target_cluster": opened_arn(operation),
        "previous_cluster": old.resource_id if old and operation.keeps_previous else None,
        "previous_kept_until": _iso_or_none(previous_kept_until(operation)),
        "snapshot": facts.snapshot.arn,
        "snapshot_created_at": _iso_or_none(facts.snapshot.created_at),
        "endpoint": facts.target.endpoint,
        "reader_endpoint": facts.target.reader_endpoint,
        "port": facts.target.port,
        "master_credentials_secret_id": plan.users.master_credentials_secret_id,
        "app_credentials_secret_id": plan.users.app_credentials_secret_id,
        "production_logins_closed": facts.users.production_logins_closed,
        "production_logins_kept": list(facts.users.logins_kept),
        "exposure_seconds_max": exposure.seconds_max(facts),
        "quieted": dict(facts.users.quieted),
        "reason": operation.reason and one_line(operation.reason),
        "remedy": operation.remedy and one_line(operation.remedy),
        "problems": [one_line(problem) for problem in operation.problems],
        "failed_step": operation.failed_step,
        "stopped_in": operation.stopped_at.value if operation.stopped_at else None,
        "not_carried": _not_carried(operation),
        "warnings": [one_line(warning) for warning in operation.warnings],
        "notified": operation.notified,
        "rerun_of": operation.rerun_of,
        "keeps_cluster": bool(operation.keeps_cluster),
        "created_at": iso_timestamp(operation.created_at),
        "ended_at": _iso_or_none(operation.ended_at),
        "durations": operation.to_item()["durations"],
    }


def _not_carried(operation: Operation) -> list[str]:
    """List what the new target lacks; nothing where it did not come to be."""
    is_good = operation.state in (State.ARCHIVED, State.SUCCEEDED)
    return [one_line(what) for what in not_carried(operation)] if is_good else []


def _iso_or_none(moment: datetime | None) -> str | None:
    return iso_timestamp(moment) if moment else None
