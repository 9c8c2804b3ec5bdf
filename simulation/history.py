"""What happened, as a list of entries in order.

Written by the simulation, or read from CloudTrail and the two tables.

The checker (`simulation.checker`) reads nothing else, so that it judges a run in a real account by
the same rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from chalicelib.records.store import Item, TableName


@dataclass(frozen=True)
class Called:
    """One call of an AWS API that reached AWS: by whom, what, where, and how it was answered.

    `action` and the names in `parameters` and `answer` are the API's own (`DeleteDBCluster`,
    `DBClusterIdentifier`). A call whose effect came but whose reply was lost has no `error`: what
    counts is what AWS did. `attempt` tells the claims of an operation apart where it is known (the
    lease's owner); CloudTrail does not know it.
    """

    at: datetime
    by: str  # the function's name, or the principal's
    service: str
    action: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None  # AWS's code
    answer: Mapping[str, Any] = field(default_factory=dict)
    operation_id: str | None = None
    attempt: str | None = None


@dataclass(frozen=True)
class Wrote:
    """One item as a write left it; `before` is what stood there (None: nothing, or not known)."""

    at: datetime
    by: str
    table: TableName
    key: str
    item: Item
    before: Item | None = None


@dataclass(frozen=True)
class Announced:
    """One event of ours that EventBridge accepted."""

    at: datetime
    detail_type: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """A text that left a function: an event, a log line, an SQL statement, a notice.

    No secret may be in it.
    """

    at: datetime
    where: Literal["event", "log", "sql", "notice"]
    text: str


@dataclass(frozen=True)
class Opened:
    """A login of production's was tried on a cluster that an operation had made, and it worked."""

    at: datetime
    resource_id: str
    role: str


@dataclass(frozen=True)
class Unnamed:
    """A login of production's was taken on a cluster, and the record does not name it."""

    at: datetime
    resource_id: str
    role: str


@dataclass(frozen=True)
class Reached:
    """A cluster that an operation had made has a way to production, or had one uncounted."""

    at: datetime
    resource_id: str
    kind: str
    is_open: bool


@dataclass(frozen=True)
class Holder:
    """A cluster that has a name; one that serves has an instance and answers its clients."""

    resource_id: str
    status: str
    serves: bool


@dataclass(frozen=True)
class Stood:
    """Which clusters stand in a region from now on, by name, whoever changed that."""

    at: datetime
    region: str
    holders: Mapping[str, Holder]


@dataclass(frozen=True)
class Pointed:
    """Which cluster each place names from now on, by resource id; "" for one that is not known."""

    at: datetime
    region: str
    clusters: Mapping[str, str]


Entry = Called | Wrote | Announced | Said | Opened | Unnamed | Reached | Stood | Pointed


@dataclass(frozen=True)
class Bounds:
    """What the checker has to know beforehand: who is the source, what is secret, what ends when.

    `sources` are the ARNs of the source clusters, `source_resource_ids` their immutable ids.
    `secrets` may be empty where they are not known (nobody should hand them to a report on a real
    account). `blind_to` names the kinds of entries that the history cannot hold (`Announced`,
    `Said`, `Opened`, `Stood`): what rests on them is not judged. Operations that are `under_way`
    need not have ended when everything else has come to rest.
    """

    stage: str
    sources: frozenset[str]
    source_resource_ids: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    heartbeat_seconds: int = 60
    lease_seconds: float = (
        70  # how long a function that died holds an operation: its time-out, and ten seconds
    )
    blind_to: frozenset[str] = frozenset()
    under_way: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: which, and how, as a sentence."""

    invariant: str  # the promise's short name, such as "one-end"
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.sentence}"


@dataclass(frozen=True)
class Unchecked:
    """What could not be judged of a promise, and why: the history does not tell it."""

    invariant: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant}: not judged: {self.sentence}"
