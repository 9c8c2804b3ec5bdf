"""The outcomes that a step may return: advance, wait, or refuse. The runner applies them."""

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

    - `seconds` is when to look again, for something short or whose end no event tells. Without it
      Aurora is at work, and `polling` decides.
    - `queued` says that the copy is in Aurora's own queue, which does not count against the
      deadline.
    - `trouble` says that a call failed, rather than that something is under way.
    - `state_fault_since` is when AWS began to refuse the call for a resource's state.
    - `remedy` says what to do if the wait never ends.
    - `at_once` has the state announced again as soon as the wait is written, because seconds count.
    """

    why: str
    seconds: float | None = None
    facts: Facts | None = None
    queued: bool = False
    trouble: bool = False
    remedy: str | None = None
    state_fault_since: datetime | None = None
    at_once: bool = False


@dataclass(frozen=True)
class Refuse:
    """A step's outcome: this operation cannot continue.

    `facts` are what was found and made until then.
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
