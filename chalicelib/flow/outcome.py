"""What a step may return: a fact, a wait, or a refusal. The runner does the rest."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.facts import Facts


@dataclass(frozen=True)
class Advance:
    """A step's outcome: the state that is now a fact, with what is known."""

    to: State
    facts: Facts
    what: str  # a sentence for the trail
    reason: str | None = None  # why nothing is done, when skipping
    remedy: str | None = None  # what to do about that
    warnings: tuple[str, ...] = ()
    notified: bool | None = None


@dataclass(frozen=True)
class Wait:
    """A step's outcome: not yet.

    Without `seconds` Aurora is at work, and `polling` says when to look again.

    With `seconds` it is something short, or something whose end nothing tells: look again after so
    many of them. `queued` says that the time is spent in Aurora's own queue, which does not count
    against the state's deadline; `trouble` that a call went wrong rather than that something is
    under way; `state_fault_since` since when calls in a row were refused for a resource's state;
    `remedy` what to do if that never ends.
    """

    why: str
    seconds: float | None = None
    facts: Facts | None = None
    queued: bool = False
    trouble: bool = False
    remedy: str | None = None
    state_fault_since: datetime | None = None


@dataclass(frozen=True)
class Refuse:
    """A step's outcome: this operation cannot go on.

    `facts` keep what is known of what was made.
    """

    reason: str
    remedy: str
    facts: Facts | None = None
    from_step: str | None = None
    retry: Retry = Retry.RERUN
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: RefusedError, facts: Facts | None = None) -> "Refuse":
        """Make the outcome of a refusal that was raised."""
        return cls(error.reason, error.remedy, facts, error.from_step, error.retry, error.problems)


Outcome = Advance | Wait | Refuse
