"""The HTTP endpoint of a cluster (RDS Data API): whether there is one. Nothing answers there.

After a rename it has to be disabled and enabled again (user guide, renaming): until then it does
not work, whatever the description says. To enable what is shown as enabled changes nothing.
"""

from localaws.aurora.errors import RdsError
from localaws.aurora.records import Cluster
from localaws.aurora.state import Answer, Request


def enable_http_endpoint(request: Request) -> Answer:
    """Enable it for an available cluster, which is named by its ARN."""
    return _switch(request, on=True)


def disable_http_endpoint(request: Request) -> Answer:
    """Disable it."""
    return _switch(request, on=False)


def _switch(request: Request, *, on: bool) -> Answer:
    arn = str(request["ResourceArn"])
    cluster = _named(request, arn)
    if cluster.status != "available":
        raise RdsError(
            "InvalidResourceStateFault",
            f"DB cluster {cluster.identifier} is {cluster.status}, not available.",
        )
    cluster.data_api_works = on and (cluster.data_api_works or not cluster.data_api)
    cluster.data_api = on
    return {"ResourceArn": arn, "HttpEndpointEnabled": on}


def _named(request: Request, arn: str) -> Cluster:
    for cluster in request.region.clusters.values():
        if str(cluster.arn) == arn:
            return cluster
    raise RdsError("ResourceNotFoundFault", f"There is no {arn}.")
