"""Performance Insights of instances, and Database Insights of a cluster, which needs the former."""

from typing import Any

from localaws.aurora.errors import invalid_combination, invalid_value
from localaws.aurora.keys import RDS_MANAGED_ALIAS
from localaws.aurora.records import Cluster, Insights
from localaws.aurora.state import AuroraState, Request

STANDARD, ADVANCED = "standard", "advanced"
ADVANCED_DAYS = 465  # that the advanced mode keeps what it collected (RDS API reference)
_DAYS = frozenset({7, 731, *(31 * months for months in range(1, 24))})
PARAMETERS = (
    "EnablePerformanceInsights PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod"
)


def of_instance(request: Request, before: Insights | None = None) -> Insights | None:
    """Return what an instance collects; None without Performance Insights.

    Without a key it is under the account's own; a key cannot be exchanged (API reference).
    """
    is_on = request.get("EnablePerformanceInsights", before is not None)
    details = {"PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"}
    if not is_on:
        if details & set(request.parameters):
            raise invalid_combination("Performance Insights has to be enabled for its settings.")
        return None
    days = request.get("PerformanceInsightsRetentionPeriod", before.days if before else 7)
    if days not in _DAYS:
        raise invalid_value(f"{days} is no retention period of Performance Insights.")
    if before:
        return Insights(before.key_arn, days)
    reference = request.get("PerformanceInsightsKMSKeyId", RDS_MANAGED_ALIAS)
    return Insights(request.state.usable_key(request.region, reference).arn, days)


def mode_of_cluster(request: Request, before: str) -> str:
    """Return the mode of Database Insights; the advanced one is refused without its conditions."""
    mode = str(request.get("DatabaseInsightsMode", before))
    if mode not in {STANDARD, ADVANCED}:
        raise invalid_value(f"{mode!r} is no mode of Database Insights.")
    days = request.get("PerformanceInsightsRetentionPeriod")
    enabled = request.get("EnablePerformanceInsights", False)
    if mode == ADVANCED != before and not (enabled and days == ADVANCED_DAYS):
        raise invalid_combination(
            "The advanced mode of Database Insights needs EnablePerformanceInsights and a "
            f"PerformanceInsightsRetentionPeriod of {ADVANCED_DAYS} days."
        )
    return mode


def apply_to_members(request: Request, state: AuroraState, cluster: Cluster) -> None:
    """Let all instances collect what their cluster was asked to."""
    if "EnablePerformanceInsights" not in request:
        return
    region = state.region_of(cluster.arn)
    for name in cluster.members:
        instance = region.instances[name]
        instance.insights = of_instance(request, instance.insights)


def show(insights: Insights | None) -> dict[str, Any]:
    """Return what an instance's description has of it."""
    if insights is None:
        return {"PerformanceInsightsEnabled": False}
    return {
        "PerformanceInsightsEnabled": True,
        "PerformanceInsightsKMSKeyId": insights.key_arn,
        "PerformanceInsightsRetentionPeriod": insights.days,
    }
