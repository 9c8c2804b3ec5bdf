"""What a test can make go wrong."""

from dataclasses import dataclass, field

from localaws.aurora.errors import InjectedError


@dataclass
class InjectedRefusal:
    """An error for the next calls of one action, before the call has its effect or after it."""

    code: str
    message: str
    http_status: int
    times: int
    after_effect: bool


@dataclass(frozen=True)
class CreationFailure:
    """How the creation of a cluster or an instance is going to end."""

    status: str
    message: str


@dataclass
class PlannedFaults:
    """Faults in store, by what they will befall."""

    refusals: dict[str, list[InjectedRefusal]] = field(default_factory=dict)
    failing_copies: set[str] = field(default_factory=set)
    failing_creations: dict[str, CreationFailure] = field(default_factory=dict)
    failing_passwords: dict[str, str] = field(default_factory=dict)
    failing_renames: set[str] = field(default_factory=set)

    def raise_refusal(self, action: str, *, after_effect: bool) -> None:
        """Raise the error that is in store for an action, if one is."""
        waiting = self.refusals.get(action, [])
        if not waiting or waiting[0].after_effect != after_effect:
            return
        refusal = waiting[0]
        refusal.times -= 1
        if not refusal.times:
            waiting.pop(0)
        raise InjectedError(refusal.code, refusal.message, refusal.http_status)
