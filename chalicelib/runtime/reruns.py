"""A rerun of an operation that ended: where it continues, with which settings, and what it knows."""

from chalicelib.aws.kms import key_arn
from chalicelib.flow.choreography import ORDER, ROWS, TERMINAL, State, begins_in
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Facts, Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import plans
from chalicelib.runtime.older_data import why_older
from chalicelib.runtime.starting import Asked, create, new_operation
from chalicelib.target.baseline import FIXED_SETTINGS

# what happened since the first operation stood there is unknown, so a rerun looks again
_SAFE_POINT = {
    State.PREFLIGHT_PASSED: State.SNAPSHOT_READY,  # whether everything later is still there
    # whose the target is, and whether everything later is still there
    State.TARGET_DELETING: State.SNAPSHOT_READY,
    # what stands there: another rerun's cluster has its data and settings
    State.TARGET_CLEAR: State.SNAPSHOT_READY,
    # whether all instances stand, as many as are wanted now
    State.INSTANCES_CREATING: State.CLUSTER_RESTORED,
    State.RESTORED: State.CLUSTER_RESTORED,
    State.READERS_CREATING: State.CLUSTER_RESTORED,
    State.USERS_READY: State.CLUSTER_RESTORED,  # and who can log in
}


def start_again(asked: Asked, before: Operation, ports: Ports) -> Operation | None:
    """Create the rerun of an operation that ended: it continues where that stood, with what was made and meant.

    Raises RefusedError.
    """
    plan, now = settings_now(before, ports), ports.now()
    state = _where_to_continue(asked.request, before, plan, ports)
    operation = new_operation(
        asked.operation_id, plan, now, state=state, requested_by=asked.who
    ).evolve(rerun_of=before.operation_id, root_id=before.root_id, facts=before.facts)
    operation = asked.on(operation)
    if older := why_older(operation, ports, from_step=asked.request.from_step):
        raise older
    operation = operation.evolve(facts=_known_at(state, before.facts))
    return create(operation, ports, what=asked.told(f"{before.operation_id} again, from {state}"))


def settings_now(before: Operation, ports: Ports) -> Plan:
    """Take the plan as it is now, since who asks again has often mended it.

    Raises RefusedError where the plan is gone, or is about another source or target: what the
    operation meant may be somebody's source by now.
    """
    meant, now = before.settings, plans.plan(ports, before.plan)
    if now is None:
        raise RefusedError(
            f"The plan {before.plan} of {before.operation_id} is gone.",
            f"Give it its parameters under {ports.settings.parameter_path}plans/{before.plan}/ "
            "again, or ask for a restore by a plan that the stage has.",
        )
    if (now.source_cluster_arn, now.target_cluster_arn) != (
        meant.source_cluster_arn,
        meant.target_cluster_arn,
    ):
        raise RefusedError(
            f"The plan {before.plan} is now about other clusters than {before.operation_id} was: "
            f"{now.source_cluster_arn} to {now.target_cluster_arn}.",
            f"Ask for a new operation with snapshot_identifier {before.facts.snapshot_arn}.",
        )
    return now


def _where_to_continue(
    request: RestoreRequested, before: Operation, plan: Plan, ports: Ports
) -> State:
    refuse_unended(before)
    stood = before.stopped_in or State.ACCEPTED
    if before.state is State.SUCCEEDED:
        raise RefusedError(
            f"The operation {before.operation_id} succeeded, there is no step to continue at.",
            "To restore its snapshot once more, ask with snapshot_identifier "
            f"{before.facts.snapshot_arn}. To set up its users again, ask with from_step "
            "setup-db-users.",
        )
    if request.from_step:
        asked = begins_in(request.from_step)
        if ROWS[stood].only_tries and ROWS[stood].step == request.from_step:
            asked = stood  # it stopped at this step, which had only tried
        if ORDER.index(asked) > ORDER.index(stood):
            raise RefusedError(
                f"The step {request.from_step} lies after the one that {before.operation_id} "
                f"stopped at ({before.failed_step or ROWS[stood].step}), so what it needs was "
                "never made.",
                "Name that step or an earlier one, or leave from_step out.",
            )
        stood = asked
    target = ports.operations.target(before.settings.target_cluster_arn)
    stood = _SAFE_POINT.get(stood, stood)
    replaced = target.last_success_at is not None and target.last_success_at > before.created_at
    surplus = set(before.settings.instance_ids) - set(
        plan.instance_ids
    )  # nobody would ever take them away
    if _has_other_key(before, plan, ports) and ORDER.index(stood) > ORDER.index(
        State.SNAPSHOT_FOUND
    ):
        return (
            State.SNAPSHOT_FOUND
        )  # what was copied is under a key that is not to be used any more
    fixed = any(getattr(before.settings, name) != getattr(plan, name) for name in FIXED_SETTINGS)
    if (replaced or surplus or fixed) and ORDER.index(stood) > ORDER.index(State.SNAPSHOT_READY):
        return (
            State.SNAPSHOT_READY
        )  # what this one had begun is not what stands there now, or not what is wanted
    return stood


def _has_other_key(before: Operation, plan: Plan, ports: Ports) -> bool:
    """Tell whether KMS_KEY_ID means another key than it did.

    One that cannot be found is told by copy-snapshot.
    """
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
            "victim": None,
            "deletion": None,
            "cluster_arn": None,
            "cluster_resource_id": None,
            "endpoint": None,
            "instances": (),
            "exposed_from": None,
            "exposed_until": None,
            "reader_endpoint": None,
            "port": None,
            "production_logins_closed": None,
            "logins_closed": (),
            "logins_closed_count": None,
            "logins_kept": (),
            "master_password_checked": None,
            "master_asked_for_token": None,
            "other_logins_closed": (),
            "other_logins_closed_count": 0,
            "quieted": {},
        }
    return facts.model_copy(update=kept)
