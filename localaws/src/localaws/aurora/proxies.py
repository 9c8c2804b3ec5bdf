"""RDS Proxies as far as they name clusters: made, given clusters, described. None is connected to.

A proxy tracks the cluster that it was given, and shows its instances, too (user guide, RDS Proxy).
"""

from collections.abc import Iterator
from typing import Any

from localaws.aurora.clusters import existing_cluster
from localaws.aurora.errors import RdsError, invalid_value, not_modelled, wrong_state
from localaws.aurora.listing import page, read_filters
from localaws.aurora.records import Cluster, Instance, Proxy
from localaws.aurora.state import Answer, Request

GROUP = "default"  # the only target group that a proxy has
FAMILIES = frozenset({"MYSQL", "POSTGRESQL", "SQLSERVER"})


def create_db_proxy(request: Request) -> Answer:
    """Create a proxy; it is `creating` for a while."""
    name = request.identifier("DBProxyName")
    if name in request.region.proxies:
        raise RdsError("DBProxyAlreadyExistsFault", f"DB proxy {name} exists already.")
    family = str(request["EngineFamily"])
    if family not in FAMILIES:
        raise invalid_value(f"{family!r} is no engine family.")
    proxy = Proxy(
        name=name,
        arn=f"{request.region.arn('db-proxy', request.state.identities.resource_id('prx'))}",
        family=family,
        role=str(request["RoleArn"]),
        subnets=[str(subnet) for subnet in request["VpcSubnetIds"]],
        created_at=request.state.now,
    )
    request.region.proxies[name] = proxy

    def available() -> None:
        proxy.status = "available"

    request.state.later(request.state.durations.endpoint_change, available)
    return {"DBProxy": _show(proxy)}


def register_db_proxy_targets(request: Request) -> Answer:
    """Give an available proxy one cluster that is available; it takes only one."""
    proxy = _existing(request)
    if "DBInstanceIdentifiers" in request or len(request.get("DBClusterIdentifiers", [])) != 1:
        raise not_modelled("RegisterDBProxyTargets of anything but one cluster")
    if proxy.status != "available":
        raise RdsError("InvalidDBProxyStateFault", f"DB proxy {proxy.name} is {proxy.status}.")
    (identifier,) = request["DBClusterIdentifiers"]
    cluster = existing_cluster(request.region, str(identifier))
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    if _is_there(request, proxy.cluster):
        raise RdsError("DBProxyTargetAlreadyRegisteredFault", f"{proxy.name} has a target.")
    proxy.cluster = cluster
    return {"DBProxyTargets": list(_targets(request, proxy))}


def describe_db_proxies(request: Request) -> Answer:
    """List the proxies, or the one that is named."""
    read_filters(request, modelled=set())
    named = "DBProxyName" in request
    found = [_existing(request)] if named else [*request.region.proxies.values()]
    return page(request, "DBProxies", found, lambda proxy: proxy.name, _show)


def describe_db_proxy_targets(request: Request) -> Answer:
    """List the cluster of a proxy and its instances."""
    read_filters(request, modelled=set())
    found = _targets(request, _existing(request))
    return page(request, "Targets", found, lambda target: str(target["RdsResourceId"]), dict)


def _existing(request: Request) -> Proxy:
    name = request.identifier("DBProxyName")
    if name not in request.region.proxies:
        raise RdsError("DBProxyNotFoundFault", f"DB proxy {name} not found.")
    if request.get("TargetGroupName", GROUP) != GROUP:
        raise RdsError("DBProxyTargetGroupNotFoundFault", "There is only the default group.")
    return request.region.proxies[name]


def _is_there(request: Request, cluster: Cluster | None) -> bool:
    return cluster is not None and cluster in request.region.clusters.values()


def _targets(request: Request, proxy: Proxy) -> Iterator[Answer]:
    cluster = proxy.cluster
    if cluster is None or not _is_there(request, cluster):
        return
    yield {"RdsResourceId": cluster.identifier, "Type": "TRACKED_CLUSTER"}
    for name in cluster.members:
        yield _instance(cluster, request.region.instances[name])


def _instance(cluster: Cluster, instance: Instance) -> dict[str, Any]:
    return {
        "RdsResourceId": instance.identifier,
        "TrackedClusterId": cluster.identifier,
        "Type": "RDS_INSTANCE",
        "Port": cluster.options.port,
        "Role": "READ_WRITE" if instance.is_writer else "READ_ONLY",
        "TargetHealth": {"State": "AVAILABLE" if instance.has_endpoint else "REGISTERING"},
    }


def _show(proxy: Proxy) -> Answer:
    return {
        "DBProxyName": proxy.name,
        "DBProxyArn": proxy.arn,
        "Status": proxy.status,
        "EngineFamily": proxy.family,
        "RoleArn": proxy.role,
        "VpcSubnetIds": list(proxy.subnets),
        "CreatedDate": proxy.created_at,
    }
