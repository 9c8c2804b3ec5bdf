"""snapshot-check: finds the snapshot that is to be restored, and makes sure that it is what it should be."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.aws.rds import ENGINE, Health, Snapshot, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.limits import counted
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.ports import Ports
from chalicelib.snapshots.eligibility import newest_eligible, refuse_foreign
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.older_data import why_older


def snapshot_check(operation: Operation, ports: Ports) -> Outcome:
    """Look at the snapshot by describing it.

    Raises RefusedError for one that is not the source's, or is not there.
    """
    plan, facts = operation.plan, operation.facts
    source = SourceCluster(ports.service("rds", plan.source.region), plan)
    snapshot = (
        source.observe_snapshot(facts.snapshot.arn)
        if facts.snapshot.arn
        else newest_eligible(source, plan)
    )
    if snapshot is None:
        raise RefusedError(
            f"There is no {facts.snapshot.arn or 'usable'} snapshot of {plan.source_cluster_arn}.",
            "Name one that exists in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    resource_id = source.observe_resource_id()
    refuse_foreign(snapshot, plan, resource_id)
    if health(snapshot.status) is Health.PROGRESSING:
        return Wait(
            f"The snapshot {snapshot.identifier} is {snapshot.status}.",
            plan.copies.copy_check_interval,
        )
    if snapshot.status != "available" or snapshot.created_at is None:
        raise RefusedError(
            f"The snapshot {snapshot.arn} is {snapshot.status or 'not finished'}.",
            "Name one that is available in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    found = _facts(snapshot)
    if operation.automatic and (why := _nothing_to_do(operation, snapshot, source, ports)):
        return Advance(State.SKIPPING, found, why, reason=why)
    if not operation.automatic and (older := why_older(replace(operation, facts=found), ports)):
        return Advance(
            State.SKIPPING, found, older.reason, reason=older.reason, remedy=older.remedy
        )
    warnings = (
        ()
        if resource_id
        else ("The source cluster is gone; its snapshot was known by its identifier only.",)
    )
    what = f"{snapshot.identifier} of {iso_timestamp(snapshot.created_at)}, {ENGINE} {snapshot.engine_version}"
    return Advance(State.SNAPSHOT_FOUND, found, what, warnings=warnings)


def _nothing_to_do(
    operation: Operation, snapshot: Snapshot, source: SourceCluster, ports: Ports
) -> str | None:
    plan, made = operation.plan, snapshot.created_at or ports.now()
    target = ports.operations.target(plan.target_cluster_arn)
    held, proven = (
        target.standing.snapshot_at,
        target.standing.operation == target.last_success_operation,
    )
    if held and not target.standing.is_clear and (made < held or (made == held and proven)):
        return (
            f"The target already holds data of {iso_timestamp(held)}, and {snapshot.identifier} is of "
            f"{iso_timestamp(made)}."
        )
    if ports.now() - made > timedelta(hours=plan.source.snapshot_age_max_hours):
        return (
            f"{snapshot.identifier} is of {iso_timestamp(made)}, older than "
            f"{counted(plan.source.snapshot_age_max_hours, 'hour')}."
        )
    latest = newest_eligible(source, plan)
    if latest and latest.created_at and latest.created_at > made:
        return (
            f"{snapshot.identifier} is of {iso_timestamp(made)}, and {latest.identifier} is newer."
        )
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
