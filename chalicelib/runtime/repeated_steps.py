"""Repeats a step of a success on its cluster, such as the users after a secret was rotated.

Nothing is restored and no cluster is deleted. The steps refuse another cluster that has the
target's name by now (`require_restored`).
"""

from dataclasses import replace

from chalicelib.flow.choreography import State, begins_in
from chalicelib.flow.facts import AttemptFacts, Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import reruns, starting
from chalicelib.runtime.starting import StartRequest

USERS, ARCHIVE = "setup-db-users", "archive-snapshot"
REPEATABLE = (USERS, ARCHIVE)  # the steps that destroy nothing


def repeats(request: RestoreRequested, before: Operation) -> bool:
    """Tell whether a rerun repeats a step of a success, or continues such a repetition."""
    if before.state is State.SUCCEEDED:
        return request.from_step in REPEATABLE
    return bool(before.keeps_cluster) and request.from_step in (None, *REPEATABLE)


def repeat_step(request: StartRequest, before: Operation, ports: Ports) -> Operation | None:
    """Create the operation that repeats a step; None when it exists already.

    Raises RefusedError.
    """
    reruns.refuse_unended(before)
    stopped_step = ARCHIVE if before.stopped_at is State.USERS_READY else USERS
    step = request.detail.from_step or stopped_step
    plan = _plan_now(before.plan, reruns.settings_now(before, ports))
    new = starting.new_operation(
        request.operation_id,
        plan,
        ports.now(),
        state=begins_in(step),
        requested_by=request.requester,
    )
    operation = replace(
        request.applied_to(new),
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=_facts(before.facts, step),
        keeps_cluster=True,
    )
    what = request.describe(f"{step} of {before.operation_id} again")
    return starting.create(operation, ports, what=what)


def _plan_now(made: Plan, now: Plan) -> Plan:
    """Take from the present plan what these steps need; the rest says how the cluster was made."""
    interval, deadline = now.target.restore_check_interval, now.copies.archive_deadline
    reports = replace(now.reports, audit_retention_days=made.reports.audit_retention_days)
    return replace(
        made,
        users=now.users,
        reports=reports,
        target=replace(made.target, restore_check_interval=interval),
        copies=replace(made.copies, archive_deadline=deadline),
    )


def _facts(facts: Facts, step: str) -> Facts:
    users = replace(facts.users, other_logins_closed=(), other_logins_closed_count=0)
    if step == USERS:
        return replace(facts, users=users, attempts=AttemptFacts())
    return replace(facts, users=users, copies=replace(facts.copies, archived=None))
