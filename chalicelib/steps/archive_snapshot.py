"""archive-snapshot: keeps the copy, marked as put away, or deletes it; only ever a snapshot that is ours."""

from chalicelib.aurora import Copies, Snapshot
from chalicelib.choreography import State
from chalicelib.errors import RefusedError
from chalicelib.operation import Hop, Operation, stamp
from chalicelib.outcome import Advance, Outcome, Refuse
from chalicelib.ports import Ports
from chalicelib.target import TargetCluster, ours


def archive_snapshot(operation: Operation, ports: Ports) -> Outcome:
    """Put the copies away. What goes wrong with that becomes a warning on a good restore (see `Row.gives_up_to`).

    Success is said after this step, so it first makes sure that there is something to say it of.
    """
    target = TargetCluster(ports.service("rds", operation.settings.target_region), operation)
    try:
        ours(operation, target, ports.now())
    except RefusedError as error:
        return Refuse.of(error, fails=True)
    return _put_away(operation, ports)


def _put_away(operation: Operation, ports: Ports) -> Outcome:
    facts, plan = operation.facts, operation.settings
    if not facts.hops:
        return Advance(State.ARCHIVED, facts, "there is no copy: the source's own snapshot was restored")
    if not plan.archive_snapshot:
        ports.operations.note_intent(operation, step="archive-snapshot", what="delete the copies", now=ports.now())
    for number, hop in enumerate(facts.hops):
        copies = Copies(ports.service("rds", hop.region), operation)
        copy = copies.observe(hop)
        if plan.archive_snapshot and number == len(facts.hops) - 1:
            copies.mark_archived(_kept(copy, hop), stamp(ports.now()))
        elif copy:
            copies.delete(copy)
    done = facts.model_copy(update={"archived": plan.archive_snapshot})
    what = "kept and tagged as archived" if plan.archive_snapshot else "deleted"
    return Advance(State.ARCHIVED, done, f"the copy {facts.hops[-1].identifier} is {what}")


def _kept(copy: Snapshot | None, hop: Hop) -> Snapshot:
    if copy is None or copy.status != "available":
        raise RefusedError(
            f"The copy {hop.identifier} cannot be kept: it is {copy.status if copy else 'gone'}.",
            "Find out who removed it; to have one of this data, take a snapshot of the restored cluster.",
        )
    return copy
