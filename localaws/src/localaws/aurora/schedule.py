"""The schedule: transitions by due time, and the slow work that some of them start."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Then = Callable[[], None]
OnFailure = Callable[[Exception], None]


@dataclass(order=True)
class Transition:
    """Something that happens to a resource by itself."""

    due_at: datetime
    number: int
    then: Then = field(compare=False)


@dataclass(frozen=True)
class PendingWork:
    """Work on the data plane that may take seconds: `work` runs without the model's lock.

    Afterwards, with the lock, `then` happens, or `failed` with what the work raised.
    """

    at: datetime
    work: Then
    then: Then
    failed: OnFailure


class Schedule:
    """Transitions in the order of their due times.

    Those due together keep the order in which they were made.

    Housekeeping is far off and nobody waits for it.
    """

    def __init__(self) -> None:
        self._awaited: list[Transition] = []
        self._housekeeping: list[
            Transition
        ] = []  # apart, so that the next that is awaited is found at once
        self._number = 0

    def add(self, due_at: datetime, then: Then, *, housekeeping: bool = False) -> None:
        """Plan a transition."""
        self._number += 1
        heap = self._housekeeping if housekeeping else self._awaited
        heapq.heappush(heap, Transition(due_at, self._number, then))

    def pop_due(self, now: datetime) -> Transition | None:
        """Take the next transition that is due, or None."""
        due = [
            heap for heap in (self._awaited, self._housekeeping) if heap and heap[0].due_at <= now
        ]
        return heapq.heappop(min(due, key=lambda heap: heap[0])) if due else None

    def next_due(self) -> datetime | None:
        """When the next transition happens that somebody may be waiting for.

        None when nothing is under way.
        """
        return self._awaited[0].due_at if self._awaited else None
