"""Integrations and blue/green deployments: they are listed, and hold the clusters they name."""

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, SOURCE, Scene, code_of

CLUSTER = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster:prod-cluster"
INTEGRATION = {
    "IntegrationArn": f"arn:aws:rds:{SOURCE}:{ACCOUNT}:integration:one",
    "SourceArn": CLUSTER,
    "TargetArn": f"arn:aws:redshift:{SOURCE}:{ACCOUNT}:namespace:one",
}
DEPLOYMENT = {
    "BlueGreenDeploymentIdentifier": "bgd-one",
    "Source": CLUSTER,
    "Target": f"{CLUSTER}-green",
    "Status": "AVAILABLE",
}
STATE = "InvalidDBClusterStateFault"


def attach(aurora: Aurora, kind: str, described: dict[str, str]) -> list[dict[str, str]]:
    """Have a listing show something."""
    found = aurora.attached(kind, account=ACCOUNT, region=SOURCE)
    found.append(described)
    return found


def test_there_are_none_unless_a_test_makes_some(scene: Scene, aurora: Aurora) -> None:
    """Both lists are empty at first, and show what was made, by its identifier too."""
    rds = scene.rds(SOURCE)
    empty = rds.describe_integrations(), rds.describe_blue_green_deployments()
    attach(aurora, "Integrations", INTEGRATION)
    attach(aurora, "BlueGreenDeployments", DEPLOYMENT)
    one = rds.describe_integrations(IntegrationIdentifier=INTEGRATION["IntegrationArn"])
    other = rds.describe_blue_green_deployments(BlueGreenDeploymentIdentifier="bgd-one")

    assert ([], []) == (empty[0]["Integrations"], empty[1]["BlueGreenDeployments"])
    assert [INTEGRATION] == one["Integrations"]
    assert [DEPLOYMENT] == other["BlueGreenDeployments"]
    assert "IntegrationNotFoundFault" == code_of(
        rds.describe_integrations, IntegrationIdentifier="gone"
    )
    assert "BlueGreenDeploymentNotFoundFault" == code_of(
        rds.describe_blue_green_deployments, BlueGreenDeploymentIdentifier="bgd-two"
    )


@pytest.mark.parametrize(
    ("kind", "described"), [("Integrations", INTEGRATION), ("BlueGreenDeployments", DEPLOYMENT)]
)
def test_a_cluster_that_something_hangs_on_is_neither_renamed_nor_deleted(
    scene: Scene, aurora: Aurora, kind: str, described: dict[str, str]
) -> None:
    """Once that is gone, the cluster can be renamed."""
    scene.cluster(instances=0)
    found = attach(aurora, kind, described)
    rds, named = scene.rds(SOURCE), {"DBClusterIdentifier": "prod-cluster"}
    rename = {**named, "NewDBClusterIdentifier": "other", "ApplyImmediately": True}
    refused = (
        code_of(rds.delete_db_cluster, **named, SkipFinalSnapshot=True),
        code_of(rds.modify_db_cluster, **rename),
    )
    found.clear()

    assert (STATE, STATE) == refused
    assert "accepted" == code_of(rds.modify_db_cluster, **rename)


def test_a_deployment_that_has_switched_over_holds_nothing(scene: Scene, aurora: Aurora) -> None:
    """What was blue can be deleted then."""
    scene.cluster(instances=0)
    attach(aurora, "BlueGreenDeployments", {**DEPLOYMENT, "Status": "SWITCHOVER_COMPLETED"})
    rds = scene.rds(SOURCE)

    assert "accepted" == code_of(
        rds.delete_db_cluster, DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True
    )
