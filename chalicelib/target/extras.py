"""What the old target had and only a cluster with instances can be given: without it, a warning."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.polling import backoff
from chalicelib.flow.target_spec import ADVANCED_INSIGHTS
from chalicelib.ports import Ports
from chalicelib.records.targets import ClusterNote
from chalicelib.target.by_hand import ENABLING, RENEWING, switched_by_hand
from chalicelib.target.cluster import TargetCluster

ADVANCED_DAYS = 465  # that the advanced mode of Database Insights needs (API reference)
PATIENCE = 4  # what may pass is asked for again in a quarter of the state's time


@dataclass(frozen=True)
class _Feature:
    """What a cluster is to have: how it is called, noted if AWS refuses it, and given by hand."""

    what: str
    note: ClusterNote
    by_hand: str = ""

    def given(
        self, give: Callable[[], None], operation: Operation, cluster: Cluster, ports: Ports
    ) -> Wait | tuple[str, ...]:
        """Give it, or wait, or warn; the note is for the next restore, which gives it then."""
        warnings: tuple[str, ...] = ()
        try:
            give()
        except RefusedError as error:
            warnings = (self._warning(error),)
        except TransientError as error:
            if ports.now() < _patience(operation):
                return Wait(error.reason, backoff(operation), trouble=True)
            warnings = (self._warning(error),)
        is_so = bool(warnings)
        ports.operations.note_cluster(operation, self.note, cluster.resource_id, is_so=is_so)
        return warnings

    def _warning(self, error: RefusedError | TransientError) -> str:
        before = f" To enable it before: {self.by_hand}" if self.by_hand else ""
        return (
            f"{self.what} could not be enabled: {error.reason} The next restore tries that again."
            f"{before}"
        )


def ensure_insights(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports
) -> Wait | tuple[str, ...]:
    """Enable the advanced mode of Database Insights where the old target had it.

    Returns a warning where AWS refuses: the data is fresh without it.
    """
    has_it = cluster.settings.insights_mode == ADVANCED_INSIGHTS
    if (
        has_it
        or not _is_made(operation)
        or operation.target_spec.insights_mode != ADVANCED_INSIGHTS
    ):
        return ()

    def enable() -> None:
        target.change(
            DatabaseInsightsMode=ADVANCED_INSIGHTS,
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=ADVANCED_DAYS,
        )

    what = "The advanced mode of Database Insights, which the old target had,"
    return _Feature(what, ClusterNote.WITHOUT_INSIGHTS).given(enable, operation, cluster, ports)


def note_unmonitored(
    operation: Operation, cluster: Cluster, instances: list[Instance], ports: Ports
) -> tuple[str, ...]:
    """Warn of instances that were made without enhanced monitoring, as AWS refused the role."""
    if not _is_made(operation):
        return ()
    spec = operation.target_spec
    wanted = {found.identifier for found in spec.instances if found.monitoring_interval}
    without = {found.identifier for found in instances if not found.monitoring_interval}
    names = sorted(wanted & without)
    if not names:
        return ()
    note = ClusterNote.WITHOUT_MONITORING
    ports.operations.note_cluster(operation, note, cluster.resource_id)
    warning = (
        f"{', '.join(names)} have no enhanced monitoring, because AWS refused the role "
        f"{operation.plan.target.monitoring_role_arn}, which MONITORING_ROLE_ARN names. See that "
        "the role exists and trusts monitoring.rds.amazonaws.com, and deploy again if the setting "
        "was changed. The next restore tries that again."
    )
    return (warning,)


def ensure_data_api(
    operation: Operation, target: TargetCluster, cluster: Cluster, ports: Ports
) -> Wait | tuple[str, ...]:
    """Enable the Data API at the target's name where the old target had it.

    After a rename it has to be disabled and enabled again (user guide), so the new cluster gets it
    only here, and one that comes back gets it anew. Production's logins are disabled by now: no
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
    feature = _Feature(what, ClusterNote.WITHOUT_DATA_API, by_hand)
    return feature.given(lambda: target.enable_data_api(cluster), operation, cluster, ports)


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
    feature = _Feature(what, ClusterNote.WITHOUT_DATA_API, by_hand)
    return feature.given(renew, operation, cluster, ports)


def _is_made(operation: Operation) -> bool:
    """Tell whether this operation made the cluster, in place of an old one."""
    return operation.kind is Kind.RESTORE and not operation.keeps_cluster


def _patience(operation: Operation) -> datetime:
    """Give the time until which it is asked for again; a rollback has renamed clusters before."""
    quarter = (operation.deadline - operation.entered_at) / PATIENCE
    is_back = operation.state is State.ROLLING_BACK
    return operation.deadline - quarter if is_back else operation.entered_at + quarter
