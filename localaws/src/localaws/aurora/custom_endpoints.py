"""Custom endpoints: some instances of a cluster under a name of their own.

They are names without an address: nobody connects through them here. They follow their cluster
through a rename, are in no snapshot, and keep the instances they were given whatever becomes of
those (Aurora user guide, custom endpoints).
"""

from typing import Any

from localaws.aurora import arns
from localaws.aurora.clusters import existing_cluster
from localaws.aurora.endpoint_names import custom_name, dns_name, reader_name
from localaws.aurora.errors import (
    RdsError,
    instance_not_found,
    invalid_combination,
    invalid_value,
    wrong_state,
)
from localaws.aurora.listing import page, read_filters
from localaws.aurora.names import new_identifier
from localaws.aurora.records import Cluster, CustomEndpoint
from localaws.aurora.state import Answer, AuroraState, Request
from localaws.aurora.tags import read_tags

ENDPOINTS_MOST = 5  # of one cluster (user guide, quotas)
_TYPES = frozenset({"ANY", "READER"})  # WRITER is for clusters with several writers
_ID = "DBClusterEndpointIdentifier"


def create_db_cluster_endpoint(request: Request) -> Answer:
    """Create a custom endpoint of an available cluster: of all its instances, or of some."""
    identifier = new_identifier(request, _ID)
    cluster = existing_cluster(request.region, request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    if identifier in request.region.custom_endpoints:
        raise RdsError(
            "DBClusterEndpointAlreadyExistsFault", f"DB cluster endpoint {identifier} exists."
        )
    if len(of_cluster(request.state, cluster)) >= ENDPOINTS_MOST:
        raise RdsError(
            "DBClusterEndpointQuotaExceededFault", f"{ENDPOINTS_MOST} endpoints exist already."
        )
    endpoint = CustomEndpoint(
        arn=request.region.arn(arns.CLUSTER_ENDPOINT, identifier),
        cluster=cluster,
        resource_id=request.state.identities.resource_id("cluster-endpoint"),
        kind=_kind(request, ""),
        tags=read_tags(request),
    )
    _set_members(request, endpoint)
    request.region.custom_endpoints[identifier] = endpoint
    _wait(request.state, endpoint, "available")
    return _show(endpoint)


def of_cluster(state: AuroraState, cluster: Cluster) -> list[CustomEndpoint]:
    """Return the custom endpoints of a cluster."""
    found = state.region_of(cluster.arn).custom_endpoints.values()
    return [endpoint for endpoint in found if endpoint.cluster is cluster]


def remove_all(state: AuroraState, cluster: Cluster) -> None:
    """Take the custom endpoints of a cluster that is gone out of the world."""
    for endpoint in of_cluster(state, cluster):
        _remove(state, endpoint)


def _remove(state: AuroraState, endpoint: CustomEndpoint) -> None:
    region = state.region_of(endpoint.arn)
    if region.custom_endpoints.get(endpoint.identifier) is endpoint:
        del region.custom_endpoints[endpoint.identifier]


def _kind(request: Request, default: str) -> str:
    wanted = str(request.get("EndpointType", default)).upper()
    if wanted not in _TYPES:
        raise invalid_value(f"EndpointType is {wanted!r}, but can only be ANY or READER.")
    return wanted


def _set_members(request: Request, endpoint: CustomEndpoint) -> None:
    """Replace the one list by what is given: an endpoint has members or exceptions, not both."""
    given = [name for name in ("StaticMembers", "ExcludedMembers") if request.get(name)]
    if len(given) > 1:
        raise invalid_combination("StaticMembers and ExcludedMembers cannot be given together.")
    members = [str(name).lower() for name in request.get(given[0], [])] if given else []
    for name in members:
        if name not in endpoint.cluster.members:
            raise instance_not_found(name)
    if given or {"StaticMembers", "ExcludedMembers"} & set(request.parameters):
        is_static = given == ["StaticMembers"]
        endpoint.static, endpoint.excluded = (members, []) if is_static else ([], members)


def _wait(state: AuroraState, endpoint: CustomEndpoint, then: str) -> None:
    begun = endpoint.status

    def end() -> None:
        if endpoint.status == begun:
            endpoint.status = then

    state.later(state.durations.endpoint_change, end)


def modify_db_cluster_endpoint(request: Request) -> Answer:
    """Give an available custom endpoint another type or other members: it is `modifying`."""
    endpoint = _available(request)
    kind = _kind(request, endpoint.kind)
    _set_members(request, endpoint)
    endpoint.kind, endpoint.status = kind, "modifying"
    _wait(request.state, endpoint, "available")
    return _show(endpoint)


def delete_db_cluster_endpoint(request: Request) -> Answer:
    """Delete a custom endpoint, which is `deleting` for a while."""
    endpoint, state = _available(request), request.state
    endpoint.status = "deleting"
    state.later(state.durations.endpoint_change, lambda: _remove(state, endpoint))
    return _show(endpoint)


def _available(request: Request) -> CustomEndpoint:
    endpoint = request.region.custom_endpoints.get(request.identifier(_ID))
    if endpoint is None:
        raise RdsError(
            "DBClusterEndpointNotFoundFault", f"DBClusterEndpoint {request[_ID]} not found."
        )
    if endpoint.status != "available":
        raise RdsError(
            "InvalidDBClusterEndpointStateFault",
            f"DB cluster endpoint {endpoint.identifier} is {endpoint.status}.",
        )
    return endpoint


def describe_db_cluster_endpoints(request: Request) -> Answer:
    """List the endpoints of a cluster, or of all: the two of every cluster, and custom ones."""
    filters = read_filters(
        request,
        modelled={
            "db-cluster-endpoint-custom-type",
            "db-cluster-endpoint-id",
            "db-cluster-endpoint-status",
            "db-cluster-endpoint-type",
        },
    )
    shown = [
        answer
        for cluster in _clusters(request)
        for answer in _endpoints(request.state, cluster)
        if _asked_for(request, answer) and _passes(filters, answer)
    ]
    return page(
        request,
        "DBClusterEndpoints",
        shown,
        lambda answer: str(answer["Endpoint"]),
        lambda answer: answer,
    )


def _clusters(request: Request) -> list[Cluster]:
    if "DBClusterIdentifier" in request:
        return [existing_cluster(request.region, request["DBClusterIdentifier"])]
    return list(request.region.clusters.values())


def _endpoints(state: AuroraState, cluster: Cluster) -> list[Answer]:
    address = state.data.endpoint(cluster.resource_id)[0]
    own = {"DBClusterIdentifier": cluster.identifier, "Status": "available"}
    return [
        {**own, "Endpoint": address or dns_name(cluster), "EndpointType": "WRITER"},
        {**own, "Endpoint": address or reader_name(cluster), "EndpointType": "READER"},
        *(_show(endpoint) for endpoint in of_cluster(state, cluster)),
    ]


def _asked_for(request: Request, answer: Answer) -> bool:
    return _ID not in request or answer.get(_ID) == request.identifier(_ID)


def _passes(filters: dict[str, set[str]], answer: Answer) -> bool:
    facts: dict[str, Any] = {
        "db-cluster-endpoint-custom-type": answer.get("CustomEndpointType", ""),
        "db-cluster-endpoint-id": answer.get(_ID, ""),
        "db-cluster-endpoint-status": answer["Status"],
        "db-cluster-endpoint-type": answer["EndpointType"],
    }
    return all(facts[name].lower() in values for name, values in filters.items())


def _show(endpoint: CustomEndpoint) -> Answer:
    return {
        _ID: endpoint.identifier,
        "DBClusterIdentifier": endpoint.cluster.identifier,
        "DBClusterEndpointResourceIdentifier": endpoint.resource_id,
        "Endpoint": custom_name(endpoint.arn),
        "Status": endpoint.status,
        "EndpointType": "CUSTOM",
        "CustomEndpointType": endpoint.kind,
        "StaticMembers": list(endpoint.static),
        "ExcludedMembers": list(endpoint.excluded),
        "DBClusterEndpointArn": str(endpoint.arn),
    }
