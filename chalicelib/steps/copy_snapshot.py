"""copy-snapshot: starts the next copy to the target's region, or finds that none is needed."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.aws.kms import usable_key_arn
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import Facts, Hop
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.snapshots.copies import Copies


def copy_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Start the copy of the present hop; raises RefusedError where no copy can succeed."""
    plan = operation.plan
    facts = operation.facts if operation.facts.copies.hops else _planned(operation, ports)
    copies, attempts = facts.copies, facts.attempts
    if not copies.hops:
        ready = replace(facts, copies=replace(copies, arn=facts.snapshot.arn))
        what = "no copy is needed: the snapshot is in the target's region"
        return Advance(State.SNAPSHOT_READY, ready, what)
    hop = copies.hops[copies.hop]
    source_arn = copies.hops[copies.hop - 1].arn if copies.hop else facts.snapshot.arn
    if not Copies(ports.service("rds", hop.region), operation).start(source_arn or "", hop):
        reason = f"Five copies are running in {hop.region} already."
        return Wait(reason, plan.copies.copy_check_interval)
    deadline = ports.now() + timedelta(seconds=plan.seconds("copy_deadline"))
    until = attempts.copy_retry_until or deadline
    begun = replace(
        facts,
        copies=replace(copies, progress=0),
        attempts=replace(attempts, copy_retry_until=until),
    )
    return Advance(State.COPYING, begun, f"the copy {hop.identifier} is started in {hop.region}")


def _planned(operation: Operation, ports: Ports) -> Facts:
    """Plan the copies: none where the snapshot can be restored as it is, else one.

    The copies are a list of hops, so that detours (another account, another key first) only make
    the list longer. KMS_KEY_ID is resolved here and never again, so that the copy and the cluster
    have the same key even where an alias is changed meanwhile.
    """
    facts, plan = operation.facts, operation.plan
    key = None
    if plan.copies.kms_key_id:
        key = usable_key_arn(ports.service("kms", plan.target.region), plan.copies.kms_key_id)
    planned = replace(facts, copies=replace(facts.copies, kms_key_arn=key))
    same_key = key in (None, facts.snapshot.kms_key_id) or not facts.snapshot.encrypted
    if plan.source.region == plan.target.region and same_key:
        return planned
    if facts.snapshot.encrypted and not key:
        raise RefusedError(
            f"The snapshot {facts.snapshot.arn} is encrypted, and KMS_KEY_ID names no key of "
            f"{plan.target.region}.",
            "A copy in another region needs a key of that region: set KMS_KEY_ID.",
        )
    hop = _hop(operation, key if facts.snapshot.encrypted else None, ports)
    return replace(planned, copies=replace(planned.copies, hops=(hop,)))


def _hop(operation: Operation, key: str | None, ports: Ports) -> Hop:
    """Name the copy.

    An earlier version of this code named copies without their key. Such a copy of this chain of
    reruns keeps its name, if it is under this key.
    """
    plan = operation.plan
    hop = Hop(region=plan.target.region, identifier=operation.copy_name(key), kms_key_id=key)
    if operation.rerun_of is None or key is None:
        return hop
    older = replace(hop, identifier=operation.copy_name(None))
    found = Copies(ports.service("rds", hop.region), operation).observe(older)
    return older if found and found.kms_key_id == key and found.status == "available" else hop
