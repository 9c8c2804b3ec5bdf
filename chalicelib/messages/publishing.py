"""Announces the states of operations on the event bus; the heartbeat repeats what fails here."""

from collections.abc import Sequence

from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.messages.announcements import announcement
from chalicelib.observability import logger
from chalicelib.ports import Ports


def announce(operations: Sequence[Operation], ports: Ports) -> None:
    """Announce the states of at most `ports.ENTRIES_MAX` operations in one call.

    An operation whose end is announced leaves the index of open ones. Where the whole call is
    refused, it is repeated for each operation alone, so that one that cannot be announced stops no
    other. The heartbeat announces again what fails.
    """
    try:
        taken = ports.put_events([announcement(each) for each in operations])
    except (TransientError, RefusedError) as error:
        if isinstance(error, RefusedError) and len(operations) > 1:
            for operation in operations:
                announce([operation], ports)
            return
        logger.warning("Not announced yet: %s: %s", ", ".join(map(_describe, operations)), error)
        return
    for operation, was_taken in zip(operations, taken, strict=True):
        if not was_taken:
            logger.warning("EventBridge did not take the announcement of %s.", _describe(operation))
        elif operation.state in TERMINAL:
            ports.operations.mark_closed(operation)


def _describe(operation: Operation) -> str:
    return f"{operation.operation_id} is {operation.state}"
