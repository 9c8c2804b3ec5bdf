"""Starting an operation: from a snapshot by itself, or from a person's request. Here records come to be, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import parameters
from chalicelib.announcing import announce, grace
from chalicelib.aurora import Snapshot
from chalicelib.choreography import ORDER, ROWS, TERMINAL, State, begins_in
from chalicelib.cluster_settings import FIXED_SETTINGS
from chalicelib.errors import RefusedError, TransientError
from chalicelib.events import RestoreRequested
from chalicelib.foreign_text import quoted
from chalicelib.freshness import why_older
from chalicelib.keys import key_arn
from chalicelib.observability import logger
from chalicelib.operation import Facts, Operation, automatic_id, following_id
from chalicelib.operations import Written
from chalicelib.plan import Plan
from chalicelib.ports import Ports

_SAFE_POINT = {  # what happened since the first operation stood there is unknown, so a rerun looks again
    State.PREFLIGHT_PASSED: State.SNAPSHOT_READY,  # whether everything later is still there
    State.TARGET_DELETING: State.SNAPSHOT_READY,  # whose the target is, and whether everything later is still there
    State.TARGET_CLEAR: State.SNAPSHOT_READY,  # what stands there: another rerun's cluster has its data and settings
    State.INSTANCES_CREATING: State.CLUSTER_RESTORED,  # whether all instances stand, as many as are wanted now
    State.RESTORED: State.CLUSTER_RESTORED,
    State.READERS_CREATING: State.CLUSTER_RESTORED,
    State.USERS_READY: State.CLUSTER_RESTORED,  # and who can log in
}
ASK_LATER = "When it has ended, ask again."
CATCH_UPS_MAX = 5  # operations for one snapshot, of which all but the last were skipped because the target was busy


def start_by_itself(plan: Plan, snapshot: Snapshot, ports: Ports, *, why: str) -> Operation | None:
    """Create the operation of a snapshot, once however often its event comes; None when it exists already."""
    return create(_of_snapshot(_first_id(plan, snapshot), plan, snapshot, ports, why), ports, what=why)


def catch_up(plan: Plan, snapshot: Snapshot, ports: Ports) -> Operation | None:
    """Create the operation of a snapshot whose event was lost, or that was skipped because the target was busy."""
    operation_id = _first_id(plan, snapshot)
    for _ in range(CATCH_UPS_MAX):
        existing = ports.operations.read(operation_id)
        if existing is None:
            why = f"the heartbeat, because {snapshot.identifier} was not restored when it came"
            return create(_of_snapshot(operation_id, plan, snapshot, ports, why), ports, what=why)
        if not existing.skipped_busy:
            return None
        operation_id = following_id(operation_id)
    return None


@dataclass(frozen=True)
class Asked:
    """What a person asked for: the request, the id that makes it the same when it comes again, and its event's id."""

    request: RestoreRequested
    request_id: str
    event_id: str
    operation_id: str  # of what comes of it

    @property
    def who(self) -> str:
        """Who asks, as the records tell it."""
        return f"request {quoted(self.request_id)}"

    def told(self, what: str) -> str:
        """Say what is asked for, and why."""
        reason = self.request.reason
        return f"{what}, with the reason {quoted(reason)}" if reason else what

    def on(self, operation: Operation) -> Operation:
        """Make the record one of this request."""
        return operation.evolve(
            by_itself=False,
            request_reason=self.request.reason,
            requested_by_event=self.event_id or None,
            may_be_older=self.request.older,
        )


def start_on_request(asked: Asked, plan: Plan, ports: Ports, facts: Facts | None = None) -> Operation | None:
    """Create the operation that a person asked for; None when it exists already. Raises RefusedError.

    `facts` say which snapshot is meant, and when that was made; without them it is the newest.
    """
    operation = new_operation(asked.operation_id, plan, ports.now(), requested_by=asked.who)
    operation = asked.on(operation).evolve(facts=facts or Facts())
    if older := why_older(operation, ports):
        raise older
    return create(operation, ports, what=asked.told(f"asked for by {asked.who}"))


def made_before(request_id: str, operation: Operation) -> RefusedError:
    """Say what became of a request whose id comes again: it starts nothing a second time."""
    why = f": {operation.reason}" if operation.reason else "."
    return RefusedError(
        f"The request {quoted(request_id)} was made before. Its operation {operation.operation_id} is "
        f"{operation.state}{why}",
        "Use another request_id to ask for another operation."
        if operation.state in TERMINAL
        else "Wait for its end; then use another request_id to ask for another operation.",
    )


def start_again(asked: Asked, before: Operation, ports: Ports) -> Operation | None:
    """Create the rerun of an operation that ended: it continues where that stood, with what was made and meant.

    Raises RefusedError.
    """
    plan, now = settings_now(before, ports), ports.now()
    state = _where_to_continue(asked.request, before, plan, ports)
    operation = new_operation(asked.operation_id, plan, now, state=state, requested_by=asked.who).evolve(
        rerun_of=before.operation_id, root_id=before.root_id, facts=before.facts
    )
    operation = asked.on(operation)
    if older := why_older(operation, ports, from_step=asked.request.from_step):
        raise older
    operation = operation.evolve(facts=_known_at(state, before.facts))
    return create(operation, ports, what=asked.told(f"{before.operation_id} again, from {state}"))


def settings_now(before: Operation, ports: Ports) -> Plan:
    """Take the plan as it is now, since who asks again has often mended it.

    Raises RefusedError where the plan is gone, or is about another source or target: what the operation meant may be
    somebody's source by now.
    """
    meant, now = before.settings, parameters.plan(ports, before.plan)
    if now is None:
        raise RefusedError(
            f"The plan {before.plan} of {before.operation_id} is gone.",
            f"Give it its parameters under {ports.settings.parameter_path}plans/{before.plan}/ again, or ask for a "
            "restore by a plan that the stage has.",
        )
    if (now.source_cluster_arn, now.target_cluster_arn) != (meant.source_cluster_arn, meant.target_cluster_arn):
        raise RefusedError(
            f"The plan {before.plan} is now about other clusters than {before.operation_id} was: "
            f"{now.source_cluster_arn} to {now.target_cluster_arn}.",
            f"Ask for a new operation with snapshot_identifier {before.facts.snapshot_arn}.",
        )
    return now


def create(operation: Operation, ports: Ports, *, what: str, again: bool = True) -> Operation | None:
    """Write the record and take the target's lock; where the lock is taken, write why it is skipped instead.

    A lock whose holder ended, or whose record somebody removed, is free: it is tried `again`, once.
    """
    operation = operation.evolve(
        due_at=operation.created_at + grace(ports), region=ports.region,
        lasted_before=ports.operations.lasted(operation.settings.target_cluster_arn),
    )  # fmt: skip
    if ports.operations.create(operation, what=what) is Written.OVERTAKEN:
        if ports.operations.read(operation.operation_id) is not None:
            return None
        if again and ports.operations.free_dead_lock(operation.settings.target_cluster_arn):
            return create(operation, ports, what=what, again=False)
        holder = ports.operations.target(operation.settings.target_cluster_arn).holder
        reason = f"The operation {holder} already runs on {operation.settings.target_cluster_arn}."
        remedy = None if operation.by_itself else ASK_LATER  # the heartbeat catches up what starts by itself
        operation = operation.evolve(state=State.SKIPPING, reason=reason, remedy=remedy, skipped_busy=True)
        if ports.operations.create(operation, what=reason) is Written.OVERTAKEN:
            return None
    logger.info(f"{operation.operation_id} is {operation.state}: {what}", operation_id=operation.operation_id)
    announce([operation], ports)
    return operation


def _first_id(plan: Plan, snapshot: Snapshot) -> str:
    if snapshot.created_at is None:
        raise TransientError(f"Aurora does not tell yet when the snapshot {snapshot.arn} was made.")
    return automatic_id(plan.name, plan.stage, snapshot.arn, snapshot.created_at)


def _of_snapshot(operation_id: str, plan: Plan, snapshot: Snapshot, ports: Ports, why: str) -> Operation:
    facts = Facts(snapshot_arn=snapshot.arn, snapshot_created_at=snapshot.created_at)
    return new_operation(operation_id, plan, ports.now(), requested_by=why).evolve(facts=facts)


def new_operation(
    operation_id: str, plan: Plan, now: datetime, *, requested_by: str, state: State = State.ACCEPTED
) -> Operation:
    """Make the record of an operation that begins now, in a state."""
    return Operation(
        operation_id=operation_id, root_id=operation_id, stage=plan.stage, plan=plan.name, settings=plan, state=state,
        open="yes", created_at=now, entered_at=now, requested_by=requested_by,
        deadline=now + timedelta(seconds=plan.seconds(ROWS[state].deadline)),
    )  # fmt: skip


def _where_to_continue(request: RestoreRequested, before: Operation, plan: Plan, ports: Ports) -> State:
    refuse_unended(before)
    stood = before.stopped_in or State.ACCEPTED
    if before.state is State.SUCCEEDED:
        raise RefusedError(
            f"The operation {before.operation_id} succeeded, there is no step to continue at.",
            f"To restore its snapshot once more, ask with snapshot_identifier {before.facts.snapshot_arn}. To set up "
            "its users again, ask with from_step setup-db-users.",
        )
    if request.from_step:
        asked = begins_in(request.from_step)
        if ROWS[stood].only_tries and ROWS[stood].step == request.from_step:
            asked = stood  # it stopped at this step, which had only tried
        if ORDER.index(asked) > ORDER.index(stood):
            raise RefusedError(
                f"The step {request.from_step} lies after the one that {before.operation_id} stopped at "
                f"({before.failed_step or ROWS[stood].step}), so what it needs was never made.",
                "Name that step or an earlier one, or leave from_step out.",
            )
        stood = asked
    target = ports.operations.target(before.settings.target_cluster_arn)
    stood = _SAFE_POINT.get(stood, stood)
    replaced = target.last_success_at is not None and target.last_success_at > before.created_at
    surplus = set(before.settings.instance_ids) - set(plan.instance_ids)  # nobody would ever take them away
    if _has_other_key(before, plan, ports) and ORDER.index(stood) > ORDER.index(State.SNAPSHOT_FOUND):
        return State.SNAPSHOT_FOUND  # what was copied is under a key that is not to be used any more
    fixed = any(getattr(before.settings, name) != getattr(plan, name) for name in FIXED_SETTINGS)
    if (replaced or surplus or fixed) and ORDER.index(stood) > ORDER.index(State.SNAPSHOT_READY):
        return State.SNAPSHOT_READY  # what this one had begun is not what stands there now, or not what is wanted
    return stood


def _has_other_key(before: Operation, plan: Plan, ports: Ports) -> bool:
    """Tell whether KMS_KEY_ID means another key than it did; one that cannot be found is told by copy-snapshot."""
    known, wanted = before.facts.key_arn, plan.kms_key_id
    if known is None or wanted is None:
        return wanted != before.settings.kms_key_id
    try:
        return key_arn(ports.service("kms", plan.target_region), wanted) != known
    except RefusedError:
        return True


def refuse_unended(before: Operation) -> None:
    """Raise RefusedError for an operation that has not ended: it cannot be run again yet."""
    if before.state not in TERMINAL:
        raise RefusedError(
            f"The operation {before.operation_id} is {before.state}, it has not ended.",
            "Cancel it first, or wait for its end.",
        )


def _known_at(state: State, facts: Facts) -> Facts:
    """Forget what the continued flow finds out or makes anew."""
    kept: dict[str, object] = {
        "copy_failures": 0,
        "copy_retry_until": None,
        "password_set_at": None,
        "passwords_set": 0,
    }
    place = ORDER.index(state)
    if place <= ORDER.index(State.ACCEPTED):
        return Facts(snapshot_arn=facts.snapshot_arn)
    if place <= ORDER.index(State.SNAPSHOT_FOUND):
        kept |= {"hops": (), "hop": 0, "copy_arn": None, "kms_key_arn": None}
    if place <= ORDER.index(State.SNAPSHOT_READY):
        kept |= {
            "victim": None, "deletion": None, "cluster_arn": None, "cluster_resource_id": None,
            "endpoint": None, "instances": (), "exposed_from": None, "exposed_until": None,
            "reader_endpoint": None, "port": None, "production_logins_closed": None, "logins_closed": (),
            "logins_closed_count": None, "logins_kept": (), "master_password_checked": None,
            "master_asked_for_token": None,
            "other_logins_closed": (), "other_logins_closed_count": 0,
            "quieted": {},
        }  # fmt: skip
    return facts.model_copy(update=kept)
