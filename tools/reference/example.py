"""The example of a terminal event, from the code that creates the real ones."""

import json
from datetime import UTC, datetime, timedelta

from chalicelib.flow.choreography import ROWS, State, event_source
from chalicelib.flow.facts import Facts, SnapshotFacts, TargetFacts, UserFacts
from chalicelib.flow.identifiers import automatic_id
from chalicelib.flow.operation import Duration, Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages import announcements

STAGE = "dev"
_NIGHT = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
_STARTED = _NIGHT + timedelta(minutes=3)
_SNAPSHOT = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:rds:prod-cluster-2026-11-23-03-12"
_PLAN = Plan.of_settings(
    name="default",
    stage=STAGE,
    account="123456789012",
    source_region="us-east-1",
    source_cluster_id="prod-cluster",
    target_region="us-west-2",
    target_cluster_id="staging-cluster",
    db_subnet_group_name="staging",
    vpc_security_group_ids=("sg-0a1b2c3d",),
    instance_class="db.r6g.large",
    master_credentials_secret_id=f"aurora-restore/{STAGE}/master-db-credentials",
    app_credentials_secret_id=f"aurora-restore/{STAGE}/app-db-credentials",
    sns_topic_arn=f"arn:aws:sns:us-west-2:123456789012:aurora-restore-{STAGE}-notifications",
)


def announcement() -> str:
    """Write the event of a success as it stands on the bus, without what EventBridge adds.

    One duration suffices.
    """
    detail_type, detail = announcements.announcement(_succeeded())
    entry = {"source": event_source(STAGE), "detail-type": detail_type, "detail": detail}
    return f"```json\n{json.dumps(entry, indent=2)}\n```"


def _succeeded() -> Operation:
    ended = _STARTED + timedelta(minutes=71)
    operation_id = automatic_id("default", STAGE, _SNAPSHOT, _NIGHT)
    return Operation(
        operation_id=operation_id,
        root_id=operation_id,
        stage=STAGE,
        plan_name="default",
        plan=_PLAN,
        state=State.SUCCEEDED,
        version=15,
        created_at=_STARTED,
        entered_at=ended,
        ended_at=ended,
        deadline=ended,
        requested_by="the automated snapshot",
        facts=_FACTS,
        durations=(_COPY,),
        notified=True,
    )


_FACTS = Facts(
    snapshot=SnapshotFacts(arn=_SNAPSHOT, created_at=_NIGHT),
    users=UserFacts(
        production_logins_closed=True,
        exposed_from=_STARTED + timedelta(minutes=52),
        exposed_until=_STARTED + timedelta(minutes=56, seconds=10),
    ),
    target=TargetFacts(
        port=5432,
        endpoint="staging-cluster.cluster-c0ffee123456.us-west-2.rds.amazonaws.com",
        reader_endpoint="staging-cluster.cluster-ro-c0ffee123456.us-west-2.rds.amazonaws.com",
    ),
)
_COPY = Duration(
    step=ROWS[State.COPYING].step or "",
    state=State.COPYING,
    to=State.SNAPSHOT_READY,
    started_at=_STARTED,
    seconds=1440.0,
    own_seconds=0.9,
)
