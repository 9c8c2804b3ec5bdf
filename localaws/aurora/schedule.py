"""What will happen, and when: transitions by due time, and the slow work that some of them start."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Then = Callable[[], None]


@dataclass(order=True)
class Transition:
    """Something that happens to a resource by itself. `housekeeping` is far off and nobody waits for it."""

    due_at: datetime
    number: int
    then: Then = field(compare=False)
    housekeeping: bool = field(compare=False, default=False)


@dataclass(frozen=True)
class Errand:
    """Work on the data plane that may take seconds: `work` runs without the model's lock, `then` with it."""

    at: datetime
    work: Then
    then: Then


class Schedule:
    """Transitions in the order of their due times; those due together keep the order in which they were made."""

    def __init__(self) -> None:
        self._heap: list[Transition] = []
        self._number = 0

    def add(self, due_at: datetime, then: Then, *, housekeeping: bool = False) -> None:
        """Plan a transition."""
        self._number += 1
        heapq.heappush(self._heap, Transition(due_at, self._number, then, housekeeping))

    def pop_due(self, now: datetime) -> Transition | None:
        """Take the next transition that is due, or None."""
        return heapq.heappop(self._heap) if self._heap and self._heap[0].due_at <= now else None

    def next_due(self) -> datetime | None:
        """When the next transition happens that somebody may be waiting for; None when nothing is under way."""
        return min((item.due_at for item in self._heap if not item.housekeeping), default=None)
