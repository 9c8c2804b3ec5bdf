"""What the old target had and only a cluster with instances can be given: without it, a warning."""

from collections.abc import Callable
from datetime import datetime

from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.polling import backoff
from chalicelib.ports import Ports
from chalicelib.target.by_hand import ENABLING, RENEWING, switched_by_hand
from chalicelib.target.cluster import TargetCluster

ADVANCED = "advanced"
ADVANCED_DAYS = 465  # that the advanced mode of Database Insights needs (API reference)
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

    what = "The advanced mode of Database Insights, which the old target had,"
    return _or_warning(what, enable, operation, ports)


def ensure_data_api(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports
) -> Wait | tuple[str, ...]:
    """Enable the Data API at the target's name where the old target had it.

    After a rename it has to be disabled and enabled again (user guide), so the new cluster gets it
    only here, and one that comes back gets it anew. Production's logins are closed by now: no
    secret of production's opens the copy through it.
    """
    if operation.kind is Kind.ROLLBACK and operation.plan.target.swaps:
        had_it = bool(operation.facts.target.data_api)
        return renew_data_api(operation, target, cluster, ports, had_it=had_it)
    has_it = cluster.settings.data_api
    if has_it or not _is_made(operation) or not operation.target_spec.data_api:
        return ()
    what = "The Data API, which the old target had,"
    by_hand = switched_by_hand(cluster, operation.plan.target.region, ENABLING)
    return _or_warning(what, lambda: target.enable_data_api(cluster), operation, ports, by_hand)


def renew_data_api(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports, *, had_it: bool
) -> Wait | tuple[str, ...]:
    """Disable and enable the Data API of a cluster that got its name back.

    Whether AWS shows it after a rename is documented nowhere, and a second try finds it disabled:
    `had_it` says that it was there before. Returns a warning with the commands where AWS refuses.
    """
    is_shown = cluster.settings.data_api
    if not is_shown and not had_it:
        return ()

    def renew() -> None:
        if is_shown:
            target.disable_data_api(cluster)
        target.enable_data_api(cluster)

    what = f"The Data API of {cluster.identifier}, which has its name back,"
    by_hand = switched_by_hand(cluster, operation.plan.target.region, RENEWING)
    return _or_warning(what, renew, operation, ports, by_hand)


def _is_made(operation: Operation) -> bool:
    """Tell whether this operation made the cluster, in place of an old one."""
    return operation.kind is Kind.RESTORE and not operation.keeps_cluster


def _or_warning(
    what: str, enable: Callable[[], None], operation: Operation, ports: Ports, by_hand: str = ""
) -> Wait | tuple[str, ...]:
    try:
        enable()
    except RefusedError as error:
        return (_warning(what, error, by_hand),)
    except TransientError as error:
        if ports.now() < _patience(operation):
            return Wait(error.reason, backoff(operation), trouble=True)
        return (_warning(what, error, by_hand),)
    return ()


def _patience(operation: Operation) -> datetime:
    """Give the time until which it is asked for again; a rollback has renamed clusters before."""
    quarter = (operation.deadline - operation.entered_at) / PATIENCE
    is_back = operation.state is State.ROLLING_BACK
    return operation.deadline - quarter if is_back else operation.entered_at + quarter


def _warning(what: str, error: RefusedError | TransientError, by_hand: str) -> str:
    how = f" To do so: {by_hand}" if by_hand else ""
    return (
        f"{what} could not be enabled: {error.reason} Enable it yourself: the next restore only "
        f"knows what the target has by then.{how}"
    )
