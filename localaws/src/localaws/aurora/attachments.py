"""What hangs on clusters and is made by no call that is modelled: tests put it into the region.

A cluster with a zero-ETL integration is neither deleted nor renamed (Aurora user guide, limitations
of zero-ETL integrations). Of a blue/green deployment that is only inferred: which fault answers is
documented for neither.
"""

from collections.abc import Iterator
from typing import Any

from localaws.aurora.errors import RdsError, cluster_state
from localaws.aurora.listing import page, read_filters
from localaws.aurora.records import Cluster
from localaws.aurora.state import Answer, Region, Request

INTEGRATIONS, DEPLOYMENTS = "Integrations", "BlueGreenDeployments"
SWITCHED = "SWITCHOVER_COMPLETED"


def describe_integrations(request: Request) -> Answer:
    """List the zero-ETL integrations of the region. AWS documents no filter by name."""
    read_filters(request, modelled=set())
    found = request.region.attached[INTEGRATIONS]
    if "IntegrationIdentifier" in request:
        wanted = str(request["IntegrationIdentifier"])
        found = [one for one in found if one["IntegrationArn"] == wanted]
        if not found:
            raise RdsError("IntegrationNotFoundFault", f"Integration {wanted} not found.")
    return page(request, INTEGRATIONS, found, lambda one: str(one["IntegrationArn"]), dict)


def describe_blue_green_deployments(request: Request) -> Answer:
    """List the blue/green deployments of the region."""
    names = ("blue-green-deployment-identifier", "blue-green-deployment-name", "source", "target")
    read_filters(request, modelled=set(), documented=names)
    found = request.region.attached[DEPLOYMENTS]
    identifier = "BlueGreenDeploymentIdentifier"
    if identifier in request:
        wanted = request.identifier(identifier)
        found = [one for one in found if one[identifier].lower() == wanted]
        if not found:
            text = f"Blue/green deployment {wanted} not found."
            raise RdsError("BlueGreenDeploymentNotFoundFault", text)
    return page(request, DEPLOYMENTS, found, lambda one: str(one[identifier]), dict)


def refuse_attached(region: Region, cluster: Cluster) -> None:
    """Refuse to delete or to rename a cluster that something hangs on."""
    for what in _of_cluster(region, str(cluster.arn)):
        raise cluster_state(f"Cluster {cluster.identifier} is part of {what}.")


def _of_cluster(region: Region, arn: str) -> Iterator[str]:
    for one in region.attached[INTEGRATIONS]:
        if arn in (one["SourceArn"], one["TargetArn"]):
            yield f"the integration {one['IntegrationArn']}"
    for one in region.attached[DEPLOYMENTS]:
        if _is_bound(one) and arn in (one["Source"], one["Target"]):
            yield f"the blue/green deployment {one['BlueGreenDeploymentIdentifier']}"


def _is_bound(deployment: dict[str, Any]) -> bool:
    return bool(deployment["Status"] != SWITCHED)
