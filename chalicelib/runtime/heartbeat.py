"""heartbeat: every minute, announces overdue operations again, and checks the plans."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib import observability
from chalicelib.flow.choreography import ROWS, TERMINAL
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Refuse
from chalicelib.messages.publishing import announce
from chalicelib.observability import logger
from chalicelib.ports import ENTRIES_MAX, Ports
from chalicelib.runtime import catch_up
from chalicelib.runtime.lease import LEASE_MARGIN_SECONDS
from chalicelib.runtime.republishing import republish_after
from chalicelib.runtime.runner import (
    UNANSWERED_MAX,
    StepInvocation,
    cancel,
    fail_or_continue,
    where_to_look,
)

# RDS takes 300 requests at once and 12 a second after that, of a whole account in a region (user
# guide, request throttling). A step that is woken makes one or two of them, and a dozen follow
# where it finds that Aurora is done.
ANNOUNCED_PER_TICK = 30


def heartbeat(ports: Ports, *, first: bool = False) -> None:
    """Do one tick: always sweep, and check the plans once in every interval.

    The `first` tick of a process checks the plans, too, so that a deployment enables the catch-up
    at once. Neither an error nor the invalid settings of a plan stop anything else. Only a finished
    tick is counted, so that the alarm also fires when the tables or the parameters cannot be read.
    """
    plans_are_due = first or catch_up.begins_interval(ports)  # before the sweep, which takes time
    sweep(ports)
    if plans_are_due:
        catch_up.check_plans(ports)
    observability.count("Heartbeat", ports.settings.stage)


def sweep(ports: Ports) -> None:
    """Announce the operations that are due closer to this tick than to the next one.

    It reads only these, the longest overdue first, so the cost depends on nothing else. Due times
    are postponed for one call to the bus at a time: a tick that dies in between delays at most ten
    announcements, until they are due again.
    """
    batch: list[Operation] = []
    for operation in _due(ports):
        batch.append(operation)
        if len(batch) == ENTRIES_MAX:
            announce(batch, ports)
            batch = []
    if batch:
        announce(batch, ports)


def _due(ports: Ports) -> Iterator[Operation]:
    """Postpone and yield the operations to announce, at most `ANNOUNCED_PER_TICK` of them.

    At the next tick the rest is overdue the longest, so nothing starves. Operations that have
    ended do not count, because no step calls RDS for them.
    """
    now, wakes = ports.now(), 0
    until = now + timedelta(seconds=ports.settings.heartbeat_interval / 2)
    for item in ports.operations.due(until):
        if wakes == ANNOUNCED_PER_TICK or ports.remaining_seconds() < LEASE_MARGIN_SECONDS:
            logger.warning(
                "Re-announced %s operations (limit per tick); the rest follow next tick.", wakes
            )
            return
        try:
            operation = Operation.from_item(item)
            if _is_announced(operation, now, ports):
                wakes += operation.state not in TERMINAL
                yield operation
        except UnreadableRecordError as error:
            observability.unreadable(error, ports.settings.stage)


def _is_announced(operation: Operation, now: datetime, ports: Ports) -> bool:
    overdue = operation.state not in TERMINAL and now > operation.deadline
    if overdue and operation.announcements >= UNANSWERED_MAX:
        _fail_unresponsive(operation, ports)
        return False
    return ports.operations.reschedule(operation, due_at=now + republish_after(ports))


def _fail_unresponsive(operation: Operation, ports: Ports) -> None:
    invocation = StepInvocation(ROWS[operation.state].step or "", ports, ports.new_id())
    step = invocation.step
    observability.about(operation, step)
    if operation.cancel_requested and operation.cancellable:
        cancel(invocation, operation)
        return
    known = f" The last that was known: {operation.waiting_for}" if operation.waiting_for else ""
    refusal = Refuse(
        f"The deadline of {operation.state} passed and {step} did not answer "
        f"{operation.announcements} announcements.{known}",
        where_to_look(step),
    )
    fail_or_continue(invocation, operation, refusal)
