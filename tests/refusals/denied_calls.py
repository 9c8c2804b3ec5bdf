"""A stage whose functions' calls are known one by one, and one of which may be denied, as a role's
policy denies it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localaws.aurora.client import service as rds

from simulation.in_memory_services import client_error
from simulation.stage import SimulatedStage


@dataclass(frozen=True)
class DeniedCall:
    """One call that one function makes."""

    step: str
    service: str
    method: str

    def __str__(self) -> str:
        """Name it, as tests are named."""
        return f"{self.step} {self.service} {self.method}"

    @property
    def action(self) -> str:
        """Spell it as policies do."""
        camel = "".join(part.capitalize() for part in self.method.split("_"))
        return f"{self.service}:{rds().names[self.method] if self.service == 'rds' else camel}"


class DenyingStage(SimulatedStage):
    """A stage that notes every call of its functions, and denies one of them for as long as that
    function runs.
    """

    def __init__(
        self, denied: DeniedCall | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.denied, self.seen, self._running = denied, set[DeniedCall](), ""
        super().__init__(environment)

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once, under its own name."""
        self._running = step
        super().invoke(step, envelope)

    def beat(self) -> None:
        """Run one tick of the heartbeat, under its own name."""
        self._running = "heartbeat"
        super().beat()

    def check(self, service: str, method: str) -> None:
        """Note a call; raises the error of AWS if it is the one that is denied."""
        call = DeniedCall(self._running, service, method)
        self.seen.add(call)
        if call == self.denied:
            raise client_error(
                "AccessDenied", f"The role of {self._running} may not do that", method, 403
            )

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        return _Guarded(super().client(service, region), service, self.check)


class _Guarded:
    """A client that asks before each call."""

    def __init__(self, client: Any, service: str, check: Callable[[str, str], None]) -> None:
        self._client, self._service, self._check = client, service, check

    def __getattr__(self, method: str) -> Any:
        if method == "meta":  # which is no call
            return self._client.meta
        call = getattr(self._client, method)

        def guarded(**parameters: Any) -> Any:
            self._check(self._service, method)
            return call(**parameters)

        return guarded

    def get_paginator(self, method: str) -> "_GuardedPages":
        return _GuardedPages(
            self._client.get_paginator(method), lambda: self._check(self._service, method)
        )


class _GuardedPages:
    """A paginator that asks before its first page."""

    def __init__(self, pages: Any, check: Callable[[], None]) -> None:
        self._pages, self._check = pages, check

    def paginate(self, **parameters: Any) -> Iterator[Any]:
        self._check()
        yield from self._pages.paginate(**parameters)
