"""The only place that orders effects: claim, run the step, write what came of it, announce.

And sweep.

A step decides, from a record that is its own for the moment, what happens next; the runner makes it
so. What may go wrong between any two lines here costs time and nothing else: the record says where
things stand, and the heartbeat announces it again.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib import observability
from chalicelib.flow import polling
from chalicelib.flow.choreography import IN_VPC, ROWS, State, is_allowed, states_of
from chalicelib.flow.errors import (
    STATE_FAULT_MAX,
    RefusedError,
    StateFaultError,
    TransientError,
    UnreadableRecordError,
)
from chalicelib.flow.facts import Facts
from chalicelib.flow.limits import REMEDY_MAX, WARNING_MAX, brief, with_warnings
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages.publishing import announce, republish_after
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.operations import WriteResult

LEASE_MARGIN_SECONDS = 10  # beyond the function's own timeout: a holder cannot outlive its lease
BUGS_MAX = 3  # unexpected exceptions within one state before the operation fails
UNANSWERED_MAX = (
    3  # announcements of the heartbeat, past the deadline, before it ends an operation itself
)
Step = Callable[[Operation, Ports], Outcome]


@dataclass(frozen=True)
class StepInvocation:
    """One invocation's go at one operation: which step, in which world, and the lease's owner."""

    step: str
    ports: Ports
    owner: str


def run_step(step: str, operation_id: str, ports: Ports) -> str | None:
    """Do what is this step's turn to do for an operation; returns why nothing was done, or None.

    Raises UnreadableRecordError, botocore's errors where the tables cannot be had, and whatever bug
    the step has.
    """
    turn, now = StepInvocation(step, ports, ports.new_id()), ports.now()
    until = now + timedelta(seconds=ports.remaining_seconds() + LEASE_MARGIN_SECONDS)
    claim = ports.operations.claim(
        operation_id, states_of(step), owner=turn.owner, now=now, until=until
    )
    if claim.operation is None:
        return claim.reason
    observability.about(claim.operation, step)
    if claim.held:
        _perform(turn, claim.operation)
        return None
    if (
        claim.operation.cancel_requested
        and claim.operation.state in states_of(step)
        and not claim.busy
    ):
        _cancel(turn, claim.operation)
        return None
    return claim.reason


def _where_to_look(step: str) -> str:
    log = f"Look at the log of the function {step} for errors and throttles."
    if step != IN_VPC:
        return log
    return (
        f"{log} It runs in a VPC: without a route to a NAT gateway, or an endpoint for DynamoDB, "
        "it can neither read the operation nor say so."
    )


def _perform(turn: StepInvocation, claimed: Operation) -> None:
    started = turn.ports.now()
    try:
        outcome = _load(turn.step)(claimed, turn.ports)
    except StateFaultError as error:
        outcome = _after_state_fault(claimed, error, turn.ports.now())
    except TransientError as error:
        outcome = Wait(error.reason, polling.backoff(claimed), trouble=True, remedy=error.remedy)
    except RefusedError as error:
        outcome = Refuse.of(error)
    except UnreadableRecordError as error:
        outcome = Refuse(error.reason, error.remedy)
    except Exception as error:
        logger.exception("A bug in %s: %s.", turn.step, type(error).__name__)
        if claimed.unexpected_errors + 1 < BUGS_MAX:
            wait = Wait(
                f"{turn.step} met a bug, {type(error).__name__}.",
                polling.backoff(claimed),
                trouble=True,
            )
            _save_wait(
                turn,
                claimed,
                replace(claimed, unexpected_errors=claimed.unexpected_errors + 1),
                wait,
            )
            raise
        outcome = Refuse(
            f"{turn.step} failed {BUGS_MAX} times with {type(error).__name__}, which it does not "
            "expect.",
            "It is a bug: report it, with the trace that the function's log has.",
        )
    spent = (turn.ports.now() - started).total_seconds()
    _apply(turn, claimed, replace(claimed, active_seconds=claimed.active_seconds + spent), outcome)


def _after_state_fault(claimed: Operation, error: StateFaultError, now: datetime) -> Outcome:
    """Wait for a resource's state to change, but not until the deadline of hours that Aurora's own work has."""
    since = claimed.state_fault_since or now
    if now - since < STATE_FAULT_MAX:
        return Wait(error.reason, polling.backoff(claimed), trouble=True, state_fault_since=since)
    minutes = STATE_FAULT_MAX // timedelta(minutes=1)
    remedy = "See what state the resource is in and why, and mend that."
    return Refuse(f"{error.reason} It was refused for {minutes} minutes.", remedy)


def _apply(turn: StepInvocation, claimed: Operation, worked: Operation, outcome: Outcome) -> None:
    now = turn.ports.now()
    if isinstance(outcome, Advance):
        after = replace(
            _entering(turn, worked, outcome.to, outcome.facts),
            reason=outcome.reason or worked.reason,
            remedy=outcome.remedy or worked.remedy,
            warnings=with_warnings(worked.warnings, outcome.warnings),
            notified=worked.notified if outcome.notified is None else outcome.notified,
        )
        _write(turn, claimed, after, outcome.what)
    elif isinstance(outcome, Refuse):
        _fail_or_continue(turn, worked, outcome)
    elif now >= _deadline(worked, outcome, now):  # looked at first, judged after
        late = f"{outcome.why.rstrip('.')}, and the deadline of {worked.state} has passed."
        _fail_or_continue(
            turn, worked, Refuse(late, outcome.remedy or _more_time(worked), outcome.facts)
        )
    else:
        _save_wait(turn, claimed, worked, outcome)


def _more_time(operation: Operation) -> str:
    plan, deadline = operation.plan, ROWS[operation.state].deadline
    allowed = f"{plan.setting_of(deadline)}, which allows {plan.seconds(deadline):,} seconds in all"
    return f"Find out why it takes so long, or allow it more time by {allowed}."


def _fail_or_continue(turn: StepInvocation, operation: Operation, refusal: Refuse) -> None:
    """Lead the operation to its failure; an end that is coming already stands, untold."""
    to = ROWS[operation.state].on_giving_up
    after = _entering(turn, operation, to, refusal.facts or _current(turn, operation).facts)
    sentences = " ".join([refusal.reason, *refusal.problems, refusal.remedy])
    if to is State.FAILING:
        after = replace(
            after,
            reason=brief(refusal.reason),
            remedy=brief(refusal.remedy, REMEDY_MAX),
            failed_step=turn.step,
            stopped_at=operation.state,
            rerun_from=refusal.from_step,
            retry=refusal.retry,
            problems=tuple(brief(problem, WARNING_MAX) for problem in refusal.problems),
        )
        logger.error("The operation fails: %s", sentences)
    else:
        warnings = with_warnings(operation.warnings, [f"{turn.step}: {sentences}"])
        after = replace(after, warnings=warnings, notified=False)
        logger.warning("Going on without %s: %s", turn.step, sentences)
    _write(turn, operation, after, " ".join([refusal.reason, *refusal.problems]))


def _save_wait(turn: StepInvocation, claimed: Operation, worked: Operation, wait: Wait) -> None:
    now = turn.ports.now()
    after = replace(
        worked,
        facts=wait.facts or worked.facts,
        transient_errors=worked.transient_errors + 1 if wait.trouble else 0,
        waiting_for=brief(wait.why),
        lease_owner=None,
        lease_until=None,
        announcements=0,
        deadline=_deadline(worked, wait, now),
        state_fault_since=wait.state_fault_since
        or (worked.state_fault_since if wait.trouble else None),
    )
    left = max(
        1.0, (after.deadline - now).total_seconds()
    )  # what comes after the deadline is judged at once
    seconds = min(
        polling.seconds_to_next_poll(after, now) if wait.seconds is None else wait.seconds, left
    )
    after = replace(after, due_at=now + timedelta(seconds=seconds))
    logger.info("Waiting: %s", wait.why, seconds=seconds)
    if (
        turn.ports.operations.save_wait(claimed, after, owner=turn.owner)
        is WriteResult.CANCEL_REQUESTED
    ):
        _cancel(turn, worked, wait.facts)


def _deadline(operation: Operation, wait: Wait, now: datetime) -> datetime:
    """Give the state's deadline: Aurora's queue does not spend its budget, but the queue has one of its own."""
    if not wait.queued:
        return operation.deadline
    plan = operation.plan
    budget = timedelta(seconds=plan.seconds(ROWS[operation.state].deadline))
    return (
        min(now, operation.entered_at + timedelta(seconds=plan.copies.copy_queue_deadline)) + budget
    )


def _write(turn: StepInvocation, before: Operation, after: Operation, what: str) -> None:
    written = turn.ports.operations.advance(
        before, after, step=turn.step, what=what, owner=turn.owner
    )
    if written is WriteResult.CANCEL_REQUESTED:
        _cancel(turn, before, after.facts)
    elif written is WriteResult.LOCK_LOST:
        target = before.plan.target_cluster_arn
        reason = (
            f"The lock of {target} is not this operation's any more, so nothing of the target is "
            "touched."
        )
        remedy = "See which operation holds it, and wait for its end."
        _fail_or_continue(turn, before, Refuse(reason, remedy, after.facts))
    elif written is WriteResult.CONFLICT:
        logger.info("Somebody else wrote meanwhile; %s is not written.", after.state)
    else:
        observability.advanced(after, what)
        announce([after], turn.ports)


def _current(turn: StepInvocation, operation: Operation) -> Operation:
    """Read the record again: a step may have remembered facts before it failed, which must not be written over."""
    return turn.ports.operations.read(operation.operation_id) or operation


def _cancel(turn: StepInvocation, operation: Operation, facts: Facts | None = None) -> None:
    current = _current(turn, operation)
    why = (
        f"with the reason {quoted(current.cancel_reason)}"
        if current.cancel_reason
        else "without a reason"
    )
    after = replace(
        _entering(turn, operation, State.CANCELLING, facts or current.facts),
        reason=f"Cancelled on request, {why}.",
        stopped_at=operation.state,
        cancel_reason=current.cancel_reason,
        remedy="Nothing has to be done.",
    )
    _write(turn, operation, after, f"stopped in {operation.state}, on request")


def _entering(turn: StepInvocation, operation: Operation, to: State, facts: Facts) -> Operation:
    if not is_allowed(operation.state, to):
        raise ValueError(f"The choreography knows no way from {operation.state} to {to}.")
    now = turn.ports.now()
    return replace(operation.enter(to, now, facts), due_at=now + republish_after(turn.ports))


def _load(step: str) -> Step:
    """Import a step's module by its name, so that a function loads only what it uses."""
    name = step.replace("-", "_")
    act: Step = getattr(importlib.import_module(f"chalicelib.steps.{name}"), name)
    return act
