"""The HTTP endpoint of a cluster: enabled and disabled by its ARN."""

from tests.aurora.scene import SOURCE, Scene, code_of


def test_it_is_enabled_and_disabled(scene: Scene) -> None:
    """A cluster is made without it, and says whether it has it."""
    scene.cluster(instances=0)
    client, arn = scene.rds(SOURCE), scene.describe("prod-cluster")["DBClusterArn"]
    before = scene.describe("prod-cluster")["HttpEndpointEnabled"]
    answer = client.enable_http_endpoint(ResourceArn=arn)
    between = scene.describe("prod-cluster")["HttpEndpointEnabled"]
    client.disable_http_endpoint(ResourceArn=arn)

    assert (False, True) == (before, between)
    assert (arn, True) == (answer["ResourceArn"], answer["HttpEndpointEnabled"])
    assert not scene.describe("prod-cluster")["HttpEndpointEnabled"]


def test_what_is_refused(scene: Scene) -> None:
    """A cluster that is not there, and one that is not available."""
    scene.cluster(instances=1)
    client, arn = scene.rds(SOURCE), scene.describe("prod-cluster")["DBClusterArn"]
    client.stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()

    assert "ResourceNotFoundFault" == code_of(client.enable_http_endpoint, ResourceArn=f"{arn}-x")
    assert "InvalidResourceStateFault" == code_of(client.enable_http_endpoint, ResourceArn=arn)


def test_a_restored_cluster_has_it_not(scene: Scene) -> None:
    """Neither the restore nor ModifyDBCluster gives it to a provisioned cluster."""
    scene.cluster(instances=0)
    arn = scene.describe("prod-cluster")["DBClusterArn"]
    scene.rds(SOURCE).enable_http_endpoint(ResourceArn=arn)
    scene.snapshot()
    scene.restore("by-hand", "copy")

    assert not scene.describe("copy")["HttpEndpointEnabled"]
