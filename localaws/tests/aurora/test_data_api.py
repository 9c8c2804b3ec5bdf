"""The HTTP endpoint of a cluster: enabled and disabled by its ARN."""

from localaws.aurora import Aurora, AuroraClient, Choices, VirtualClock
from localaws.aurora.records import Cluster
from tests.aurora.scene import ACCOUNT, SOURCE, Scene, code_of


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


def test_a_rename_ends_it_until_it_was_disabled_and_enabled(scene: Scene) -> None:
    """To enable what is shown as enabled changes nothing."""
    arn = renamed(scene)
    shown = scene.describe("staging")["HttpEndpointEnabled"]
    scene.rds(SOURCE).enable_http_endpoint(ResourceArn=arn)
    before = works(scene, arn)
    scene.rds(SOURCE).disable_http_endpoint(ResourceArn=arn)
    scene.rds(SOURCE).enable_http_endpoint(ResourceArn=arn)

    assert (True, False, True) == (shown, before, works(scene, arn))


def test_a_renamed_cluster_may_not_show_it(clock: VirtualClock) -> None:
    """Which of the two is so at AWS is documented nowhere; then it only has to be enabled."""
    aurora = Aurora(clock, choices=Choices(shows_data_api_after_rename=False))
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    arn = renamed(scene)
    shown = scene.describe("staging")["HttpEndpointEnabled"]
    scene.rds(SOURCE).enable_http_endpoint(ResourceArn=arn)

    assert (False, True) == (shown, works(scene, arn))


def renamed(scene: Scene) -> str:
    """Rename a cluster that has the Data API; return its new ARN."""
    arn = scene.cluster(instances=0)["DBClusterArn"]
    scene.rds(SOURCE).enable_http_endpoint(ResourceArn=arn)
    assert works(scene, arn)
    scene.rds(SOURCE).modify_db_cluster(
        DBClusterIdentifier="prod-cluster", NewDBClusterIdentifier="staging", ApplyImmediately=True
    )
    scene.settle()
    return str(scene.describe("staging")["DBClusterArn"])


def works(scene: Scene, arn: str) -> bool:
    """Tell whether the Data API of a cluster would answer."""
    cluster = scene.aurora.find(arn)
    assert isinstance(cluster, Cluster)
    return cluster.data_api_works
