"""The kinds of trouble a step can meet.

Each leads to one reaction of the runner, and anything else is a bug.

Their sentences quote what AWS, PostgreSQL and people wrote, so each is made one line here
(`chalicelib.flow.untrusted_text`).
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from chalicelib.flow.untrusted_text import one_line


class Retry(StrEnum):
    """What people start after they did what a remedy says; a notice ends with its command."""

    RERUN = "rerun"  # the same operation, where it stopped or at `from_step`
    LAST_SUCCESS = (
        "last-success"  # the step `from_step` of the target's last success, on its cluster
    )
    NEW_REQUEST = (
        "new-request"  # a rerun keeps the snapshot and the clusters, and would be refused again
    )
    LATER_SNAPSHOT = "later-snapshot"  # what is changed in production is in later snapshots only


class TransientError(Exception):
    """It may go better later: the step is tried again, with backoff, until the state's deadline.

    The first argument is a sentence that says what happened and where; `remedy` says what to do if
    it never goes better (None: nothing particular).
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(one_line(reason))
        self.remedy = remedy

    @property
    def reason(self) -> str:
        """What happened, as a sentence."""
        return str(self)


class TablesBusyError(TransientError):
    """The tables do not answer: whether the last write was made is not known."""


# A resource that is in the middle of something else is through within minutes, and its status says
# so meanwhile: then the step waits and does not ask. What refuses for longer refuses for good, and
# people are without a target.
STATE_FAULT_MAX = timedelta(minutes=10)


class StateFaultError(TransientError):
    """AWS refused a call because of the state that a resource is in.

    That passes within minutes, or not by itself: it is tried again for `STATE_FAULT_MAX`.
    """


class RefusedError(Exception):
    """It will not go better by itself: the operation ends, and says why (`reason`) and what to do (`remedy`).

    A remedy says what to correct. How to go on after that is `retry`, of which the notice has the
    command: so no remedy speaks of it. `from_step` names the step that a rerun has to begin at,
    where the one that refused would refuse again. `problems` are sentences, where there are
    several: people are told one a line, below the reason.
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


class BeyondSettingsError(RefusedError):
    """A refusal that no change of the stage's settings undoes: production or the account has to change."""


class SettingsError(Exception):
    """The settings do not make a plan: `heading` says which, and each of `problems` stands on a line of its own.

    A problem is a sentence with the setting, where it stands, its value and what would be right.
    """

    def __init__(self, heading: str, problems: Sequence[str] = ()) -> None:
        super().__init__(lines(heading, problems))
        self.heading = heading
        self.problems = tuple(problems) or (heading,)


class UnreadableRecordError(Exception):
    """An item of the state table is not a record that this version understands.

    `remedy` says how to repair it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = one_line(reason), one_line(remedy)
        super().__init__(f"{self.reason} {self.remedy}")


def lines(heading: str, items: Sequence[str]) -> str:
    """Write a list under its heading, one item a line."""
    return "\n".join([heading, *(f"- {item}" for item in items)])
