"""Whether the stage is alive: the heartbeat beats, and the targets are fresh."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.setting_bounds import FRESHNESS_HOURS
from chalicelib.aws.client import NotFoundError
from chalicelib.flow.operation import Kind
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.targets import TargetRecord

BEATS_WITHIN = timedelta(minutes=5)


def heartbeat(view: StageView) -> Iterator[Finding]:
    """See that the heartbeat beats, by the metric that every tick writes into its log."""
    name = view.stage.function("heartbeat")
    beats = log_lines(view, "heartbeat", '"Heartbeat"', BEATS_WITHIN)
    if beats:
        last = datetime.fromtimestamp(
            max(beat["timestamp"] for beat in beats) / 1000, tz=view.now().tzinfo
        )
        yield ok(f"The heartbeat ran at {iso_timestamp(last)}.")
        return
    minutes = BEATS_WITHIN // timedelta(minutes=1)
    yield failed(
        f"The heartbeat has not run for {minutes} minutes: lost events are not published again, "
        "and waits do not end.",
        f"Read its log: aws logs tail /aws/lambda/{name} --region {view.stage.region} --since "
        "1h. See also the checks `rules` and `functions`.",
    )


def log_lines(view: StageView, function: str, pattern: str, within: timedelta) -> list[Described]:
    """Find lines in the log of a function.

    CloudWatch may give empty pages before one that has something.
    """
    since = view.now() - within
    with suppress(NotFoundError):  # a group comes into being with its function
        return view.service("logs").pages(
            "filter_log_events",
            "events",
            logGroupName=f"/aws/lambda/{view.stage.function(function)}",
            filterPattern=pattern,
            startTime=int(since.timestamp() * 1000),
        )
    return []


def freshness(view: StagePlan) -> Iterator[Finding]:
    """See how old the target's data is, as the alarm no-fresh-restore does: a rollback ages it.

    Raises UnreadableRecordError for a target's item that is no such item.
    """
    target = view.stage_view.ports.operations.target(view.plan.target_cluster_arn)
    # What is out of bounds is told by the check `settings`, and refused by the next deployment.
    hours = view.stage_view.stage.freshness_hours or FRESHNESS_HOURS.default
    if target.last_success_at is None:
        yield ok("It has not been restored yet.")
        return
    told = _data(view, target, target.last_success_at)
    since = target.last_success_snapshot_at or target.last_success_at
    if view.stage_view.now() - since > timedelta(hours=hours):
        yield warning(
            f"The data of the last success is more than {hours} hours old. {told}",
            "See the check `last operation`: it says how the last one ended, and what to do.",
        )
    else:
        yield ok(told)


def _data(view: StagePlan, target: TargetRecord, succeeded_at: datetime) -> str:
    """Say of which snapshot the target's data is, and since when it has that data."""
    standing, at = target.standing, iso_timestamp(succeeded_at)
    if standing.operation != target.last_success_operation:
        return f"The last success ended at {at}; {standing.operation} replaced its cluster since."
    last = view.ports.operations.read(standing.operation) if standing.operation else None
    how = "restored"
    if last and (last.kind is Kind.ROLLBACK or last.keeps_cluster):
        how = "a step was repeated" if last.keeps_cluster else "rolled back"
        at = iso_timestamp(last.ended_at or last.entered_at)
    snapshot_at = standing.snapshot_at
    data = f"Data of the snapshot of {iso_timestamp(snapshot_at)}" if snapshot_at else ""
    return f"{data or 'Data that no known operation restored'}; {how} at {at}."
