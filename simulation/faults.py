"""What can happen at a call and at a delivery, by name.

The first option is always that it goes well.
"""

from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.database.errors import DatabaseBusyError, DatabaseUnavailableError
from chalicelib.flow.errors import TablesBusyError
from simulation.in_memory_services import client_error
from simulation.injector import FINE

THROTTLED, ERROR, LOST, REPEATED, UNTAKEN = "throttled", "error", "lost", "repeated", "untaken"
CRASH_BEFORE, CRASH_AFTER = "crash-before", "crash-after"
DUPLICATE, HEARTBEAT = "raced-duplicate", "raced-heartbeat"
EVERYTHING = "raced-everything"
DROPPED, DOUBLED, LATE, REORDERED = "dropped", "doubled", "late", "reordered"
STALE = "stale"
LAGGING = "lagging"
LAG_SECONDS = 90.0  # longer than the shortest spacing between two looks
RACED = (DUPLICATE, HEARTBEAT, EVERYTHING)

# A read has no effect, so a lost reply is an error, and a crash after it the crash before what
# follows.
READ = (FINE, THROTTLED, ERROR, CRASH_BEFORE, *RACED)
WRITE = (FINE, THROTTLED, ERROR, LOST, CRASH_BEFORE, CRASH_AFTER, *RACED)
# RDS accepts these and describes the resource for a while as it was before.
LAGS = frozenset({"delete_db_cluster", "modify_db_cluster", "start_db_cluster", "stop_db_cluster"})
WRITE_THAT_LAGS = (*WRITE, LAGGING)
PUT = (*WRITE, UNTAKEN)  # PutEvents answers 200 and says that it did not take an entry
RECORD_READ = (FINE, THROTTLED, CRASH_BEFORE, *RACED)
# botocore repeats a write whose reply was lost; when its tries are spent the reply is lost for
# good.
RECORD_WRITE = (FINE, THROTTLED, REPEATED, LOST, CRASH_BEFORE, CRASH_AFTER, *RACED)
INDEX_READ = (*RECORD_READ, STALE)  # an index of DynamoDB is eventually consistent
STATEMENT = (FINE, THROTTLED, LOST, CRASH_BEFORE, CRASH_AFTER, *RACED)
BEFORE_PIECE = (
    FINE,
    THROTTLED,
    CRASH_BEFORE,
    *RACED,
)  # of a statement: what takes effect by itself comes after it
DELIVERY = (FINE, DROPPED, DOUBLED, LATE)
DELIVERY_AMONG_OTHERS = (*DELIVERY, REORDERED)
# What people put is not lost: whoever hears nothing puts it again. They may put it twice, or too
# late.
REQUEST_DELIVERY = (FINE, DOUBLED, LATE)
TICK = (FINE, DROPPED, DOUBLED)
PAUSE = (FINE, CRASH_BEFORE, *RACED)  # a function that waits may die or be raced meanwhile


class CrashError(BaseException):
    """The function's process ends here.

    Nothing in it can catch that, as with a time-out of Lambda.
    """


def throttled(service: str, method: str) -> Exception:
    """Give what a port raises when it is asked too often."""
    if service == "dynamodb":
        return TablesBusyError("DynamoDB is busy: ThrottlingException.")
    if service == "postgresql":
        return DatabaseBusyError(
            "PostgreSQL is in the way of the set-up: a lock was not had in time."
        )
    error: Exception = client_error("Throttling", "Rate exceeded", method)
    return error


def failed(method: str) -> ClientError:
    """Give the error of a service that broke before it did anything."""
    return client_error("InternalFailure", "An internal error has occurred.", method, 500)


def unanswered(service: str) -> Exception:
    """Give what a port raises when the effect came and the reply did not."""
    if service == "dynamodb":
        return TablesBusyError("DynamoDB is busy: RequestTimeout.")
    if service == "postgresql":
        return DatabaseUnavailableError("PostgreSQL went away (connection lost).")
    error: Exception = ReadTimeoutError(endpoint_url=f"https://{service}.amazonaws.com/")
    return error


def not_taken(entries: list[Any]) -> dict[str, Any]:
    """Give PutEvents' answer when it took none of the entries."""
    return {
        "FailedEntryCount": len(entries),
        "Entries": [{"ErrorCode": "InternalFailure"} for _ in entries],
    }
