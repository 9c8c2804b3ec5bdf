"""Repeats a step of a success on its cluster, such as the users after a secret was rotated.

Nothing is restored and no cluster is deleted. A cluster that is no longer the target is refused,
when the request comes and again by the steps, and so is another one with its name
(`require_restored`).
"""

from dataclasses import replace

from chalicelib.flow.choreography import State, begins_in
from chalicelib.flow.facts import AttemptFacts, Facts
from chalicelib.flow.operation import Operation
from chalicelib.messages.requests import RestoreRequested
from chalicelib.ports import Ports
from chalicelib.runtime import reruns, starting
from chalicelib.runtime.present_cluster import refuse_replaced_of, refuse_unknown
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
    refuse_unknown(before)
    stopped_step = ARCHIVE if before.stopped_at is State.TARGET_OPEN else USERS
    step = request.detail.from_step or stopped_step
    plan = reruns.plan_as_made(before.plan, reruns.settings_now(before, ports))
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
        facts=_facts(reruns.facts_of_opened(before, ports), step),
        keeps_cluster=True,
    )
    refuse_replaced_of(operation, step, ports)
    what = request.describe(f"{step} of {before.operation_id} again")
    return starting.create(operation, ports, what=what)


def _facts(facts: Facts, step: str) -> Facts:
    """Keep what is known of the cluster, not what the earlier run did to it."""
    users = replace(
        facts.users.closed_earlier(),
        other_logins_closed=(),
        other_logins_closed_count=0,
        exposed_from=None,
        exposed_until=None,
        quieted={},
    )
    if step == USERS:
        return replace(facts, users=users, attempts=AttemptFacts())
    return replace(facts, users=users, copies=replace(facts.copies, archived=None))
