"""What hangs on a cluster, so that AWS may neither delete it nor give it another name.

A cluster with a zero-ETL integration is neither deleted nor renamed (Aurora user guide). Whether
one of a blue/green deployment is, nobody says; if it is, its twin has lost what it follows. So both
are looked up before anything is lost.
"""

from collections.abc import Collection, Iterator
from typing import Any

from chalicelib.aws.client import AwsError, Service
from chalicelib.flow.errors import BeyondSettingsError

UNKNOWN_CALL = "InvalidAction"  # the answer of a region that has no such thing (seen for proxies)
SWITCHED_OVER = "SWITCHOVER_COMPLETED"  # what was blue is nobody's source any more
REMEDY = (
    "Delete the integration or the deployment if that cluster may be replaced, or name another "
    "target."
)


def what_holds(rds: Service, cluster_arns: Collection[str]) -> str:
    """Say which integrations and deployments have one of these clusters; "" where none has."""
    found = "; ".join(_attached(rds, {arn.lower() for arn in cluster_arns}))
    return f"AWS may neither delete nor rename a cluster in use: {found}." if found else ""


def refuse_attached(rds: Service, cluster_arns: Collection[str]) -> None:
    """Raise RefusedError where an integration or a deployment has one of these clusters."""
    if held := what_holds(rds, cluster_arns):
        raise BeyondSettingsError(held, REMEDY)


def _attached(rds: Service, arns: Collection[str]) -> Iterator[str]:
    for found in _listed(rds, "describe_integrations", "Integrations"):
        for member, role in (("SourceArn", "reads from"), ("TargetArn", "writes to")):
            if found.get(member, "").lower() in arns:
                yield f"the integration {found['IntegrationArn']} {role} {found[member]}"
    for found in _listed(rds, "describe_blue_green_deployments", "BlueGreenDeployments"):
        for member, role in (("Source", "source"), ("Target", "target")):
            is_over = found.get("Status") == SWITCHED_OVER
            if not is_over and found.get(member, "").lower() in arns:
                name = found["BlueGreenDeploymentIdentifier"]
                yield f"{found[member]} is the {role} of the blue/green deployment {name}"


def _listed(rds: Service, method: str, member: str) -> list[Any]:
    try:
        return rds.pages(method, member)
    except AwsError as error:
        if error.code != UNKNOWN_CALL:
            raise
        return []
