"""What every invariant of the checker is made of."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from chalicelib.records.store import Item
from simulation.history import (
    Announced,
    Called,
    Entry,
    Opened,
    Pointed,
    Reached,
    Said,
    Stood,
    Unnamed,
    Wrote,
)
from simulation.invariants.projection import INTENT, TARGET_KEY, HistoryView, OperationView, row_key

Sentences = Iterable[str]


class Invariant:
    """One invariant.

    It looks at each entry once, remembers what its own rule needs, and says what breaks it.

    A invariant overrides what it has to look at. What cannot be judged is put into `doubts`, once
    each.
    """

    name: ClassVar[str]

    def __init__(self, view: HistoryView) -> None:
        self.view, self.bounds = view, view.bounds
        self.doubts: dict[str, None] = {}

    def doubt(self, sentence: str) -> None:
        """Say what could not be judged."""
        self.doubts[sentence] = None

    def blind_to(self, kind: str) -> bool:
        """Tell whether the history cannot hold this kind of entry."""
        return kind in self.bounds.blind_to

    @classmethod
    def looks_at(cls, kind: type[Entry]) -> bool:
        """Tell whether the invariant has anything to say to a kind of entry.

        Most are silent on most.
        """
        return any(getattr(cls, name) is not getattr(Invariant, name) for name in _HEARD_BY[kind])

    def see(self, entry: Entry) -> Sentences:
        """Look at one entry."""
        if isinstance(entry, Wrote):
            return [*self.wrote(entry), *self._place(entry)]
        look: Callable[[Any], Sentences] = getattr(self, _HEARD_BY[type(entry)][0])
        return look(entry)

    def _place(self, entry: Wrote) -> Sentences:
        before = self.view.before
        if entry.table == "audit":
            operation_id, version = row_key(entry.key)
            return (
                ()
                if entry.key.endswith(INTENT)
                else self.row(self.view.about(operation_id), version, entry, before)
            )
        if entry.key.startswith(TARGET_KEY):
            return self.target(entry.key.removeprefix(TARGET_KEY), entry, before)
        return self.record(self.view.about(entry.key), entry, before)

    def wrote(self, entry: Wrote) -> Sentences:
        """Look at any write."""
        del entry
        return ()

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """Look at a write of an operation's record."""
        del operation, entry, before
        return ()

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Look at the audit row of a change of state."""
        del operation, version, entry, before
        return ()

    def target(self, arn: str, entry: Wrote, before: Item | None) -> Sentences:
        """Look at a write of a target's item."""
        del arn, entry, before
        return ()

    def called(self, call: Called) -> Sentences:
        """Look at a call."""
        del call
        return ()

    def announced(self, event: Announced) -> Sentences:
        """Look at an event that EventBridge accepted."""
        del event
        return ()

    def said(self, text: Said) -> Sentences:
        """Look at a text that left a function."""
        del text
        return ()

    def opened(self, login: Opened) -> Sentences:
        """Look at a login of production's that worked."""
        del login
        return ()

    def unnamed(self, login: Unnamed) -> Sentences:
        """Look at a login of production's that was taken and is not named."""
        del login
        return ()

    def reached(self, way: Reached) -> Sentences:
        """Look at a way to production that was left open, or not counted."""
        del way
        return ()

    def stood(self, standing: Stood) -> Sentences:
        """Look at what stands under which name from now on."""
        del standing
        return ()

    def pointed(self, named: Pointed) -> Sentences:
        """Look at which clusters the pointers name from now on."""
        del named
        return ()

    def rest(self, now: datetime) -> Sentences:
        """Look at the whole, when everything has come to rest."""
        del now
        return ()


_HEARD_BY: Mapping[type[Entry], tuple[str, ...]] = {
    Wrote: ("wrote", "record", "row", "target"),
    Called: ("called",),
    Announced: ("announced",),
    Said: ("said",),
    Opened: ("opened",),
    Unnamed: ("unnamed",),
    Reached: ("reached",),
    Stood: ("stood",),
    Pointed: ("pointed",),
}


def state_before(before: Item | None) -> str | None:
    """Give the state that a write found, None where nothing is known to have stood there."""
    return str(before["state"]) if before and "state" in before else None
