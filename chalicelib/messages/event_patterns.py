"""The patterns of the EventBridge rules that wake the steps, derived from the choreography."""

from collections.abc import Sequence
from typing import Any

from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    CHOREOGRAPHY,
    IN_VPC,
    PROBE_REQUESTED,
    REQUESTED,
    ROLLBACK_REQUESTED,
    START_STEP,
    event_source,
)
from chalicelib.flow.rds_event_ids import RDS_SOURCE, SNAPSHOT, RdsEvent


def pattern(step: str, stage: str) -> dict[str, Any]:
    """Build the EventBridge pattern of the rule that wakes `step`.

    It does not filter RDS events by identifier: a plan's clusters are settings that are read when
    the event arrives, and an event of another cluster is logged as ignored, rather than lost
    without a trace.
    """
    rows = [row for row in CHOREOGRAPHY if row.step == step]
    events = [row.event for row in rows]
    if step == START_STEP:
        requests = [REQUESTED, ROLLBACK_REQUESTED]
        return _any_of(stage, [*events, *requests], (), all_snapshot_events=True)
    if step == "cancel-restore":
        return _any_of(stage, [CANCEL_REQUESTED], ())
    if step == IN_VPC:
        events.append(PROBE_REQUESTED)
    return _any_of(stage, events, [event for row in rows for event in row.rds_events])


def _any_of(
    stage: str,
    events: list[str],
    rds_events: Sequence[RdsEvent],
    *,
    all_snapshot_events: bool = False,
) -> dict[str, Any]:
    branches: list[dict[str, Any]] = [{"source": [event_source(stage)], "detail-type": events}]
    if all_snapshot_events:
        branches.append({"source": [RDS_SOURCE], "detail-type": [SNAPSHOT]})
    if rds_events:
        branches.append(_from_rds(rds_events))
    if len(branches) == 1:
        return branches[0]  # EventBridge refuses an $or of one branch
    return {"$or": branches}


def _from_rds(rds_events: Sequence[RdsEvent]) -> dict[str, Any]:
    messages = sorted({event.message for event in rds_events})
    by_id = {"EventID": sorted({event.event_id for event in rds_events})}
    by_message = {"Message": [{"prefix": message} for message in messages]}
    detail_types = sorted({event.detail_type for event in rds_events})
    return {
        "source": [RDS_SOURCE],
        "detail-type": detail_types,
        "detail": {"$or": [by_id, by_message]},
    }
