"""Doing a step of a success again, on the cluster that stands: users after a rotated secret, a copy put away late.

Nothing is made anew and nothing is deleted. What the steps find is held against what the success
had made: another cluster under the target's name is refused (`require_restored`).
"""

from dataclasses import replace

from chalicelib.flow.choreography import State, begins_in
from chalicelib.flow.facts import AttemptFacts, Facts
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.messages.events import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import reruns, starting
from chalicelib.runtime.starting import Asked

USERS, ARCHIVE = "setup-db-users", "archive-snapshot"
REPEATABLE = (USERS, ARCHIVE)  # the steps that lose nothing


def repeats(request: RestoreRequested, before: Operation) -> bool:
    """Tell whether a rerun is one of these: of a success, or of another one that did not get through."""
    if before.state is State.SUCCEEDED:
        return request.from_step in REPEATABLE
    return bool(before.keeps_cluster) and request.from_step in (None, *REPEATABLE)


def repeat_step(asked: Asked, before: Operation, ports: Ports) -> Operation | None:
    """Create the operation that does a step again; None when it exists already.

    Raises RefusedError.
    """
    reruns.refuse_unended(before)
    step = asked.request.from_step or (ARCHIVE if before.stopped_at is State.USERS_READY else USERS)
    state = begins_in(step)
    plan = _plan_now(before.plan, reruns.settings_now(before, ports))
    operation = replace(
        starting.new_operation(
            asked.operation_id, plan, ports.now(), state=state, requested_by=asked.who
        ),
        rerun_of=before.operation_id,
        root_id=before.root_id,
        facts=_facts(before.facts, step),
        keeps_cluster=True,
    )
    what = asked.told(f"{step} of {before.operation_id} again")
    return starting.create(asked.on(operation), ports, what=what)


def _plan_now(made: Plan, now: Plan) -> Plan:
    """Take what these steps need of a plan as it is now; all else says how the cluster was made."""
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
