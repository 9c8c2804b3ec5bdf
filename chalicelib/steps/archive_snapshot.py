"""archive-snapshot: checks the target once more, moves custom endpoints, settles the copies."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.aws.rds import Cluster, Instance, Snapshot
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import (
    STATE_FAULT_MAX,
    RefusedError,
    Retry,
    StateFaultError,
    TransientError,
)
from chalicelib.flow.facts import Hop
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.polling import backoff
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.ports import Ports
from chalicelib.snapshots.copies import Copies
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.deletion import protection_lifted
from chalicelib.target.endpoints import settle_endpoints
from chalicelib.target.extras import ensure_data_api
from chalicelib.target.readiness import until_as_planned
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.status_remedies import EVENTS


def archive_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Check the restored cluster and its instances once more, then archive or delete the copies.

    Success follows this step, so a cluster or instance that is gone, unusable or not as planned
    ends the operation: RefusedError, or TransientError until the deadline. An error with the copies
    is only a warning.
    """
    target = TargetCluster(ports.service("rds", operation.plan.target.region), operation)
    try:
        cluster = require_restored(operation, target, ports)
        instances = target.observe_instances()
        wait = until_as_planned(operation, target, cluster, instances, ports.now())
    except RefusedError as error:
        raise _in_use(operation, error) from None
    if wait:
        return wait
    settled = settle_endpoints(operation, cluster, ports)
    if settled.wait:
        return settled.wait
    operation = settled.operation
    data_api = ensure_data_api(operation, target, cluster, ports)
    if isinstance(data_api, Wait):
        return replace(data_api, facts=operation.facts)
    warnings = (*settled.warnings, *data_api)
    if operation.kind is Kind.ROLLBACK:
        what = "a rollback makes no copy"
        if lifted := protection_lifted(operation, cluster, ports):
            warnings = (*warnings, lifted)
        return Advance(State.ARCHIVED, operation.facts, what, warnings=warnings)
    outcome = _settle_copies(operation, ports)
    if isinstance(outcome, Wait):
        return outcome
    unplanned = _unplanned(operation, cluster, instances)
    return replace(outcome, warnings=(*warnings, *outcome.warnings, *unplanned))


def _in_use(operation: Operation, error: RefusedError) -> RefusedError:
    """Give a refusal that sends people to no earlier step, where they have the cluster already."""
    is_back = operation.kind is Kind.ROLLBACK or error.from_step is None
    if is_back or error.retry is not Retry.RERUN:
        return error
    return RefusedError(
        error.reason,
        "Find out what happened to the target. People have it by now, so no earlier step of this "
        f"operation is run again. {EVENTS}",
        retry=Retry.NEW_REQUEST,
    )


def _settle_copies(operation: Operation, ports: Ports) -> Advance | Wait:
    try:
        return _archive(operation, ports)
    except RefusedError as error:
        return _kept_as_it_is(operation, f"{error.reason} {error.remedy}")
    except StateFaultError as error:
        return _after_state_fault(operation, error, ports.now())
    except TransientError as error:
        if ports.now() < operation.deadline:
            return Wait(error.reason, backoff(operation), trouble=True)
        reason = f"{error.reason} The deadline of {operation.state} has passed."
        return _kept_as_it_is(operation, reason)


def _after_state_fault(
    operation: Operation, error: StateFaultError, now: datetime
) -> Advance | Wait:
    """Wait for a copy's state to change, at most `STATE_FAULT_MAX`."""
    since = operation.state_fault_since or now
    if now - since < STATE_FAULT_MAX and now < operation.deadline:
        return Wait(error.reason, backoff(operation), trouble=True, state_fault_since=since)
    minutes = (now - since) // timedelta(minutes=1)
    return _kept_as_it_is(operation, f"{error.reason} It was refused for {minutes} minutes.")


def _unplanned(operation: Operation, cluster: Cluster, instances: list[Instance]) -> Iterator[str]:
    """Warn of instances that somebody deleted, and of those that somebody added."""
    created = {*operation.facts.target.instances}
    present = {instance.identifier for instance in instances}
    if missing := sorted(created - present):
        yield (
            f"The cluster {cluster.identifier} no longer has the instances {', '.join(missing)}, "
            "which somebody deleted. The next restore creates them again."
        )
    if others := sorted(present - created):
        yield (
            f"The cluster {cluster.identifier} has instances that this operation did not create: "
            f"{', '.join(others)}. They are left alone. A restore replaces no cluster with an "
            "instance that lacks the plan's tag: delete those that are not needed, or tag them."
        )


def _kept_as_it_is(operation: Operation, why: str) -> Advance:
    what = "the copies were left as they are"
    warning = f"archive-snapshot: {why}"
    return Advance(State.ARCHIVED, operation.facts, what, warnings=(warning,))


def _archive(operation: Operation, ports: Ports) -> Advance:
    facts, plan = operation.facts, operation.plan
    if facts.copies.archived is not None:
        return Advance(State.ARCHIVED, facts, "the copies were archived or deleted before")
    kept = facts.copies.hops[-1:] if plan.copies.archive_snapshot else ()
    unneeded = _unneeded(operation, kept, ports)
    if unneeded:
        what = f"delete {', '.join(copy.identifier for _, copy in unneeded)}"
        ports.operations.audit_intent(
            operation, step="archive-snapshot", what=what, now=ports.now()
        )
    for copies, copy in unneeded:
        copies.delete(copy)
    for hop in kept:
        copies = Copies(ports.service("rds", hop.region), operation)
        copies.mark_archived(_kept(copies.observe(hop), hop), iso_timestamp(ports.now()))
    if not facts.copies.hops:
        what = "there is no copy: the source's own snapshot was restored"
        if operation.keeps_cluster:  # it has only the facts of the run before it
            what = "nothing was restored, so there is no copy to archive"
        return Advance(State.ARCHIVED, facts, what)
    done = replace(facts, copies=replace(facts.copies, archived=plan.copies.archive_snapshot))
    what = "kept and tagged as archived" if plan.copies.archive_snapshot else "deleted"
    return Advance(State.ARCHIVED, done, f"the copy {facts.copies.hops[-1].identifier} is {what}")


def _unneeded(
    operation: Operation, kept: tuple[Hop, ...], ports: Ports
) -> list[tuple[Copies, Snapshot]]:
    """Find the copies to delete: intermediate ones, and those of other runs of the chain.

    The latter are found by their tags, because a run has only the facts of the run before it.
    """
    target_region, hops = operation.plan.target.region, operation.facts.copies.hops
    kept_names = {hop.identifier for hop in kept}
    found = []
    for region in sorted({target_region, *(hop.region for hop in hops)}):
        copies = Copies(ports.service("rds", region), operation)
        known = [copies.observe(hop) for hop in hops if hop.region == region and hop not in kept]
        others = copies.observe_unkept() if operation.rerun_of else []
        by_name = {copy.identifier: copy for copy in (*others, *known) if copy}
        found += [(copies, copy) for name, copy in by_name.items() if name not in kept_names]
    return found


def _kept(copy: Snapshot | None, hop: Hop) -> Snapshot:
    if copy is None or copy.status != "available":
        raise RefusedError(
            f"The copy {hop.identifier} cannot be kept: it is {copy.status if copy else 'gone'}.",
            "Find out who deleted it. To keep this data, take a snapshot of the restored cluster.",
        )
    return copy
