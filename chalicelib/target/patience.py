"""Waiting inside an invocation, while the target's name is nobody's: there seconds count.

Everywhere else a step that has to wait ends, and the heartbeat or an event of RDS wakes it again.
"""

from collections.abc import Callable

from botocore.exceptions import ClientError

from chalicelib.flow.errors import TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Outcome, Wait
from chalicelib.observability import logger
from chalicelib.ports import Ports

LOOK_SECONDS = 3
LAST_LOOK_SECONDS = 20  # before the function's time is over: a look, a change and a write


def patiently(operation: Operation, ports: Ports, attempt: Callable[[], Outcome]) -> Outcome:
    """Repeat an attempt every few seconds until seconds do not count, or the time is nearly over.

    What may pass costs one attempt, not the swap; the last one raises it. Each kind is logged once.
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


def _kind(error: TransientError) -> tuple[str, ...]:
    """Give the call and the code of an error: AWS's messages may differ each time."""
    answer = error.__cause__
    if isinstance(answer, ClientError):
        return answer.operation_name, answer.response["Error"]["Code"]
    return (type(error).__name__, error.reason)
