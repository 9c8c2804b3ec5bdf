"""What one night came to, and which part of that was Aurora's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from localaws.aurora import Durations

from bench.meter import Meter
from bench.outage import Outage, StandingHours
from chalicelib.flow.choreography import ROWS
from chalicelib.flow.operation import Operation

AURORA_DOES: Final[
    Mapping[str, tuple[str, ...]]
] = {  # the steps of a life cycle for each work of Aurora's in the choreography
    "the copy": ("copy",),
    "the deletion": ("cluster_delete",),
    "the cluster": ("restore",),
    "the writer": ("instance_create",),
    "the password reset": ("password_reset",),
    "the readers": ("instance_create",),
    "the renames": ("rename_lag", "rename", "rename_lag", "rename"),
    "the restart": ("cluster_stop", "cluster_start"),
    "the start": ("cluster_start",),
}


@dataclass(frozen=True)
class MeasuredNight:
    """What one night came to.

    Seconds: from the snapshot's event to the end, of those our own, and Aurora's.
    """

    took: float
    added: float
    aurora: float
    own: Mapping[str, float]  # by state: what it took beyond Aurora's own part of it
    meter: Meter
    outage: Outage
    retirement: Meter = field(default_factory=Meter)
    day: StandingHours = field(default_factory=StandingHours)


def own_seconds(operation: Operation, durations: Durations) -> Mapping[str, float]:
    """Say how many seconds each state took beyond what Aurora did in it."""
    own = {}
    for lasted in operation.durations:
        aurora = aurora_seconds(ROWS[lasted.state].aurora_work or "", durations)
        own[lasted.state.value] = lasted.seconds - aurora
    return own


def aurora_seconds(work: str, durations: Durations) -> float:
    """Say how long Aurora takes for a work that the choreography names."""
    seconds: Mapping[str, float] = vars(durations)
    return sum(seconds[step] for step in AURORA_DOES.get(work, ()))
