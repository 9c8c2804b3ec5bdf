"""What the old target had and only a cluster with instances can be given: without it, a warning."""

from collections.abc import Callable, Iterator

from chalicelib.aws.rds import Cluster
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.target.cluster import TargetCluster

ADVANCED = "advanced"
ADVANCED_DAYS = 465  # that the advanced mode of Database Insights needs (API reference)


def ensure_extras(operation: Operation, target: TargetCluster, cluster: Cluster) -> tuple[str, ...]:
    """Enable the Data API and Database Insights where the old target had them.

    Returns a warning for each that AWS refuses: the data is fresh without it. Production's logins
    are closed by now, so that no secret of production's opens the copy through the Data API.
    """
    if operation.keeps_cluster or operation.kind is not Kind.RESTORE:
        return ()
    return tuple(_refusals(_missing(operation, target, cluster)))


def _missing(
    operation: Operation, target: TargetCluster, cluster: Cluster
) -> dict[str, Callable[[], None]]:
    spec, found = operation.target_spec, cluster.settings
    missing: dict[str, Callable[[], None]] = {}
    if spec.data_api and not found.data_api:
        missing["The Data API"] = lambda: target.enable_data_api(cluster)
    if spec.insights_mode == ADVANCED != found.insights_mode:
        missing["The advanced mode of Database Insights"] = lambda: target.change(
            DatabaseInsightsMode=ADVANCED,
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=ADVANCED_DAYS,
        )
    return missing


def _refusals(missing: dict[str, Callable[[], None]]) -> Iterator[str]:
    for name, enable in missing.items():
        try:
            enable()
        except (RefusedError, TransientError) as error:
            yield f"{name}, which the old target had, could not be enabled: {error.reason}"
