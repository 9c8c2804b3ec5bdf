"""What the old target had and only a cluster with instances can be given: without it, a warning."""

from collections.abc import Callable

from chalicelib.aws.rds import Cluster
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.polling import backoff
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster

ADVANCED = "advanced"
ADVANCED_DAYS = 465  # that the advanced mode of Database Insights needs (API reference)
DATA_API = "The Data API"
PATIENCE = 4  # what may pass is asked for again in a quarter of the state's time


def ensure_insights(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports
) -> Wait | tuple[str, ...]:
    """Enable the advanced mode of Database Insights where the old target had it.

    Returns a warning where AWS refuses: the data is fresh without it.
    """
    is_missing = operation.target_spec.insights_mode == ADVANCED != cluster.settings.insights_mode
    if not _is_made(operation) or not is_missing:
        return ()

    def enable() -> None:
        target.change(
            DatabaseInsightsMode=ADVANCED,
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=ADVANCED_DAYS,
        )

    return _or_warning("The advanced mode of Database Insights", enable, operation, ports)


def ensure_data_api(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports
) -> Wait | tuple[str, ...]:
    """Enable the Data API at the target's name where the old target had it.

    After a rename it has to be disabled and enabled again (user guide), so the new cluster gets it
    only here, and one that comes back gets it anew. Production's logins are closed by now: no
    secret of production's opens the copy through it.
    """
    has_it = cluster.settings.data_api
    if operation.kind is Kind.ROLLBACK and operation.plan.target.swaps and has_it:
        return _renewed(target, cluster)
    if has_it or not _is_made(operation) or not operation.target_spec.data_api:
        return ()
    return _or_warning(DATA_API, lambda: target.enable_data_api(cluster), operation, ports)


def _is_made(operation: Operation) -> bool:
    """Tell whether this operation made the cluster, in place of an old one."""
    return operation.kind is Kind.RESTORE and not operation.keeps_cluster


def _renewed(target: TargetCluster, cluster: Cluster) -> tuple[str, ...]:
    """Disable and enable the Data API; an error is a warning, for a second try would not know."""
    try:
        target.disable_data_api(cluster)
        target.enable_data_api(cluster)
    except (RefusedError, TransientError) as error:
        return (_warning(DATA_API, error),)
    return ()


def _or_warning(
    name: str, enable: Callable[[], None], operation: Operation, ports: Ports
) -> Wait | tuple[str, ...]:
    try:
        enable()
    except RefusedError as error:
        return (_warning(name, error),)
    except TransientError as error:
        time = operation.deadline - operation.entered_at
        if ports.now() - operation.entered_at < time / PATIENCE:
            return Wait(error.reason, backoff(operation), trouble=True)
        return (_warning(name, error),)
    return ()


def _warning(name: str, error: RefusedError | TransientError) -> str:
    return (
        f"{name}, which the old target had, could not be enabled: {error.reason} Enable it "
        "yourself: the next restore only knows what the target has by then."
    )
