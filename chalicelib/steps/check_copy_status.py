"""check-copy-status: looks whether the copy is there, for Aurora tells nobody (there is no event for it)."""

from dataclasses import replace
from datetime import datetime

from chalicelib.aws.rds import Health, Snapshot, health
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import Facts, Hop
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.polling import too_early_to_poll
from chalicelib.ports import Ports
from chalicelib.snapshots.copies import Copies
from chalicelib.target.cluster import ABSENT_FOR

COPY_FAILURES_MAX = 3  # a copy that fails this often will not do better


def check_copy_status(operation: Operation, ports: Ports) -> Outcome:
    """Look at the copy of the present hop.

    Raises RefusedError when what stands there is not what was begun.
    """
    facts = operation.facts
    hop = facts.copies.hops[facts.copies.hop]
    if too_early_to_poll(operation, ports.now()):
        return Wait(f"The copy {hop.identifier} was begun a moment ago.")
    copies = Copies(ports.service("rds", hop.region), operation)
    copy = copies.observe(hop)
    if copy is None:
        return _not_found(operation, hop, ports)
    _refuse_other_source(copy, facts)
    _refuse_other_key(copy, hop)
    state = health(copy.status)
    if state is Health.TERMINAL:
        what = f"the copy {copy.arn} is {copy.status}"
        again = _retry(operation, ports, what)
        ports.operations.audit_intent(
            operation, step="check-copy-status", what=f"{what}; delete it", now=ports.now()
        )
        copies.delete(copy)
        return again
    if state is not Health.READY:
        return _still_copying(operation, copy, ports.now())
    arrived = tuple(
        replace(one, arn=copy.arn) if number == facts.copies.hop else one
        for number, one in enumerate(facts.copies.hops)
    )
    if facts.copies.hop + 1 < len(facts.copies.hops):
        onward = replace(
            facts, copies=replace(facts.copies, hops=arrived, hop=facts.copies.hop + 1, progress=0)
        )
        return Advance(State.HOP_COPIED, onward, f"{copy.identifier} is available in {hop.region}")
    ready = replace(facts, copies=replace(facts.copies, hops=arrived, arn=copy.arn, progress=100))
    return Advance(State.SNAPSHOT_READY, ready, f"{copy.identifier} is available in {hop.region}")


def _not_found(operation: Operation, hop: Hop, ports: Ports) -> Outcome:
    if ports.now() - operation.entered_at < ABSENT_FOR:
        return Wait(
            f"The copy {hop.identifier} is not found yet.",
            operation.plan.copies.copy_check_interval,
        )
    return _retry(operation, ports, f"the copy {hop.identifier} is gone")


def _still_copying(operation: Operation, copy: Snapshot, now: datetime) -> Wait:
    queued = copy.progress == 0  # none is shown in Aurora's queue
    known = operation.facts.copies
    seen = replace(
        known, progress=copy.progress, queued_until=now if queued else known.queued_until
    )
    why = f"The copy {copy.identifier} is {copy.status}, {copy.progress} % are done."
    return Wait(why, facts=replace(operation.facts, copies=seen), queued=queued)


def _retry(operation: Operation, ports: Ports, what: str) -> Advance:
    facts = operation.facts
    late = (
        facts.attempts.copy_retry_until is not None
        and ports.now() >= facts.attempts.copy_retry_until
    )
    failures = facts.attempts.copy_failures + 1
    if late or failures >= COPY_FAILURES_MAX:
        raise RefusedError(
            f"{what[0].upper()}{what[1:]}, at attempt {failures}.",
            "See whether the source's snapshot still exists and both keys are usable.",
        )
    again = replace(
        facts,
        copies=replace(facts.copies, progress=None),
        attempts=replace(facts.attempts, copy_failures=failures),
    )
    return Advance(State.SNAPSHOT_FOUND, again, f"{what}; it is begun again")


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
