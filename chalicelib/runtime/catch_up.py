"""The check of the plans: the age of the targets' data, and snapshots whose event never came.

The heartbeat makes it once in every interval.
"""

from datetime import timedelta

from aws_lambda_powertools.metrics import MetricUnit

from chalicelib import observability
from chalicelib.flow.errors import RefusedError, TransientError, UnreadableRecordError
from chalicelib.flow.plan import Plan
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.runtime import plans, starting
from chalicelib.snapshots.eligibility import newest_eligible
from chalicelib.snapshots.source import SourceCluster


def begins_interval(ports: Ports) -> bool:
    """Tell by the clock whether an interval began since the last tick.

    Ticks are not on time to the second, so the window is half a tick longer: two checks are better
    than none. A lost tick postpones the check to the next interval.
    """
    now, every = ports.now().timestamp(), ports.settings.catch_up_interval
    return now // every != (now - 1.5 * ports.settings.heartbeat_interval) // every


def check_plans(ports: Ports) -> None:
    """Check each plan, and count the operations in progress: at most one for each target.

    A plan with invalid settings is logged and counted, and is not checked.
    """
    under_way = 0
    for plan in plans.valid_plans(ports):
        try:
            under_way += _check_plan(plan, ports)
        except (TransientError, RefusedError, UnreadableRecordError) as error:
            logger.warning(f"The plan {plan.name} could not be checked: {error}")
            observability.count("CatchUpFailed", plan.stage, plan=plan.name)
    observability.count("OperationsUnderWay", ports.settings.stage, under_way)


def _check_plan(plan: Plan, ports: Ports) -> bool:
    """Enable the catch-up of one plan, report and catch up; tells whether its target is locked."""
    target = ports.operations.target(plan.target_cluster_arn)
    if target.catch_up_since is None:
        target = ports.operations.enable_catch_up(plan.target_cluster_arn, now=ports.now())
    _report_freshness(plan, target, ports)
    if target.locked_by is None:
        _catch_up(plan, target, ports)
    return target.locked_by is not None


def _report_freshness(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Report the age of the target's data; before the first success, the time since deployment.

    Otherwise a stage without any success would look fresh: an alarm cannot tell "none yet" from
    "no data". A paused plan has no age: nobody expects fresh data.
    """
    if plan.schedule.paused:  # the alarm of old data ignores that there are none meanwhile
        observability.count("PlanPaused", plan.stage, plan=plan.name)
        return
    if since := target.last_success_snapshot_at or target.catch_up_since:
        age = (ports.now() - since).total_seconds()
        observability.count("TargetAgeSeconds", plan.stage, age, MetricUnit.Seconds, plan=plan.name)


def _catch_up(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Start the newest snapshot that the target never had, once its event is clearly late."""
    now, settings = ports.now(), ports.settings
    # Ticks are not on time to the second: with a claim of the whole interval, every second search
    # would fail.
    next_look = now + timedelta(seconds=settings.catch_up_interval / 2)
    if not ports.operations.claim_catch_up(target, now=now, next_look=next_look):
        return
    snapshot = newest_eligible(SourceCluster(ports.service("rds", plan.source.region), plan), plan)
    if snapshot is None or snapshot.created_at is None or target.catch_up_since is None:
        return
    succeeded_at, newest_at = target.last_success_snapshot_at, target.newest_opened_at
    # After a rollback the last success is older than the data that people went back from.
    known = max(filter(None, (target.catch_up_since, succeeded_at, newest_at)))
    late = now - snapshot.created_at > timedelta(seconds=settings.catch_up_grace)
    if late and snapshot.created_at > known:
        starting.catch_up(plan, snapshot, ports)
