"""What can happen to one call that a function makes: refused, answered too late, the function's
end, or a race.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.faults import CrashError
from simulation.in_memory_services import client_error
from simulation.instrumented import AllPages

__all__ = [
    "CallFault",
    "CrashError",
    "Effect",
    "FunctionCall",
    "Make",
    "WatchedClient",
    "after_the_first",
    "raised",
    "refused",
]
Make = Callable[[], Any]
Effect = Callable[[], None]


@dataclass(frozen=True)
class FunctionCall:
    """One call: by which function, in which state of its operation ("" when it has none), of what,
    and where.
    """

    step: str
    state: str
    service: str
    method: str
    region: str = field(default="", compare=False)
    parameters: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def __str__(self) -> str:
        return f"{self.step}-{self.state or 'door'}-{self.service}.{self.method}"


@dataclass
class CallFault:
    """What happens at the next `times` calls that are like `at`.

    Empty words of `at` stand for anything.
    """

    at: FunctionCall
    happens: Effect
    after_effect: bool = False
    times: int = 1

    def matches(self, call: FunctionCall) -> bool:
        """Tell whether it is this call's turn."""
        words = (
            (self.at.step, call.step),
            (self.at.state, call.state),
            (self.at.service, call.service),
        )
        like = all(
            wanted in ("", found) for wanted, found in (*words, (self.at.method, call.method))
        )
        return self.times > 0 and like

    def apply(self, make: Make) -> Any:
        """Let it happen; what it raises is what the function sees."""
        self.times -= 1
        if self.after_effect:
            make()
        self.happens()
        return make()


def refused(code: str, status: int = 400) -> Effect:
    """Answer with an error code."""

    def happens() -> None:
        raise client_error(code, "A test asked for this.", "Call", status)

    return happens


def after_the_first(effect: Effect) -> Effect:
    """Let the first call through, and have the effect at each one after it."""
    calls: list[Effect] = []

    def happens() -> None:
        calls.append(effect)
        if len(calls) > 1:
            effect()

    return happens


def raised(error: BaseException) -> Effect:
    """Raise an error in the function's face."""

    def happens() -> None:
        raise error

    return happens


class WatchedClient:
    """A client whose every call goes through `through(method, parameters, make)`."""

    def __init__(self, client: Any, through: Callable[[str, dict[str, Any], Make], Any]) -> None:
        self._client, self._through = client, through

    def __getattr__(self, method: str) -> Any:
        if method == "meta":
            return self._client.meta

        def call(*places: Any, **parameters: Any) -> Any:
            return self._through(
                method, parameters, lambda: getattr(self._client, method)(*places, **parameters)
            )

        return call

    def get_paginator(self, method: str) -> Any:
        """Give a paginator whose pages are one call of `method`."""
        return AllPages(self._client, method, self._through)
