"""A model of Aurora PostgreSQL as RDS shows it: snapshots, clusters, instances, failures.

`Aurora` (`model.py`) performs `modelled_actions.py`, one function an action: copies, clusters,
restores, instances, snapshots, deletion, groups, exports. `quotas.py` has the figures of what an
account may have. `state.py` holds `records.py`, changed by `schedule.py` in time; `queries.py` and
`responses.py` describe them. `AuroraClient` is its boto3-shaped face.
`data.py` and `export_storage.py` are ports to what lies outside: databases and buckets.

It imports nothing of localaws but the clock. What it does not model, it refuses by name.
"""

from localaws.aurora.choices import Choices
from localaws.aurora.client import AuroraClient
from localaws.aurora.data import DataPlane, NoData
from localaws.aurora.durations import Durations
from localaws.aurora.errors import LocalAwsBugError, RdsError
from localaws.aurora.keys import Key, KeyRing
from localaws.aurora.model import Aurora
from localaws.aurora.quotas import Quotas
from localaws.aurora.state import Network
from localaws.clock import Clock, VirtualClock, WallClock

__all__ = [
    "Aurora",
    "AuroraClient",
    "Choices",
    "Clock",
    "DataPlane",
    "Durations",
    "Key",
    "KeyRing",
    "LocalAwsBugError",
    "Network",
    "NoData",
    "Quotas",
    "RdsError",
    "VirtualClock",
    "WallClock",
]
