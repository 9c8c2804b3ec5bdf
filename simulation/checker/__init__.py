"""The judge: folds over a history, entry by entry, and says which promise is broken, by what.

It is the same for the simulation, which asks after every step, and for a real account, where the
history comes from CloudTrail and the two tables (`python -m simulation.checker`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from simulation.history import Bounds, Called, Entry, Unjudged, Violation
from simulation.invariants import PROMISES
from simulation.invariants.invariant import Promise, Sentences
from simulation.invariants.projection import Book


class Judge:
    """Holds every promise against one history.

    What breaks a promise is said once, however often it shows.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._book = Book(bounds)
        self._promises = [promise(self._book) for promise in PROMISES]
        self._listeners = {
            kind: [promise for promise in self._promises if promise.looks_at(kind)]
            for kind in get_args(Entry)
        }
        self._said: set[Violation] = set()

    def see(self, entry: Entry) -> list[Violation]:
        """Look at the next entry, and say what it breaks.

        The cost does not grow with the history.
        """
        self._book.take(entry)
        found = [
            one
            for promise in self._listeners[type(entry)]
            for one in self._new(promise, promise.see(entry))
        ]
        if isinstance(entry, Called):
            self._book.learn(entry)
        return found

    def faults_stopped(self, at: datetime) -> None:
        """Note when the last fault was: deadlines that passed before count from then."""
        self._book.faults_stopped = at

    def rest(self, now: datetime) -> list[Violation]:
        """Say what is broken, now that nothing moves any more."""
        return [one for promise in self._promises for one in self._new(promise, promise.rest(now))]

    @property
    def unjudged(self) -> list[Unjudged]:
        """What could not be judged so far, and why.

        Of the promises that look at rest, only after that.
        """
        return [
            Unjudged(promise.name, doubt) for promise in self._promises for doubt in promise.doubts
        ]

    def _new(self, promise: Promise, sentences: Sentences) -> list[Violation]:
        found = [Violation(promise.name, sentence) for sentence in sentences]
        if not found:
            return []
        fresh = [one for one in dict.fromkeys(found) if one not in self._said]
        self._said.update(fresh)
        return fresh


def violations(bounds: Bounds, entries: Iterable[Entry], now: datetime) -> list[Violation]:
    """Judge a whole history that has come to rest at `now`."""
    judge = Judge(bounds)
    return [*(one for entry in entries for one in judge.see(entry)), *judge.rest(now)]
