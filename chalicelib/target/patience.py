"""Waiting inside an invocation, while the target's name is nobody's: there seconds count.

Everywhere else a step that has to wait ends, and the heartbeat or an event of RDS wakes it again.
"""

from collections.abc import Callable
from contextlib import suppress

from botocore.exceptions import ClientError

from chalicelib.flow.errors import TransientError, UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Outcome, Wait
from chalicelib.observability import logger
from chalicelib.ports import Ports

LOOK_SECONDS = 3
LAST_LOOK_SECONDS = 20  # before the function's time is over: a look, a change and a write


def patiently(operation: Operation, ports: Ports, attempt: Callable[[], Outcome]) -> Outcome:
    """Repeat an attempt every few seconds until seconds do not count, or the time is nearly over.

    What may pass costs one attempt, not the swap; the last one raises it. Each kind is logged once.
    A cancellation is seen before the next attempt, so nothing is renamed or moved after it.
    """
    logged = set[tuple[str, ...]]()
    while True:
        late = ports.remaining_seconds() < LAST_LOOK_SECONDS or ports.now() >= operation.deadline
        try:
            outcome = attempt()
            if late or not isinstance(outcome, Wait) or not outcome.at_once:
                return outcome
        except TransientError as error:
            if late:
                raise
            if (kind := _kind(error)) not in logged:
                logger.warning("Tried again every %d seconds: %s", LOOK_SECONDS, error.reason)
            logged.add(kind)
        ports.pause(LOOK_SECONDS)
        if operation.cancellable and _is_cancelled(operation, ports):
            return Wait("Its cancellation was requested.", LOOK_SECONDS)


def _is_cancelled(operation: Operation, ports: Ports) -> bool:
    with suppress(TransientError, UnreadableRecordError):
        found = ports.operations.read(operation.operation_id)
        return bool(found and found.cancel_requested)
    return False


def _kind(error: TransientError) -> tuple[str, ...]:
    """Give the call and the code of an error: AWS's messages may differ each time."""
    answer = error.__cause__
    if isinstance(answer, ClientError):
        return answer.operation_name, answer.response["Error"]["Code"]
    return (type(error).__name__, error.reason)
