"""Announcing: the bus is told which state an operation is in.

Whatever fails here falls due and is announced again.
"""

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.messages import events
from chalicelib.observability import logger
from chalicelib.ports import Ports


def announce(operations: Sequence[Operation], ports: Ports) -> None:
    """Tell the bus the present states of at most `ports.ENTRIES_MAX` operations in one call, and close told ends.

    What fails here is left to the heartbeat. A call that is refused as a whole is made again for
    each operation alone, so that one which cannot be announced takes nobody with it.
    """
    try:
        taken = ports.put_events([events.announcement(operation) for operation in operations])
    except (TransientError, RefusedError) as error:
        if isinstance(error, RefusedError) and len(operations) > 1:
            for operation in operations:
                announce([operation], ports)
            return
        logger.warning("Not announced yet: %s: %s", ", ".join(map(_describe, operations)), error)
        return
    for operation, told in zip(operations, taken, strict=True):
        if not told:
            logger.warning("EventBridge did not take the announcement of %s.", _describe(operation))
        elif operation.state in TERMINAL:
            ports.operations.mark_closed(operation)


def republish_after(ports: Ports) -> timedelta:
    """Say how long an announcement may stay unanswered before it is made again: a beat."""
    return timedelta(seconds=ports.settings.heartbeat_interval)


def _describe(operation: Operation) -> str:
    return f"{operation.operation_id} is {operation.state}"
