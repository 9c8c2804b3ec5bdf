"""copy-snapshot: begins the next copy on the way to the target, or finds that none is needed."""

from datetime import timedelta

from chalicelib.aurora import Copies
from chalicelib.choreography import State
from chalicelib.errors import RefusedError
from chalicelib.operation import Hop, Operation
from chalicelib.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.preflight import refuse_unusable_key


def copy_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Begin the copy of the present hop. Raises RefusedError where no copy could ever succeed."""
    facts, plan = operation.facts, operation.settings
    hops = facts.hops or _hops(operation, ports)
    if not hops:
        ready = facts.model_copy(update={"copy_arn": facts.snapshot_arn})
        return Advance(State.SNAPSHOT_READY, ready, "no copy is needed: the snapshot is where the target will be")
    hop = hops[facts.hop]
    source_arn = hops[facts.hop - 1].arn if facts.hop else facts.snapshot_arn
    if not Copies(ports.service("rds", hop.region), operation).start(source_arn or "", hop):
        return Wait(f"Five copies are running in {hop.region} already.", plan.copy_check_interval)
    until = facts.copy_retry_until or ports.now() + timedelta(seconds=plan.seconds("copy_deadline"))
    begun = facts.model_copy(update={"hops": hops, "copy_progress": 0, "copy_retry_until": until})
    return Advance(State.COPYING, begun, f"the copy {hop.identifier} is begun in {hop.region}")


def _hops(operation: Operation, ports: Ports) -> tuple[Hop, ...]:
    """Plan the copies: none where the snapshot can be restored as it is, else one in the target's region.

    A copy is a list of hops, so that detours (another account, another key first) only make the list longer.
    """
    facts, plan = operation.facts, operation.settings
    key = refuse_unusable_key(ports.service("kms", plan.target_region), plan.kms_key_id) if plan.kms_key_id else None
    same_key = key in (None, facts.snapshot_kms_key_id) or not facts.snapshot_encrypted
    if plan.source_region == plan.target_region and same_key:
        return ()
    if facts.snapshot_encrypted and not key:
        raise RefusedError(
            f"The snapshot {facts.snapshot_arn} is encrypted, and KMS_KEY_ID names no key of {plan.target_region}.",
            "A copy in another region needs a key of that region: set KMS_KEY_ID.",
        )
    copy_key = key if facts.snapshot_encrypted else None
    return (Hop(region=plan.target_region, identifier=operation.name_of_copy, kms_key_id=copy_key),)
