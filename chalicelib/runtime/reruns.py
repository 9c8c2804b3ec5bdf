"""Reruns of an operation that ended: the state to continue at, the plan, and the facts to keep."""

from dataclasses import replace

from chalicelib.aws.kms import key_arn
from chalicelib.flow.choreography import ROWS, TERMINAL, State, begins_in, begun_anew, comes_after
from chalicelib.flow.errors import NOTHING_TO_DO, RefusedError
from chalicelib.flow.facts import AttemptFacts, Facts, SwapFacts, TargetFacts
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.commands import rollback_command
from chalicelib.messages.requests import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.runtime import plans
from chalicelib.runtime.present_cluster import refuse_replaced_of
from chalicelib.runtime.starting import StartRequest, create, new_operation
from chalicelib.target.cluster import find_clusters
from chalicelib.target.current_target import name_beside, opened_cluster, present_name
from chalicelib.target.older_data import why_older


def rerun(request: StartRequest, before: Operation, ports: Ports) -> Operation | None:
    """Create the rerun of an operation that ended; None when it exists already.

    A restore continues where it stopped, with what it made. Raises RefusedError.
    """
    if before.kind is Kind.ROLLBACK:
        refuse_unended(before)
        raise RefusedError(
            f"The operation {before.operation_id} is a rollback, which is not continued.",
            f"Send RollbackRequested instead: {rollback_command(before)}",
        )
    if before.kind is Kind.RETIRE:
        return _retire_again(request, before, ports)
    plan, now = settings_now(before, ports), ports.now()
    state = _where_to_continue(request.detail, before, plan, ports)
    if state is State.TARGET_OPEN:
        plan = plan_as_made(before.plan, plan)
    new = new_operation(
        request.operation_id, plan, now, state=state, requested_by=request.requester
    )
    operation = replace(
        request.applied_to(new),
        kind=before.kind,
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=before.facts,
    )
    if state is State.TARGET_OPEN:
        refuse_replaced_of(operation, None, ports)
    if older := why_older(operation, ports, from_step=request.detail.from_step):
        raise older
    _refuse_second_cluster(before, state, plan, ports)
    if state is State.TARGET_OPEN:  # the archive needs all that is known
        facts = replace(facts_of_opened(before, ports), attempts=AttemptFacts())
    else:
        facts = before.facts.without(begun_anew(state))
    operation = replace(operation, facts=facts)
    what = request.describe(f"{before.operation_id} again, from {state}")
    return create(operation, ports, what=what)


def _retire_again(request: StartRequest, before: Operation, ports: Ports) -> Operation | None:
    """Create one more deletion of the same previous target, whatever step the request names.

    It begins as every retirement does: with the question whether the cluster may be deleted.
    """
    refuse_unended(before)
    if before.state is State.RETIRED:
        raise RefusedError(
            f"The operation {before.operation_id} ended well; nothing is left to delete.",
            NOTHING_TO_DO,
        )
    state, replaced = State.PREVIOUS_KEPT, before.facts.target
    new = new_operation(
        request.operation_id,
        _plan_of_retirement(before.plan, ports),
        ports.now(),
        state=state,
        requested_by=request.requester,
    )
    operation = replace(
        request.applied_to(new),
        kind=Kind.RETIRE,
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=Facts(
            target=TargetFacts(old=replaced.old, made_as=replaced.made_as),
            swap=SwapFacts(endpoints=before.facts.swap.endpoints),
        ),
    )
    what = request.describe(f"{before.operation_id} again, from {state}")
    return create(operation, ports, what=what)


def _plan_of_retirement(made: Plan, ports: Ports) -> Plan:
    """Give the plan that a retirement had, with the present deadline, topic and ADOPT_READERS.

    How the cluster was replaced is not changed by today's settings.
    """
    now = plans.plan(ports, made.name)
    if now is None:
        return made
    target = replace(
        made.target,
        delete_deadline=now.target.delete_deadline,
        restore_check_interval=now.target.restore_check_interval,
        adopt_readers=now.target.adopt_readers,
    )
    return replace(made, target=target, reports=now.reports)


def plan_as_made(made: Plan, now: Plan) -> Plan:
    """Take from the present plan what later steps need; the rest says how the cluster was made."""
    interval, deadline = now.target.restore_check_interval, now.copies.archive_deadline
    reports = replace(now.reports, audit_retention_days=made.reports.audit_retention_days)
    return replace(
        made,
        users=now.users,
        reports=reports,
        target=replace(made.target, restore_check_interval=interval),
        copies=replace(made.copies, archive_deadline=deadline),
    )


def facts_of_opened(before: Operation, ports: Ports) -> Facts:
    """Give the facts of an operation that opened the target, with what that lacks by now."""
    missing = ports.operations.target(before.plan.target_cluster_arn).missing_endpoints
    return replace(before.facts, swap=before.facts.swap.with_missing(missing))


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
    if state is State.TARGET_OPEN:
        return state  # whatever the plan says by now
    _refuse_opened(before, target, ports)
    replaced = _is_replaced(before, target)
    # Nothing would ever delete instances that the plan no longer names.
    now = replace(before, plan=plan)
    surplus = {*before.instance_ids} - {*now.instance_ids}
    other_way = before.plan.target.replacement != plan.target.replacement
    if _has_other_key(before, plan, ports) and comes_after(state, State.SNAPSHOT_FOUND):
        return State.SNAPSHOT_FOUND  # the copy is under a key that the plan no longer has
    if comes_after(state, State.SNAPSHOT_READY) and (
        replaced or surplus or other_way or now.target_spec.needs_a_new_cluster(before.target_spec)
    ):
        return State.SNAPSHOT_READY  # the new cluster is gone, or does not fit the plan
    return state


def _is_replaced(before: Operation, target: TargetRecord) -> bool:
    """Tell whether people have another target by now than the one that was to be replaced.

    A rollback to a cluster that no operation made notes no time of success.
    """
    old, at = before.facts.target.old, target.last_success_at
    if before.plan.target.keeps_old and old and target.opened_id not in (None, old.resource_id):
        return True
    return at is not None and at > before.created_at


def _refuse_second_cluster(before: Operation, state: State, plan: Plan, ports: Ports) -> None:
    """Raise RefusedError where a rerun would make another cluster beside the one of its chain.

    Its instances would need the names that those of the first one have. So it is where people went
    back to a target whose pointers lead to its own name.
    """
    made = before.facts.target.cluster_resource_id
    if not plan.target.points or made is None or comes_after(state, State.SNAPSHOT_READY):
        return
    target = ports.operations.target(before.plan.target_cluster_arn)
    present = opened_cluster(plan, target, ports)
    name = name_beside(plan, target, present)
    found = find_clusters(ports.service("rds", plan.target.region), [made]).get(made)
    if found is None or found.identifier == name:
        return
    raise RefusedError(
        f"The target is {present_name(plan, target)} by now, so a rerun of {before.operation_id} "
        f"would make the cluster {name}, with instances of the same names as those of its first "
        f"one, {found.identifier}.",
        "To restore its snapshot once more, ask with snapshot_identifier "
        f"{before.facts.snapshot.arn}.",
    )


def _refuse_opened(before: Operation, target: TargetRecord, ports: Ports) -> None:
    """Raise RefusedError where people have the cluster that a chain of reruns made.

    No step before the archive works on it as if it were new, and another cluster of the chain would
    have instances of the same names.
    """
    opener_id = target.standing.operation
    opener = ports.operations.read(opener_id) if opener_id else None
    is_of_chain = opener is not None and opener.root_id == before.root_id
    ids = {before.facts.target.cluster_resource_id}
    if opener and is_of_chain:
        ids.add(opener.facts.target.cluster_resource_id)
    if before.stopped_at is not State.TARGET_OPEN and target.opened_id not in ids - {None}:
        return
    raise RefusedError(
        f"The operation {before.operation_id}, or a rerun of it, has opened its cluster to people: "
        "no earlier step is run again on that, or makes another one.",
        "To restore its snapshot once more, ask with snapshot_identifier "
        f"{before.facts.snapshot.arn}. To finish what was left after the opening, run the newest "
        "of its reruns again without from_step.",
    )


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
