"""The runner: claims an operation, runs a step, writes its outcome, and announces the new state.

A step only decides what happens next, from a record that it holds for the moment. A crash between
any two lines here costs time and nothing else: the record has the state, and the heartbeat
announces it again.
"""

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib import observability
from chalicelib.flow import polling
from chalicelib.flow.choreography import IN_VPC, ROWS, State, is_allowed, states_of
from chalicelib.flow.errors import (
    NOTHING_TO_DO,
    STATE_FAULT_MAX,
    RefusedError,
    StateFaultError,
    TransientError,
    UnreadableRecordError,
    refused_for_long,
)
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.flow.text_limits import REMEDY_MAX, WARNING_MAX, brief, with_warnings
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages.publishing import announce
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.records.operations import WriteResult
from chalicelib.runtime.lease import lease_until
from chalicelib.runtime.republishing import republish_after

BUGS_MAX = 3  # unexpected exceptions within one state before the operation fails
# Announcements of the heartbeat, past the deadline, before it ends an operation itself.
UNANSWERED_MAX = 3
Step = Callable[[Operation, Ports], Outcome]


@dataclass(frozen=True)
class StepInvocation:
    """One invocation of a step for one operation; `owner` is its name in the lease."""

    step: str
    ports: Ports
    owner: str


def run_step(step: str, operation_id: str, ports: Ports) -> str | None:
    """Run a step for an operation in one of its states; returns why nothing was done, or None.

    Raises UnreadableRecordError, botocore's errors where the tables cannot be reached, and every
    unexpected exception of the step.
    """
    invocation, now = StepInvocation(step, ports, ports.new_id()), ports.now()
    states = states_of(step)
    claim = ports.operations.claim(
        operation_id, states, owner=invocation.owner, now=now, until=lease_until(now, ports)
    )
    operation = claim.operation
    if operation is None:
        return claim.reason
    observability.about(operation, step)
    if claim.held:
        try:
            _perform(invocation, operation)
        except Exception:
            # Nothing acts any more, so Lambda's retry need not wait for the lease's end.
            with suppress(TransientError):
                ports.operations.give_back(operation_id, invocation.owner, due_at=ports.now())
            raise
        return None
    if operation.cancel_requested and operation.state in states and not claim.busy:
        cancel(invocation, operation)
        return None
    return claim.reason


def where_to_look(step: str) -> str:
    """Give the remedy for a step that does not answer."""
    log = f"Look at the log of the function {step} for errors and throttles."
    if step != IN_VPC:
        return log
    return (
        f"{log} It runs in a VPC: without a route to a NAT gateway, or an endpoint for DynamoDB, "
        "it can neither read the operation nor say so."
    )


class _Pauses:
    """Counts the seconds for which a step waits inside its invocation: they are Aurora's."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        self._pause, self.seconds = pause, 0.0

    def __call__(self, seconds: float) -> None:
        self._pause(seconds)
        self.seconds += seconds


def _perform(invocation: StepInvocation, claimed: Operation) -> None:
    started, pauses = invocation.ports.now(), _Pauses(invocation.ports.pause)
    try:
        ports = replace(invocation.ports, pause=pauses)
        outcome = _load(invocation.step)(claimed, ports)
    except StateFaultError as error:
        outcome = _after_state_fault(claimed, error, invocation.ports.now())
    except TransientError as error:
        outcome = Wait(error.reason, polling.backoff(claimed), trouble=True, remedy=error.remedy)
    except RefusedError as error:
        outcome = Refuse.of(error)
    except UnreadableRecordError as error:
        outcome = Refuse(error.reason, error.remedy)
    except Exception as error:
        logger.exception("A bug in %s: %s.", invocation.step, type(error).__name__)
        count = claimed.unexpected_errors + 1
        if count < BUGS_MAX:
            reason = f"{invocation.step} met a bug, {type(error).__name__}."
            wait = Wait(reason, polling.backoff(claimed), trouble=True)
            _save_wait(invocation, claimed, replace(claimed, unexpected_errors=count), wait)
            raise
        bug = type(error).__name__
        outcome = Refuse(
            f"{invocation.step} failed {BUGS_MAX} times with {bug}, which it does not expect.",
            "It is a bug: report it, with the trace that the function's log has.",
        )
    spent = max(0, (invocation.ports.now() - started).total_seconds() - pauses.seconds)
    _apply(
        invocation,
        claimed,
        replace(claimed, active_seconds=claimed.active_seconds + spent),
        outcome,
    )


def _after_state_fault(claimed: Operation, error: StateFaultError, now: datetime) -> Outcome:
    """Wait for a resource's state to change, at most `STATE_FAULT_MAX`."""
    since = claimed.state_fault_since or now
    if now - since < STATE_FAULT_MAX:
        return Wait(error.reason, polling.backoff(claimed), trouble=True, state_fault_since=since)
    return Refuse.of(refused_for_long(error))


def _apply(
    invocation: StepInvocation, claimed: Operation, worked: Operation, outcome: Outcome
) -> None:
    now = invocation.ports.now()
    if isinstance(outcome, Advance):
        after = replace(
            _entering(invocation, worked, outcome.to, outcome.facts),
            reason=outcome.reason or worked.reason,
            remedy=outcome.remedy or worked.remedy,
            warnings=with_warnings(worked.warnings, outcome.warnings),
            notified=worked.notified if outcome.notified is None else outcome.notified,
        )
        _write(invocation, claimed, after, outcome.what)
    elif isinstance(outcome, Refuse):
        fail_or_continue(invocation, worked, outcome)
    elif now >= _deadline(worked, outcome, now):  # the step has looked before the deadline counts
        late = f"{outcome.why.rstrip('.')}, and the deadline of {worked.state} has passed."
        remedy = outcome.remedy or _more_time(worked)
        fail_or_continue(invocation, worked, Refuse(late, remedy, outcome.facts))
    else:
        _save_wait(invocation, claimed, worked, outcome)


def _more_time(operation: Operation) -> str:
    plan, deadline = operation.plan, ROWS[operation.state].deadline
    allowed = f"{plan.setting_of(deadline)}, which allows {plan.seconds(deadline):,} seconds in all"
    return f"Find out why it takes so long, or allow it more time by {allowed}."


def fail_or_continue(invocation: StepInvocation, operation: Operation, refusal: Refuse) -> None:
    """Fail the operation; one that is ending already reaches its end without a notification."""
    to = ROWS[operation.state].on_giving_up
    if operation.state is State.ROLLING_BACK:  # what led there is what people have to know
        refusal = _still_rolling_back(operation, refusal)
    after = _entering(
        invocation, operation, to, refusal.facts or _current(invocation, operation).facts
    )
    sentences = " ".join([refusal.reason, *refusal.problems, refusal.remedy])
    if to in (State.FAILING, State.ROLLING_BACK):
        after = replace(
            after,
            reason=brief(refusal.reason),
            remedy=brief(refusal.remedy, REMEDY_MAX),
            failed_step=invocation.step,
            stopped_at=operation.state,
            rerun_from=refusal.from_step,
            retry=refusal.retry,
            problems=tuple(brief(problem, WARNING_MAX) for problem in refusal.problems),
        )
        logger.error("The operation fails: %s", sentences)
    else:
        warnings = with_warnings(operation.warnings, [f"{invocation.step}: {sentences}"])
        after = replace(after, warnings=warnings, notified=False)
        logger.warning("The operation continues without %s: %s", invocation.step, sentences)
    _write(invocation, operation, after, " ".join([refusal.reason, *refusal.problems]))


def _still_rolling_back(operation: Operation, refusal: Refuse) -> Refuse:
    """Add why a rollback ends early to why it began."""
    if operation.reason is None:
        return refusal
    first, undoing = operation.remedy or "", operation.undoing.capitalize()
    if first == NOTHING_TO_DO:
        first = ""
    return replace(
        refusal,
        reason=f"{operation.reason} {undoing} did not finish: {refusal.reason}",
        remedy=refusal.remedy if first in refusal.remedy else f"{first} {refusal.remedy}".strip(),
    )


def _save_wait(
    invocation: StepInvocation, claimed: Operation, worked: Operation, wait: Wait
) -> None:
    now = invocation.ports.now()
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
    planned = wait.seconds
    if planned is None:
        planned = polling.seconds_to_next_poll(after, now)
    left = max(1.0, (after.deadline - now).total_seconds())  # a passed deadline is judged at once
    seconds = min(planned, left)
    after = replace(after, due_at=now + timedelta(seconds=seconds))
    logger.info("Waiting: %s", wait.why, seconds=seconds)
    written = invocation.ports.operations.save_wait(claimed, after, owner=invocation.owner)
    if written is WriteResult.CANCEL_REQUESTED:
        cancel(invocation, worked, wait.facts)
    elif written is WriteResult.DONE and wait.at_once:
        announce([after], invocation.ports)


def _deadline(operation: Operation, wait: Wait, now: datetime) -> datetime:
    """Give the state's deadline; time in Aurora's copy queue has a budget of its own."""
    if not wait.queued:
        return operation.deadline
    plan = operation.plan
    budget = timedelta(seconds=plan.seconds(ROWS[operation.state].deadline))
    queued_max = timedelta(seconds=plan.copies.copy_queue_deadline)
    return min(now, operation.entered_at + queued_max) + budget


def _write(invocation: StepInvocation, before: Operation, after: Operation, what: str) -> None:
    written = invocation.ports.operations.advance(
        before, after, step=invocation.step, what=what, owner=invocation.owner
    )
    if written is WriteResult.CANCEL_REQUESTED:
        cancel(invocation, before, after.facts)
    elif written is WriteResult.LOCK_LOST and (why := _why_not_yet(invocation, before)):
        _wait_or_fail(invocation, before, replace(before, facts=after.facts), why)
    elif written is WriteResult.LOCK_LOST:
        target = before.plan.target_cluster_arn
        reason = f"This operation no longer holds the lock of {target}, which it leaves alone."
        remedy = "See which operation holds it, and wait for its end."
        fail_or_continue(invocation, before, Refuse(reason, remedy, after.facts))
    elif written is WriteResult.CONFLICT:
        logger.info("Another invocation wrote the record first; %s is not written.", after.state)
    else:
        observability.advanced(after, what)
        announce([after], invocation.ports)


def _why_not_yet(invocation: StepInvocation, operation: Operation) -> str | None:
    """Say why a change of state has to wait for another operation; None where it lost the lock.

    While a previous target is deleted no clusters change their names, and the other way round.
    """
    operations, arn = invocation.ports.operations, operation.plan.target_cluster_arn
    operations.release_stale_deletion(arn)
    target = operations.target(arn)
    if operation.kind is Kind.RETIRE:
        return f"Another operation moves or deletes clusters of {target.arn} now."
    if target.locked_by != operation.operation_id:
        return None
    return f"The operation {target.deleted_by} deletes the previous target now."


def _wait_or_fail(
    invocation: StepInvocation, claimed: Operation, worked: Operation, why: str
) -> None:
    wait = Wait(why, worked.plan.target.restore_check_interval)
    if invocation.ports.now() >= worked.deadline:
        late = f"{why.rstrip('.')}, and the deadline of {worked.state} has passed."
        fail_or_continue(invocation, worked, Refuse(late, _more_time(worked)))
    else:
        _save_wait(invocation, claimed, worked, wait)


def _current(invocation: StepInvocation, operation: Operation) -> Operation:
    """Read the record again: facts that a step saved before it failed must not be overwritten."""
    return invocation.ports.operations.read(operation.operation_id) or operation


def cancel(invocation: StepInvocation, operation: Operation, facts: Facts | None = None) -> None:
    """Cancel the operation, with the facts that were just gathered."""
    to = ROWS[operation.state].on_cancel
    if to is None:
        return
    current = _current(invocation, operation)
    reason = "without a reason"
    if current.cancel_reason:
        reason = f"with the reason {quoted(current.cancel_reason)}"
    after = replace(
        _entering(invocation, operation, to, facts or current.facts),
        reason=f"Cancelled on request, {reason}.",
        stopped_at=operation.state,
        cancel_reason=current.cancel_reason,
        remedy=NOTHING_TO_DO,
    )
    _write(invocation, operation, after, f"stopped in {operation.state}, on request")


def _entering(
    invocation: StepInvocation, operation: Operation, to: State, facts: Facts
) -> Operation:
    if not is_allowed(operation.state, to):
        raise ValueError(f"The choreography does not allow {to} after {operation.state}.")
    now = invocation.ports.now()
    return replace(operation.enter(to, now, facts), due_at=now + republish_after(invocation.ports))


def _load(step: str) -> Step:
    """Import a step by its name, so that a function loads only the modules that it uses."""
    name = step.replace("-", "_")
    act: Step = getattr(importlib.import_module(f"chalicelib.steps.{name}"), name)
    return act
