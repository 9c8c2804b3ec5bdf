"""The decisions about functions, in memory and as lines of a file."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from localaws.journals import Journal

KEPT_MAX: Final = 20_000
"""How many decisions memory holds; the file holds them all."""

FILE: Final = "iam.jsonl"
Verdict = Literal["allowed", "denied", "not modelled"]


@dataclass(frozen=True)
class DecisionRecord:
    """One decision: the request, and the statement that decided (None: there was none)."""

    function: str
    action: str
    resource: str
    decision: Verdict
    sid: str | None = None


class Decisions:
    """The decisions of one world. Safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / FILE)
        self._lock = threading.Lock()
        self._kept: deque[DecisionRecord] = deque(maxlen=KEPT_MAX)

    def prepare(self) -> None:
        """Begin an empty file: what an earlier world decided says nothing of this one."""
        self._journal.begin()

    def add(self, decided: DecisionRecord) -> None:
        """Keep one, as one line of JSON."""
        with self._lock:
            self._kept.append(decided)
            self._journal.add(json.dumps(asdict(decided)))

    def __iter__(self) -> Iterator[DecisionRecord]:
        with self._lock:
            return iter(list(self._kept))
