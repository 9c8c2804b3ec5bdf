"""The time of one invocation of setup-db-users: before its end, the next one continues."""

from collections.abc import Callable

from chalicelib.database.connection import Connection, database_of
from chalicelib.database.errors import DatabaseBusyError
from chalicelib.flow.text_limits import counted

SECONDS_TO_STOP = 90  # with less of an invocation left, no other transaction is begun


class TimeBudget:
    """The time of one invocation: at least one transaction begins, so each call gets further."""

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds, self._begun = remaining_seconds, False

    def begin(self, connection: Connection, left: int) -> None:
        """Allow a transaction, with `left` objects to go, if it will not be cut off."""
        if self._begun and self._remaining_seconds() < SECONDS_TO_STOP:
            raise DatabaseBusyError(
                f"Setting rights in database {database_of(connection)} takes longer than one "
                f"invocation: {counted(left, 'object')} of this pass to go. The next one "
                "continues there."
            )
        self._begun = True
