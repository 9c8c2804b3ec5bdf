"""The checker: folds over a history, entry by entry, and says which invariant is broken, by what.

It is the same for the simulation, which asks after every step, and for a real account, where the
history comes from CloudTrail and the two tables (`python -m simulation.checker`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from simulation.history import Bounds, Called, Entry, Unchecked, Violation
from simulation.invariants import INVARIANTS
from simulation.invariants.invariant import Invariant, Sentences
from simulation.invariants.projection import HistoryView


class Checker:
    """Holds every invariant against one history.

    What breaks an invariant is said once, however often it shows.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._view = HistoryView(bounds)
        self._invariants = [invariant(self._view) for invariant in INVARIANTS]
        self._listeners = {
            kind: [invariant for invariant in self._invariants if invariant.looks_at(kind)]
            for kind in get_args(Entry)
        }
        self._said: set[Violation] = set()

    def see(self, entry: Entry) -> list[Violation]:
        """Look at the next entry, and say what it breaks.

        The cost does not grow with the history.
        """
        self._view.apply(entry)
        found = [
            violation
            for invariant in self._listeners[type(entry)]
            for violation in self._new(invariant, invariant.see(entry))
        ]
        if isinstance(entry, Called):
            self._view.observe_call(entry)
        return found

    def faults_stopped(self, at: datetime) -> None:
        """Note when the last fault was: deadlines that passed before count from then."""
        self._view.faults_stopped = at

    def rest(self, now: datetime) -> list[Violation]:
        """Say what is broken, now that nothing moves any more."""
        return [
            violation
            for invariant in self._invariants
            for violation in self._new(invariant, invariant.rest(now))
        ]

    @property
    def unchecked(self) -> list[Unchecked]:
        """What could not be judged so far, and why.

        Of the invariants that look at rest, only after that.
        """
        return [
            Unchecked(invariant.name, doubt)
            for invariant in self._invariants
            for doubt in invariant.doubts
        ]

    def _new(self, invariant: Invariant, sentences: Sentences) -> list[Violation]:
        found = [Violation(invariant.name, sentence) for sentence in sentences]
        if not found:
            return []
        fresh = [sentence for sentence in dict.fromkeys(found) if sentence not in self._said]
        self._said.update(fresh)
        return fresh


def violations(bounds: Bounds, entries: Iterable[Entry], now: datetime) -> list[Violation]:
    """Check a whole history that has come to rest at `now`."""
    checker = Checker(bounds)
    return [
        *(violation for entry in entries for violation in checker.see(entry)),
        *checker.rest(now),
    ]
