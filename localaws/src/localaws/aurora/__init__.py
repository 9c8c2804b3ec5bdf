"""A model of Aurora PostgreSQL as RDS shows it: snapshots, clusters, instances, failures.

`Aurora` is the model, `AuroraClient` its boto3-shaped face. What it stands on is said
where it is modelled; what it does not model, it refuses by name.
"""

from localaws.aurora.client import AuroraClient
from localaws.aurora.data import DataPlane, NoData
from localaws.aurora.durations import Durations
from localaws.aurora.errors import LocalAwsBugError, RdsError
from localaws.aurora.keys import Key, KeyRing
from localaws.aurora.model import Aurora
from localaws.aurora.state import Network, Quotas
from localaws.clock import Clock, VirtualClock, WallClock

__all__ = [
    "Aurora",
    "AuroraClient",
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
