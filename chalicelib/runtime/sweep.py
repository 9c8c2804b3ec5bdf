"""The heartbeat's sweep: what is due is announced again, and what nobody answers ends."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib import observability
from chalicelib.flow.choreography import ROWS, TERMINAL
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Refuse
from chalicelib.messages.publishing import announce, republish_after
from chalicelib.observability import logger
from chalicelib.ports import ENTRIES_MAX, Ports
from chalicelib.runtime.runner import (
    LEASE_MARGIN_SECONDS,
    UNANSWERED_MAX,
    StepInvocation,
    _cancel,
    _fail_or_continue,
    _where_to_look,
)

# RDS takes 300 requests at once and 12 a second after that, of a whole account in a region (user
# guide, request throttling). A step that is woken makes one or two of them, and a dozen follow
# where it finds that Aurora is through.
ANNOUNCED_PER_TICK = 30


def sweep(ports: Ports) -> None:
    """Announce again what is due nearer to this tick than to the next, and end what nobody answers for.

    Reads only what is due, the longest overdue first, so the cost follows that alone. Due times are
    pushed for one call to the bus at a time: a tick that dies between the two has delayed ten
    announcements by a beat.
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
    """Push the due time of each operation that is to be announced, until the tick has done its share.

    The rest is the longest overdue at the next tick, and what was announced goes behind it, so
    nothing starves. What ends here or has ended counts for nothing, because no step asks RDS for
    it.
    """
    now, wakes = ports.now(), 0
    for item in ports.operations.due(
        now + timedelta(seconds=ports.settings.heartbeat_interval / 2)
    ):
        if wakes == ANNOUNCED_PER_TICK or ports.remaining_seconds() < LEASE_MARGIN_SECONDS:
            logger.warning(
                "The tick has done its share, %s announcements; the next one goes on.", wakes
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
    turn = StepInvocation(ROWS[operation.state].step or "", ports, ports.new_id())
    observability.about(operation, turn.step)
    if operation.cancel_requested:
        _cancel(turn, operation)
        return
    known = f" The last that was known: {operation.waiting_for}" if operation.waiting_for else ""
    refusal = Refuse(
        f"The deadline of {operation.state} passed and {turn.step} did not answer "
        f"{operation.announcements} announcements.{known}",
        _where_to_look(turn.step),
    )
    _fail_or_continue(turn, operation, refusal)
