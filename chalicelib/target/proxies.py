"""The RDS Proxies that have a cluster as their target: they do not follow it to a new one."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.aws.client import Service
from chalicelib.flow.errors import RefusedError

FAMILY = "POSTGRESQL"


def observe_proxies(rds: Service, cluster_id: str) -> tuple[str, ...]:
    """Name the proxies of a cluster. What cannot be read is left out: it is for a notification."""
    try:
        found = rds.pages("describe_db_proxies", "DBProxies")
    except RefusedError:
        return ()
    names = [proxy["DBProxyName"] for proxy in found if proxy.get("EngineFamily") == FAMILY]
    return tuple(name for name in names if _has_target(rds, name, cluster_id))


def _has_target(rds: Service, name: str, cluster_id: str) -> bool:
    try:
        targets = rds.pages("describe_db_proxy_targets", "Targets", DBProxyName=name)
    except RefusedError:  # it was deleted meanwhile, or is not yet available
        return False
    return cluster_id in {known for target in targets for known in _clusters(target)}


def _clusters(target: Mapping[str, Any]) -> Iterator[str]:
    """Give the cluster that a target is, and the one that it is an instance of."""
    if target.get("Type") == "TRACKED_CLUSTER":
        yield str(target.get("RdsResourceId"))
    if tracked := target.get("TrackedClusterId"):
        yield str(tracked)
