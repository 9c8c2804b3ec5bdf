"""A rerun of an operation that ended: where it continues, with which settings, and what it knows."""

from dataclasses import replace

from chalicelib.aws.kms import key_arn
from chalicelib.flow.choreography import ROWS, TERMINAL, State, begins_in, begun_anew, comes_after
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import plans
from chalicelib.runtime.older_data import why_older
from chalicelib.runtime.starting import Asked, create, new_operation
from chalicelib.target.baseline import FIXED_SETTINGS

# what happened since the first operation stood there is unknown, so a rerun looks again


def rerun(asked: Asked, before: Operation, ports: Ports) -> Operation | None:
    """Create the rerun of an operation that ended: it continues where that stood, with what was made and meant.

    Raises RefusedError.
    """
    plan, now = settings_now(before, ports), ports.now()
    state = _where_to_continue(asked.request, before, plan, ports)
    operation = replace(
        new_operation(asked.operation_id, plan, now, state=state, requested_by=asked.who),
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=before.facts,
    )
    operation = asked.on(operation)
    if older := why_older(operation, ports, from_step=asked.request.from_step):
        raise older
    operation = replace(operation, facts=before.facts.without(begun_anew(state)))
    return create(operation, ports, what=asked.told(f"{before.operation_id} again, from {state}"))


def settings_now(before: Operation, ports: Ports) -> Plan:
    """Take the plan as it is now, since who asks again has often mended it.

    Raises RefusedError where the plan is gone, or is about another source or target: what the
    operation meant may be somebody's source by now.
    """
    meant, now = before.plan, plans.plan(ports, before.plan_name)
    if now is None:
        raise RefusedError(
            f"The plan {before.plan_name} of {before.operation_id} is gone.",
            f"Give it its parameters under {ports.settings.parameter_path}plans/{before.plan_name}/ "
            "again, or ask for a restore by a plan that the stage has.",
        )
    if (now.source_cluster_arn, now.target_cluster_arn) != (
        meant.source_cluster_arn,
        meant.target_cluster_arn,
    ):
        raise RefusedError(
            f"The plan {before.plan_name} is now about other clusters than {before.operation_id} was: "
            f"{now.source_cluster_arn} to {now.target_cluster_arn}.",
            f"Ask for a new operation with snapshot_identifier {before.facts.snapshot.arn}.",
        )
    return now


def _where_to_continue(
    request: RestoreRequested, before: Operation, plan: Plan, ports: Ports
) -> State:
    refuse_unended(before)
    stood = before.stopped_at or State.ACCEPTED
    if before.state is State.SUCCEEDED:
        raise RefusedError(
            f"The operation {before.operation_id} succeeded, there is no step to continue at.",
            "To restore its snapshot once more, ask with snapshot_identifier "
            f"{before.facts.snapshot.arn}. To set up its users again, ask with from_step "
            "setup-db-users.",
        )
    if request.from_step:
        asked = begins_in(request.from_step)
        if ROWS[stood].only_tries and ROWS[stood].step == request.from_step:
            asked = stood  # it stopped at this step, which had only tried
        if asked is not stood and not comes_after(stood, asked):
            raise RefusedError(
                f"The step {request.from_step} lies after the one that {before.operation_id} "
                f"stopped at ({before.failed_step or ROWS[stood].step}), so what it needs was "
                "never made.",
                "Name that step or an earlier one, or leave from_step out.",
            )
        stood = asked
    target = ports.operations.target(before.plan.target_cluster_arn)
    stood = ROWS[stood].resume_at or stood
    replaced = target.last_success_at is not None and target.last_success_at > before.created_at
    # Nobody would ever delete instances that the plan does not name any more.
    surplus = {*before.plan.target.instance_ids} - {*plan.target.instance_ids}
    fixed = any(before.plan.setting(name) != plan.setting(name) for name in FIXED_SETTINGS)
    if _has_other_key(before, plan, ports) and comes_after(stood, State.SNAPSHOT_FOUND):
        return State.SNAPSHOT_FOUND  # what was copied is under a key that is not to be used now
    if (replaced or surplus or fixed) and comes_after(stood, State.SNAPSHOT_READY):
        return State.SNAPSHOT_READY  # what was begun does not stand now, or is not what is wanted
    return stood


def _has_other_key(before: Operation, plan: Plan, ports: Ports) -> bool:
    """Tell whether KMS_KEY_ID means another key than it did.

    One that cannot be found is told by copy-snapshot.
    """
    known, wanted = before.facts.copies.key_arn, plan.copies.kms_key_id
    if known is None or wanted is None:
        return wanted != before.plan.copies.kms_key_id
    try:
        return key_arn(ports.service("kms", plan.target.region), wanted) != known
    except RefusedError:
        return True


def refuse_unended(before: Operation) -> None:
    """Raise RefusedError for an operation that has not ended: it cannot be run again yet."""
    if before.state not in TERMINAL:
        raise RefusedError(
            f"The operation {before.operation_id} is {before.state}, it has not ended.",
            "Cancel it first, or wait for its end.",
        )
