"""snapshot-check: finds the snapshot that is to be restored, and makes sure that it is what it should be."""

from datetime import timedelta

from chalicelib.aws.rds import ENGINE, Health, Snapshot, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.limits import counted
from chalicelib.flow.moments import stamp
from chalicelib.flow.operation import Facts, Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.runtime.older_data import why_older
from chalicelib.snapshots.eligibility import newest, refuse_foreign
from chalicelib.snapshots.source import SourceCluster


def snapshot_check(operation: Operation, ports: Ports) -> Outcome:
    """Look at the snapshot by describing it.

    Raises RefusedError for one that is not the source's, or is not there.
    """
    plan, facts = operation.settings, operation.facts
    source = SourceCluster(ports.service("rds", plan.source_region), plan)
    snapshot = (
        source.observe_snapshot(facts.snapshot_arn) if facts.snapshot_arn else newest(source, plan)
    )
    if snapshot is None:
        raise RefusedError(
            f"There is no {facts.snapshot_arn or 'usable'} snapshot of {plan.source_cluster_arn}.",
            "Name one that exists in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    resource_id = source.observe_resource_id()
    refuse_foreign(snapshot, plan, resource_id)
    if health(snapshot.status) is Health.PROGRESSING:
        return Wait(
            f"The snapshot {snapshot.identifier} is {snapshot.status}.", plan.copy_check_interval
        )
    if snapshot.status != "available" or snapshot.created_at is None:
        raise RefusedError(
            f"The snapshot {snapshot.arn} is {snapshot.status or 'not finished'}.",
            "Name one that is available in snapshot_identifier, or wait for the next one.",
            retry=Retry.NEW_REQUEST,
        )
    found = _facts(snapshot)
    if operation.by_itself and (why := _nothing_to_do(operation, snapshot, source, ports)):
        return Advance(State.SKIPPING, found, why, reason=why)
    if not operation.by_itself and (older := why_older(operation.evolve(facts=found), ports)):
        return Advance(
            State.SKIPPING, found, older.reason, reason=older.reason, remedy=older.remedy
        )
    warnings = (
        ()
        if resource_id
        else ("The source cluster is gone; its snapshot was known by its identifier only.",)
    )
    what = (
        f"{snapshot.identifier} of {stamp(snapshot.created_at)}, {ENGINE} {snapshot.engine_version}"
    )
    return Advance(State.SNAPSHOT_FOUND, found, what, warnings=warnings)


def _nothing_to_do(
    operation: Operation, snapshot: Snapshot, source: SourceCluster, ports: Ports
) -> str | None:
    plan, made = operation.settings, snapshot.created_at or ports.now()
    target = ports.operations.target(plan.target_cluster_arn)
    held, proven = (
        target.standing.snapshot_at,
        target.standing.operation == target.last_success_operation,
    )
    if held and not target.standing.is_clear and (made < held or (made == held and proven)):
        return (
            f"The target already holds data of {stamp(held)}, and {snapshot.identifier} is of "
            f"{stamp(made)}."
        )
    if ports.now() - made > timedelta(hours=plan.snapshot_age_max_hours):
        return (
            f"{snapshot.identifier} is of {stamp(made)}, older than "
            f"{counted(plan.snapshot_age_max_hours, 'hour')}."
        )
    latest = newest(source, plan)
    if latest and latest.created_at and latest.created_at > made:
        return f"{snapshot.identifier} is of {stamp(made)}, and {latest.identifier} is newer."
    return None


def _facts(snapshot: Snapshot) -> Facts:
    return Facts(
        snapshot_arn=snapshot.arn,
        snapshot_created_at=snapshot.created_at,
        snapshot_type=snapshot.kind,
        snapshot_engine_version=snapshot.engine_version,
        snapshot_encrypted=snapshot.encrypted,
        snapshot_kms_key_id=snapshot.kms_key_id,
        source_resource_id=snapshot.cluster_resource_id,
        master_username=snapshot.master_username,
    )
