"""heartbeat: every minute, announces what is due again, starts what was missed, and tells how fresh the targets are."""

from datetime import timedelta

from aws_lambda_powertools.metrics import MetricUnit

from chalicelib import observability
from chalicelib.flow.errors import RefusedError, TransientError, UnreadableRecordError
from chalicelib.flow.plan import Plan
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.runtime import plans, starting, sweep
from chalicelib.snapshots.eligibility import newest_eligible
from chalicelib.snapshots.source import SourceCluster


def heartbeat(ports: Ports, *, first: bool = False) -> None:
    """Do one tick: what is due always, the plans at the `first` tick of a process and once in every interval.

    So a deployment arms at once, and a tick with nothing due asks for nothing but that. What goes
    wrong with one plan stops no other; raises SettingsError where there are no plans. Only a tick
    that came to its end counts as one: the alarm hears silence when the tables or the settings
    cannot be had, too, and not only when nothing runs.
    """
    plans_are_due = first or _begins_interval(
        ports
    )  # judged before the sweep, which takes its time
    sweep.sweep(ports)
    if plans_are_due:
        _look_after_plans(ports)
    observability.count("Heartbeat", ports.settings.stage)


def _begins_interval(ports: Ports) -> bool:
    """Tell by the clock whether an interval began since the last tick.

    A lost tick puts it off to the next interval.

    Ticks are not on time to the second, so half a beat more is looked back: better twice than not
    at all.
    """
    now, every = ports.now().timestamp(), ports.settings.catch_up_interval
    return now // every != (now - 1.5 * ports.settings.heartbeat_interval) // every


def _look_after_plans(ports: Ports) -> None:
    """Look after each plan, and count the operations that are under way: a target has one at a time, its holder."""
    under_way = 0
    for plan in plans.plans(ports):
        try:
            under_way += _check_plan(plan, ports)
        except (TransientError, RefusedError, UnreadableRecordError) as error:
            logger.warning(f"The plan {plan.name} could not be looked after: {error}")
            observability.count("CatchUpFailed", plan.stage, plan=plan.name)
    observability.count("OperationsUnderWay", ports.settings.stage, under_way)


def _check_plan(plan: Plan, ports: Ports) -> bool:
    """Arm, report and catch up one plan; tells whether an operation has its target."""
    target = ports.operations.target(plan.target_cluster_arn)
    if target.catch_up_since is None:
        target = ports.operations.enable_catch_up(plan.target_cluster_arn, now=ports.now())
    _report_freshness(plan, target, ports)
    if target.locked_by is None:
        _catch_up(plan, target, ports)
    return target.locked_by is not None


def _report_freshness(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Say how old the target's data is; before the first success, how long one has been waited for.

    So a stage that never had one is not taken for a fresh one: an alarm cannot tell "none yet" from
    "no news".
    """
    if since := target.last_success_snapshot_at or target.catch_up_since:
        age = (ports.now() - since).total_seconds()
        observability.count("TargetAgeSeconds", plan.stage, age, MetricUnit.Seconds, plan=plan.name)


def _catch_up(plan: Plan, target: TargetRecord, ports: Ports) -> None:
    """Start what no event started: the newest snapshot since we were deployed, once its event is clearly late."""
    now, settings = ports.now(), ports.settings
    # Ticks are not on time to the second: a claim of the whole interval would have every second
    # look fail.
    next_look = now + timedelta(seconds=settings.catch_up_interval / 2)
    if not ports.operations.claim_catch_up(target, now=now, next_look=next_look):
        return
    snapshot = newest_eligible(SourceCluster(ports.service("rds", plan.source.region), plan), plan)
    if snapshot is None or snapshot.created_at is None or target.catch_up_since is None:
        return
    known = max(filter(None, (target.catch_up_since, target.last_success_snapshot_at)))
    late = now - snapshot.created_at > timedelta(seconds=settings.catch_up_grace)
    if late and snapshot.created_at > known:
        starting.catch_up(plan, snapshot, ports)
