"""check-copy-status: polls the copy until it is available, because Aurora has no event for that."""

from dataclasses import replace
from datetime import datetime

from chalicelib.aws.rds import Snapshot
from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.aws.statuses import Health, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import Facts, Hop
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.polling import too_early_to_poll
from chalicelib.ports import Ports
from chalicelib.snapshots.copies import Copies

COPY_FAILURES_MAX = 3  # the attempts to copy before the operation fails


def check_copy_status(operation: Operation, ports: Ports) -> Outcome:
    """Poll the copy of the present hop.

    Raises RefusedError for a snapshot of its name that is another one's copy.
    """
    hop = operation.facts.copies.hops[operation.facts.copies.hop]
    if too_early_to_poll(operation, ports.now()):
        return Wait(f"The copy {hop.identifier} was started a moment ago.")
    copies = Copies(ports.service("rds", hop.region), operation)
    copy = copies.observe(hop)
    if copy is None:
        return _not_found(operation, hop, ports)
    _refuse_other_source(copy, operation.facts)
    _refuse_other_key(copy, hop)
    state = health(copy.status)
    if state is Health.TERMINAL:
        what = f"the copy {copy.arn} is {copy.status}"
        retry = _retry(operation, ports, what)
        ports.operations.audit_intent(
            operation, step="check-copy-status", what=f"{what}; delete it", now=ports.now()
        )
        copies.delete(copy)
        return retry
    if state is not Health.READY:
        return _still_copying(operation, copy, ports.now())
    return _available(operation.facts, copy, hop)


def _available(facts: Facts, copy: Snapshot, hop: Hop) -> Advance:
    what = f"{copy.identifier} is available in {hop.region}"
    known, number = facts.copies, facts.copies.hop
    hops = (*known.hops[:number], replace(hop, arn=copy.arn), *known.hops[number + 1 :])
    if number + 1 < len(hops):
        copied = replace(known, hops=hops, hop=number + 1, progress=0)
        return Advance(State.HOP_COPIED, replace(facts, copies=copied), what)
    ready = replace(known, hops=hops, arn=copy.arn, progress=100)
    return Advance(State.SNAPSHOT_READY, replace(facts, copies=ready), what)


def _not_found(operation: Operation, hop: Hop, ports: Ports) -> Outcome:
    if ports.now() - operation.entered_at < ABSENT_FOR:
        return Wait(
            f"The copy {hop.identifier} is not found yet.",
            operation.plan.copies.copy_check_interval,
        )
    return _retry(operation, ports, f"the copy {hop.identifier} is gone")


def _still_copying(operation: Operation, copy: Snapshot, now: datetime) -> Wait:
    queued = copy.progress == 0  # a copy in Aurora's queue shows no progress
    known = operation.facts.copies
    queued_until = now if queued else known.queued_until
    seen = replace(known, progress=copy.progress, queued_until=queued_until)
    reason = f"The copy {copy.identifier} is {copy.status}, {copy.progress} % are done."
    return Wait(reason, facts=replace(operation.facts, copies=seen), queued=queued)


def _retry(operation: Operation, ports: Ports, what: str) -> Advance:
    facts, attempts = operation.facts, operation.facts.attempts
    late = attempts.copy_retry_until is not None and ports.now() >= attempts.copy_retry_until
    failures = attempts.copy_failures + 1
    if late or failures >= COPY_FAILURES_MAX:
        raise RefusedError(
            f"{what[0].upper()}{what[1:]}, at attempt {failures}.",
            "See whether the source's snapshot still exists and both keys are usable.",
        )
    retried = replace(
        facts,
        copies=replace(facts.copies, progress=None),
        attempts=replace(attempts, copy_failures=failures),
    )
    return Advance(State.SNAPSHOT_FOUND, retried, f"{what}; it is copied again")


def _refuse_other_source(copy: Snapshot, facts: Facts) -> None:
    before = facts.copies.hops[facts.copies.hop - 1].arn if facts.copies.hop else facts.snapshot.arn
    if (copy.source_arn or "").lower() != (before or "").lower():
        raise RefusedError(
            f"The snapshot {copy.arn} is not a copy of {before}, but of "
            f"{copy.source_arn or 'none'}.",
            "Delete it if it is not needed.",
        )


def _refuse_other_key(copy: Snapshot, hop: Hop) -> None:
    if hop.kms_key_id and copy.kms_key_id and copy.kms_key_id != hop.kms_key_id:
        raise RefusedError(
            f"The snapshot {copy.arn} is under the key {copy.kms_key_id}, and not under "
            f"{hop.kms_key_id}.",
            "Delete it if it is not needed.",
        )
