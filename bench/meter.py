"""What is counted: by function and kind, so that what the heartbeat costs is told apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from bench.prices import dollars

EVENT_BYTES: Final = 64 * 1024
CALLED: Final = ("rds", "dynamodb", "events calls", "sns", "secretsmanager", "kms", "ssm", "ec2")
HEARTBEAT: Final = "heartbeat"
Key = tuple[str, str]


class Meter:
    """Counts of (function, kind).

    Requests, billed seconds, calls by service, units, events, transitions.
    """

    def __init__(self, counts: Mapping[Key, float] | None = None) -> None:
        self.counts: Counter[Key] = Counter()
        for key, number in (counts or {}).items():
            self.counts[key] += number  # type: ignore[assignment] # a Counter of fractions

    def add(self, function: str, kind: str, number: float = 1) -> None:
        """Count."""
        self.counts[function, kind] += number  # type: ignore[assignment] # as above

    def called(
        self, function: str, service: str, method: str, parameters: Mapping[str, Any]
    ) -> None:
        """Count a call; PutEvents is paid by its entries, of 64 KB each."""
        if service == "events":
            self.add(function, "events calls")
            self.add(function, "events", sum(map(_chunks, parameters["Entries"])))
        elif service != "postgresql":
            self.add(function, service)
        del method

    def invoked(self, function: str, seconds: float) -> None:
        """Count an invocation; Lambda bills each millisecond that has begun."""
        self.add(function, "requests")
        self.add(function, "seconds", ceil(round(seconds * 1000, 6)) / 1000)

    def since(self, earlier: "Meter") -> "Meter":
        """Give what was counted since."""
        return Meter({key: number - earlier.counts[key] for key, number in self.counts.items()})

    def copy(self) -> "Meter":
        """Keep the counts as they are."""
        return Meter(self.counts)

    def by_kind(self, functions: Sequence[str] | None = None) -> dict[str, float]:
        """Add up the functions, or those that are named."""
        sums: dict[str, float] = {}
        for (function, kind), number in self.counts.items():
            if functions is None or function in functions:
                sums[kind] = sums.get(kind, 0) + number
        return sums

    @property
    def dollars(self) -> float:
        """Price it all."""
        return dollars(self.by_kind())


def mean(meters: Sequence[Meter]) -> Meter:
    """Average counts."""
    total = Meter()
    for meter in meters:
        for (function, kind), number in meter.counts.items():
            total.add(function, kind, number / len(meters))
    return total


def _chunks(entry: Mapping[str, Any]) -> int:
    return ceil(sum(len(str(part).encode()) for part in entry.values()) / EVENT_BYTES)
