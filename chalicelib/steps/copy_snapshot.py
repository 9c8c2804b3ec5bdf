"""copy-snapshot: begins the next copy on the way to the target, or finds that none is needed."""

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
    """Begin the copy of the present hop. Raises RefusedError where no copy could ever succeed."""
    plan = operation.plan
    facts = operation.facts if operation.facts.copies.hops else _planned(operation, ports)
    if not facts.copies.hops:
        ready = replace(facts, copies=replace(facts.copies, arn=facts.snapshot.arn))
        return Advance(
            State.SNAPSHOT_READY,
            ready,
            "no copy is needed: the snapshot is where the target will be",
        )
    hop = facts.copies.hops[facts.copies.hop]
    source_arn = (
        facts.copies.hops[facts.copies.hop - 1].arn if facts.copies.hop else facts.snapshot.arn
    )
    if not Copies(ports.service("rds", hop.region), operation).start(source_arn or "", hop):
        return Wait(
            f"Five copies are running in {hop.region} already.", plan.copies.copy_check_interval
        )
    until = facts.attempts.copy_retry_until or ports.now() + timedelta(
        seconds=plan.seconds("copy_deadline")
    )
    begun = replace(
        facts,
        copies=replace(facts.copies, progress=0),
        attempts=replace(facts.attempts, copy_retry_until=until),
    )
    return Advance(State.COPYING, begun, f"the copy {hop.identifier} is begun in {hop.region}")


def _planned(operation: Operation, ports: Ports) -> Facts:
    """Plan the copies: none where the snapshot can be restored as it is, else one in the target's region.

    A copy is a list of hops, so that detours (another account, another key first) only make the
    list longer. KMS_KEY_ID is resolved here and nowhere later: an alias that is moved meanwhile
    does not part the copy from the cluster.
    """
    facts, plan = operation.facts, operation.plan
    key = (
        usable_key_arn(ports.service("kms", plan.target.region), plan.copies.kms_key_id)
        if plan.copies.kms_key_id
        else None
    )
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

    One that an earlier version of this code made for the chain of reruns keeps its name.

    Names had no key then, so such a copy is adopted only if it is under this one.
    """
    plan = operation.plan
    hop = Hop(region=plan.target.region, identifier=operation.copy_name(key), kms_key_id=key)
    if operation.rerun_of is None or key is None:
        return hop
    older = replace(hop, identifier=operation.copy_name(None))
    found = Copies(ports.service("rds", hop.region), operation).observe(older)
    return older if found and found.kms_key_id == key and found.status == "available" else hop
