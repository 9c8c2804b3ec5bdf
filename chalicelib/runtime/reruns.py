"""Reruns of an operation that ended: the state to continue at, the plan, and the facts to keep."""

from dataclasses import replace

from chalicelib.aws.kms import key_arn
from chalicelib.flow.choreography import ROWS, TERMINAL, State, begins_in, begun_anew, comes_after
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import plans
from chalicelib.runtime.starting import StartRequest, create, new_operation
from chalicelib.target.baseline import FIXED_SETTINGS
from chalicelib.target.older_data import why_older


def rerun(request: StartRequest, before: Operation, ports: Ports) -> Operation | None:
    """Create the rerun of an operation that ended; None when it exists already.

    It continues where that stopped, with what that made. Raises RefusedError.
    """
    plan, now = settings_now(before, ports), ports.now()
    state = _where_to_continue(request.detail, before, plan, ports)
    new = new_operation(
        request.operation_id, plan, now, state=state, requested_by=request.requester
    )
    operation = replace(
        request.applied_to(new),
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=before.facts,
    )
    if older := why_older(operation, ports, from_step=request.detail.from_step):
        raise older
    operation = replace(operation, facts=before.facts.without(begun_anew(state)))
    what = request.describe(f"{before.operation_id} again, from {state}")
    return create(operation, ports, what=what)


def settings_now(before: Operation, ports: Ports) -> Plan:
    """Resolve the plan as it is now, since people have often corrected it before a rerun.

    Raises RefusedError where the plan is gone, or has another source or target: the operation's
    target may be another plan's source by now.
    """
    then, now = before.plan, plans.plan(ports, before.plan_name)
    if now is None:
        path = f"{ports.settings.parameter_path}plans/{before.plan_name}/"
        raise RefusedError(
            f"The plan {before.plan_name} of {before.operation_id} is gone.",
            f"Give it its parameters under {path} again, or ask for a restore by a plan that the "
            "stage has.",
        )
    same_source = now.source_cluster_arn == then.source_cluster_arn
    if not same_source or now.target_cluster_arn != then.target_cluster_arn:
        raise RefusedError(
            f"The plan {before.plan_name} now has other clusters than {before.operation_id} "
            f"had: {now.source_cluster_arn} to {now.target_cluster_arn}.",
            f"Ask for a new operation with snapshot_identifier {before.facts.snapshot.arn}.",
        )
    return now


def _where_to_continue(
    request: RestoreRequested, before: Operation, plan: Plan, ports: Ports
) -> State:
    refuse_unended(before)
    if before.state is State.SUCCEEDED:
        raise RefusedError(
            f"The operation {before.operation_id} succeeded, there is no step to continue at.",
            "To restore its snapshot once more, ask with snapshot_identifier "
            f"{before.facts.snapshot.arn}. To set up its users again, ask with from_step "
            "setup-db-users.",
        )
    state = _requested_state(request, before)
    state = ROWS[state].resume_at or state
    target = ports.operations.target(before.plan.target_cluster_arn)
    replaced = target.last_success_at is not None and target.last_success_at > before.created_at
    # Nothing would ever delete instances that the plan no longer names.
    surplus = {*before.plan.target.instance_ids} - {*plan.target.instance_ids}
    fixed = any(before.plan.setting(name) != plan.setting(name) for name in FIXED_SETTINGS)
    if _has_other_key(before, plan, ports) and comes_after(state, State.SNAPSHOT_FOUND):
        return State.SNAPSHOT_FOUND  # the copy is under a key that the plan no longer has
    if (replaced or surplus or fixed) and comes_after(state, State.SNAPSHOT_READY):
        return State.SNAPSHOT_READY  # the new cluster is gone, or does not fit the plan
    return state


def _requested_state(request: RestoreRequested, before: Operation) -> State:
    """Give the state that a rerun begins at: of `from_step`, or where the operation stopped."""
    stopped = before.stopped_at or State.ACCEPTED
    if not request.from_step:
        return stopped
    if ROWS[stopped].only_tries and ROWS[stopped].step == request.from_step:
        return stopped  # it stopped at this step, which had only tried
    state = begins_in(request.from_step)
    if state is not stopped and not comes_after(stopped, state):
        raise RefusedError(
            f"The step {request.from_step} lies after the one that {before.operation_id} "
            f"stopped at ({before.failed_step or ROWS[stopped].step}), so what it needs was "
            "never made.",
            "Name that step or an earlier one, or leave from_step out.",
        )
    return state


def _has_other_key(before: Operation, plan: Plan, ports: Ports) -> bool:
    """Tell whether KMS_KEY_ID is another key than before; copy-snapshot reports a missing one."""
    used, planned = before.facts.copies.key_arn, plan.copies.kms_key_id
    if used is None or planned is None:
        return planned != before.plan.copies.kms_key_id
    try:
        return key_arn(ports.service("kms", plan.target.region), planned) != used
    except RefusedError:
        return True


def refuse_unended(before: Operation) -> None:
    """Raise RefusedError for an operation that has not ended: it cannot be rerun yet."""
    if before.state not in TERMINAL:
        raise RefusedError(
            f"The operation {before.operation_id} is {before.state}, it has not ended.",
            "Cancel it first, or wait for its end.",
        )
