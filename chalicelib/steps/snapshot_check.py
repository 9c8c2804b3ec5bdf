"""snapshot-check: finds the snapshot that is to be restored, and makes sure that it is what it should be."""

from datetime import timedelta

from chalicelib.aurora import ENGINE, Health, Snapshot, SourceCluster, health
from chalicelib.choreography import State
from chalicelib.errors import RefusedError
from chalicelib.operation import Facts, Operation, stamp
from chalicelib.outcome import Advance, Outcome, Wait
from chalicelib.plan import OWNER_TAG, Plan
from chalicelib.ports import Ports


def snapshot_check(operation: Operation, ports: Ports) -> Outcome:
    """Look at the snapshot by describing it. Raises RefusedError for one that is not the source's, or is not there."""
    plan, facts = operation.settings, operation.facts
    source = SourceCluster(ports.service("rds", plan.source_region), plan)
    snapshot = source.observe_snapshot(facts.snapshot_arn) if facts.snapshot_arn else newest(source, plan)
    if snapshot is None:
        raise RefusedError(
            f"There is no {facts.snapshot_arn or 'usable'} snapshot of {plan.source_cluster_arn}.",
            "Name one that exists in snapshot_identifier.",
        )
    resource_id = source.observe_resource_id()
    refuse_foreign(snapshot, plan, resource_id)
    if health(snapshot.status) is Health.PROGRESSING:
        return Wait(f"The snapshot {snapshot.identifier} is {snapshot.status}.", plan.copy_check_interval)
    if snapshot.status != "available" or snapshot.created_at is None:
        raise RefusedError(
            f"The snapshot {snapshot.arn} is {snapshot.status or 'not finished'}.", "Name one that is available."
        )
    found = _facts(snapshot)
    if operation.by_itself and (why := _nothing_to_do(operation, snapshot, source, ports)):
        return Advance(State.SKIPPING, found, why, reason=why)
    warnings = () if resource_id else ("The source cluster is gone; its snapshot was known by its identifier only.",)
    what = f"{snapshot.identifier} of {stamp(snapshot.created_at)}, {ENGINE} {snapshot.engine_version}"
    return Advance(State.SNAPSHOT_FOUND, found, what, warnings=warnings)


def newest(source: SourceCluster, plan: Plan) -> Snapshot | None:
    """Find the newest snapshot that would start an operation by itself."""
    found = [source.newest_snapshot("automated")]
    if plan.snapshot_prefix:
        found.append(source.newest_snapshot("manual", plan.snapshot_prefix))
    return max(filter(None, found), key=lambda snapshot: str(snapshot.created_at), default=None)


def why_not_ours(snapshot: Snapshot, plan: Plan) -> str | None:
    """Say why a snapshot is not one of the plan's source, by what it is rather than by its name; None if it is."""
    if snapshot.engine != ENGINE:
        return f"{snapshot.arn} is of {snapshot.engine}, not of {ENGINE}"
    if snapshot.cluster_id != plan.source_cluster_id:
        return f"{snapshot.arn} is of the cluster {snapshot.cluster_id}, not of {plan.source_cluster_id}"
    if OWNER_TAG in snapshot.tags:
        return f"{snapshot.arn} is a copy that aurora-restore made itself"
    return None


def refuse_foreign(snapshot: Snapshot, plan: Plan, source_resource_id: str | None) -> None:
    """Raise RefusedError for a snapshot of another cluster, or of one that had the source's name before."""
    if why := why_not_ours(snapshot, plan):
        raise RefusedError(f"{why[0].upper()}{why[1:]}.", "Name a snapshot of the plan's source cluster.")
    if source_resource_id and snapshot.cluster_resource_id != source_resource_id:
        raise RefusedError(
            f"{snapshot.arn} is of an earlier cluster called {plan.source_cluster_id} "
            f"({snapshot.cluster_resource_id}; the present one is {source_resource_id}).",
            "Name a snapshot of the present source cluster.",
        )


def _nothing_to_do(operation: Operation, snapshot: Snapshot, source: SourceCluster, ports: Ports) -> str | None:
    plan, made = operation.settings, snapshot.created_at or ports.now()
    fresh = ports.operations.target(plan.target_cluster_arn).last_success_snapshot_at
    if fresh and made <= fresh:
        return f"The target already holds data of {stamp(fresh)}, and {snapshot.identifier} is of {stamp(made)}."
    if ports.now() - made > timedelta(hours=plan.snapshot_age_max_hours):
        return f"{snapshot.identifier} is of {stamp(made)}, older than {plan.snapshot_age_max_hours} hours."
    latest = newest(source, plan)
    if latest and latest.created_at and latest.created_at > made:
        return f"{snapshot.identifier} is of {stamp(made)}, and {latest.identifier} is newer."
    return None


def _facts(snapshot: Snapshot) -> Facts:
    return Facts(
        snapshot_arn=snapshot.arn, snapshot_created_at=snapshot.created_at, snapshot_type=snapshot.kind,
        snapshot_engine_version=snapshot.engine_version, snapshot_encrypted=snapshot.encrypted,
        snapshot_kms_key_id=snapshot.kms_key_id, source_resource_id=snapshot.cluster_resource_id,
        master_username=snapshot.master_username,
    )  # fmt: skip
