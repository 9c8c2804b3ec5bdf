"""RDS Proxies: made, given a cluster, and described with it."""

from typing import Any

from tests.aurora.scene import SOURCE, Scene, code_of

NAMED = {"DBProxyName": "pool"}
MADE = {
    **NAMED,
    "EngineFamily": "POSTGRESQL",
    "RoleArn": "arn:aws:iam::123456789012:role/proxy",
    "VpcSubnetIds": ["subnet-1"],
}


def proxy(scene: Scene) -> Any:
    """Make a proxy and wait for it; returns the client."""
    client = scene.rds(SOURCE)
    client.create_db_proxy(**MADE)
    scene.settle()
    return client


def test_a_proxy_shows_its_cluster_and_the_instances_of_that(scene: Scene) -> None:
    """The cluster is tracked, whatever instances it has."""
    scene.cluster(instances=1)
    client = proxy(scene)
    before = client.describe_db_proxy_targets(**NAMED)["Targets"]
    client.register_db_proxy_targets(**NAMED, DBClusterIdentifiers=["prod-cluster"])
    cluster, instance = client.describe_db_proxy_targets(**NAMED)["Targets"]
    (listed,) = client.describe_db_proxies()["DBProxies"]

    assert [] == before
    assert ("prod-cluster", "TRACKED_CLUSTER") == (cluster["RdsResourceId"], cluster["Type"])
    assert ("prod-cluster-1", "prod-cluster", "READ_WRITE") == (
        instance["RdsResourceId"],
        instance["TrackedClusterId"],
        instance["Role"],
    )
    assert ("pool", "available") == (listed["DBProxyName"], listed["Status"])


def test_what_is_refused(scene: Scene) -> None:
    """A name that is taken, a proxy or a cluster that is not there, and a second target."""
    scene.cluster(instances=0)
    client = scene.rds(SOURCE)
    register = client.register_db_proxy_targets
    client.create_db_proxy(**MADE)
    early = code_of(register, **NAMED, DBClusterIdentifiers=["prod-cluster"])
    scene.settle()
    nowhere = code_of(register, **NAMED, DBClusterIdentifiers=["nowhere"])
    register(**NAMED, DBClusterIdentifiers=["prod-cluster"])

    assert "InvalidDBProxyStateFault" == early
    assert "DBClusterNotFoundFault" == nowhere
    assert "DBProxyAlreadyExistsFault" == code_of(client.create_db_proxy, **MADE)
    assert "DBProxyNotFoundFault" == code_of(client.describe_db_proxy_targets, DBProxyName="none")
    assert "DBProxyTargetAlreadyRegisteredFault" == code_of(
        register, **NAMED, DBClusterIdentifiers=["prod-cluster"]
    )
