"""The patterns of the rules that wake the steps: read off the choreography, evaluated when the app is deployed."""

from collections.abc import Iterable
from typing import Any

from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    CHOREOGRAPHY,
    IN_VPC,
    PROBE_REQUESTED,
    REQUESTED,
    START_STEP,
    event_source,
)
from chalicelib.flow.rds_events import RDS_SOURCE, SNAPSHOT, RdsEvent


def pattern(step: str, stage: str) -> dict[str, Any]:
    """Build the EventBridge pattern of the rule that wakes `step`.

    RDS events are not narrowed by identifier: a plan's clusters are settings that are read when the
    event arrives, and an event that is not ours is to be seen ignored, with a log line, rather than
    lost without a trace.
    """
    ours = [row.event for row in CHOREOGRAPHY if row.step == step]
    if step == START_STEP:
        return _any_of(stage, [*ours, REQUESTED], (), all_snapshot_events=True)
    if step == "cancel-restore":
        return _any_of(stage, [CANCEL_REQUESTED], ())
    if step == IN_VPC:
        ours.append(PROBE_REQUESTED)
    return _any_of(
        stage, ours, [event for row in CHOREOGRAPHY if row.step == step for event in row.rds_events]
    )


def _any_of(
    stage: str,
    ours: list[str],
    rds_events: Iterable[RdsEvent],
    *,
    all_snapshot_events: bool = False,
) -> dict[str, Any]:
    branches: list[dict[str, Any]] = [{"source": [event_source(stage)], "detail-type": ours}]
    if all_snapshot_events:
        branches.append({"source": [RDS_SOURCE], "detail-type": [SNAPSHOT]})
    if rds_events := tuple(rds_events):
        branches.append(_from_rds(rds_events))
    return (
        {"$or": branches} if len(branches) > 1 else branches[0]
    )  # EventBridge wants two branches or no $or


def _from_rds(rds_events: tuple[RdsEvent, ...]) -> dict[str, Any]:
    by_id = {"EventID": sorted({event.event_id for event in rds_events})}
    by_message = {
        "Message": [
            {"prefix": message} for message in sorted({event.message for event in rds_events})
        ]
    }
    detail_types = sorted({event.detail_type for event in rds_events})
    return {
        "source": [RDS_SOURCE],
        "detail-type": detail_types,
        "detail": {"$or": [by_id, by_message]},
    }
