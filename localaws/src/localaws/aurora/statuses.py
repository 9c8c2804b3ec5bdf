"""What a cluster or an instance is doing, and what descriptions still say of it.

StopDBCluster, StartDBCluster, ModifyDBCluster and DeleteDBCluster answer with the status from
before, and so do descriptions for some seconds after them (recorded answers of the real API).
Only what is shown lags: a call is judged by what the resource is really doing.
"""

from datetime import timedelta

from localaws.aurora.records import Cluster, Instance, StatusLag
from localaws.aurora.state import AuroraState


def begin(
    state: AuroraState, resource: Cluster | Instance, status: str, lag_seconds: float | None = None
) -> None:
    """Let a call put a resource into a status, which descriptions show when the lag is over."""
    seconds = state.durations.status_lag if lag_seconds is None else lag_seconds
    until = state.now + timedelta(seconds=seconds)
    resource.lag = StatusLag(shown(state, resource), status, until)
    resource.status = status


def shown(state: AuroraState, resource: Cluster | Instance) -> str:
    """Return the status that a description shows now."""
    lag = resource.lag
    lags = lag is not None and resource.status == lag.status and state.now < lag.until
    return lag.before if lag is not None and lags else resource.status
