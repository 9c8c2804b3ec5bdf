"""snapshot-check: finds the snapshot to restore, and checks that it is available and suitable."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.aws.rds import ENGINE, Snapshot
from chalicelib.aws.statuses import Health, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.text_limits import counted
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.ports import Ports
from chalicelib.snapshots.eligibility import newest_eligible, refuse_foreign
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.older_data import why_older


def snapshot_check(operation: Operation, ports: Ports) -> Outcome:
    """Check the snapshot; raises RefusedError for one that is not the source's, or is missing."""
    plan = operation.plan
    source = SourceCluster(ports.service("rds", plan.source.region), plan)
    snapshot = _find(operation, source)
    resource_id = source.observe_resource_id()
    refuse_foreign(snapshot, plan, resource_id)
    if health(snapshot.status) is Health.PROGRESSING:
        reason = f"The snapshot {snapshot.identifier} is {snapshot.status}."
        return Wait(reason, plan.copies.copy_check_interval)
    if snapshot.status != "available" or snapshot.created_at is None:
        raise RefusedError(
            f"The snapshot {snapshot.arn} is {snapshot.status or 'not finished'}.",
            "Name one that is available in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    found = _facts(snapshot)
    if operation.automatic and (skip := _why_skipped(operation, snapshot, source, ports)):
        return Advance(State.SKIPPING, found, skip, reason=skip)
    if not operation.automatic and (older := why_older(replace(operation, facts=found), ports)):
        what = older.reason
        return Advance(State.SKIPPING, found, what, reason=what, remedy=older.remedy)
    warnings: tuple[str, ...] = ()
    if resource_id is None:
        warnings = ("The source cluster is gone; its snapshot was known by its identifier only.",)
    version = f"{ENGINE} {snapshot.engine_version}"
    what = f"{snapshot.identifier} of {iso_timestamp(snapshot.created_at)}, {version}"
    return Advance(State.SNAPSHOT_FOUND, found, what, warnings=warnings)


def _find(operation: Operation, source: SourceCluster) -> Snapshot:
    plan, arn = operation.plan, operation.facts.snapshot.arn
    snapshot = source.observe_snapshot(arn) if arn else newest_eligible(source, plan)
    if snapshot is None:
        raise RefusedError(
            f"There is no {arn or 'usable'} snapshot of {plan.source_cluster_arn}.",
            "Name one that exists in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    return snapshot


def _why_skipped(
    operation: Operation, snapshot: Snapshot, source: SourceCluster, ports: Ports
) -> str | None:
    plan, created_at = operation.plan, snapshot.created_at or ports.now()
    if held_up := plan.schedule.why_held(ports.now()):
        return f"{held_up}, so {snapshot.identifier} is not restored."
    target = ports.operations.target(plan.target_cluster_arn)
    standing, held = target.standing, target.standing.snapshot_at
    succeeded = standing.operation == target.last_success_operation
    name, time = snapshot.identifier, iso_timestamp(created_at)
    if held and not standing.is_clear:
        is_older = created_at < held
        if is_older or (created_at == held and succeeded):
            return (
                f"The target already holds data of {iso_timestamp(held)}, and {name} is of {time}."
            )
    newest = target.newest_opened_at
    if newest and created_at <= newest and (held is None or held < created_at):
        return (
            f"The target had data of {iso_timestamp(newest)} before somebody went back to older "
            f"data, and {name} is of {time}."
        )
    hours = plan.source.snapshot_age_max_hours
    if ports.now() - created_at > timedelta(hours=hours):
        return f"{name} is of {time}, older than {counted(hours, 'hour')}."
    latest = newest_eligible(source, plan)
    if latest and latest.created_at and latest.created_at > created_at:
        return f"{name} is of {time}, and {latest.identifier} is newer."
    return None


def _facts(snapshot: Snapshot) -> Facts:
    return Facts(
        snapshot=SnapshotFacts(
            arn=snapshot.arn,
            created_at=snapshot.created_at,
            type=snapshot.kind,
            engine_version=snapshot.engine_version,
            encrypted=snapshot.encrypted,
            kms_key_id=snapshot.kms_key_id,
            source_resource_id=snapshot.cluster_resource_id,
            master_username=snapshot.master_username,
        )
    )
