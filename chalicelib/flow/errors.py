"""The errors that a step may raise.

The runner has one reaction to each of them, and any other exception is a bug. The sentences quote
what AWS, PostgreSQL and people wrote, so each is escaped to one line here
(`chalicelib.flow.untrusted_text`).
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from chalicelib.flow.untrusted_text import one_line

NOTHING_TO_DO = "Nothing has to be done."  # the remedy where everything is as people want it


class Retry(StrEnum):
    """What people start after they followed a remedy; the notification ends with its command."""

    # The same operation, where it stopped or at `from_step`.
    RERUN = "rerun"
    # The step `from_step` of the target's last success, on its cluster.
    LAST_SUCCESS = "last-success"
    # A rerun keeps the snapshot and the clusters, so it would be refused again.
    NEW_REQUEST = "new-request"
    # What is changed in production is in later snapshots only.
    LATER_SNAPSHOT = "later-snapshot"


class TransientError(Exception):
    """A later attempt may succeed: the step is retried, with backoff, until the state's deadline.

    `reason` is a sentence that says what happened and where; `remedy` says what to do if no attempt
    succeeds (None: nothing particular).
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(one_line(reason))
        self.remedy = remedy

    @property
    def reason(self) -> str:
        """What happened, as a sentence."""
        return str(self)


class TablesBusyError(TransientError):
    """The tables do not answer, so it is not known whether the last write was made."""


# A resource that is busy with something else says so by its status, and is done within minutes; the
# step waits for that and makes no call. A refusal that lasts longer is permanent, and people are
# without a target.
STATE_FAULT_MAX = timedelta(minutes=10)


class StateFaultError(TransientError):
    """AWS refused a call because of the state that a resource is in.

    That passes within minutes or never: the call is retried for `STATE_FAULT_MAX`.
    """


class CapacityError(TransientError):
    """AWS has no capacity for what was asked: in an availability zone, or in the region."""


class RefusedError(Exception):
    """No retry will help: the operation ends with a `reason` and a `remedy`.

    A remedy says what to correct, and never how to start again: that is `retry`, whose command the
    notification has. `from_step` names the step that a rerun has to begin at, where the step that
    refused would refuse again. `problems` are sentences, where there are several: the notification
    has each on a line of its own, below the reason.
    """

    def __init__(
        self,
        reason: str,
        remedy: str,
        *,
        from_step: str | None = None,
        retry: Retry = Retry.RERUN,
        problems: Sequence[str] = (),
    ) -> None:
        self.reason = one_line(reason)
        self.remedy = one_line(remedy)
        super().__init__(f"{self.reason} {self.remedy}")
        self.from_step = from_step
        self.retry = retry
        self.problems = tuple(map(one_line, problems))


def with_remedy(error: RefusedError, more: str) -> RefusedError:
    """Add a sentence to a refusal's remedy."""
    return RefusedError(
        error.reason,
        f"{error.remedy} {more}",
        from_step=error.from_step,
        retry=error.retry,
        problems=error.problems,
    )


class BeyondSettingsError(RefusedError):
    """A refusal that only a change in production or in the account can resolve, not a setting."""


def refused_for_long(error: StateFaultError) -> RefusedError:
    """Make the refusal of a call that was retried for `STATE_FAULT_MAX`."""
    minutes = STATE_FAULT_MAX // timedelta(minutes=1)
    remedy = f"See what state the resource is in and why, and correct that. {error.remedy or ''}"
    return RefusedError(f"{error.reason} It was refused for {minutes} minutes.", remedy.rstrip())


class SettingsError(Exception):
    """The settings are invalid: `heading` says which, and each of `problems` has its own line.

    A problem is a sentence with the setting, where it is set, its value and what would be right.
    """

    def __init__(self, heading: str, problems: Sequence[str] = ()) -> None:
        super().__init__(lines(heading, problems))
        self.heading = heading
        self.problems = tuple(problems) or (heading,)


class UnreadableRecordError(Exception):
    """An item of the state table is not a record that this version can read.

    `remedy` says how to repair it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = one_line(reason), one_line(remedy)
        super().__init__(f"{self.reason} {self.remedy}")


def lines(heading: str, items: Sequence[str]) -> str:
    """Write a list under its heading, one item a line."""
    return "\n".join([heading, *(f"- {item}" for item in items)])
