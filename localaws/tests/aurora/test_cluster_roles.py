"""IAM roles of a cluster: given at its restore, added and removed."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ENGINE, SOURCE, Scene, code_of

ROLE = "arn:aws:iam::123456789012:role/import"
NAMED = {"DBClusterIdentifier": "prod-cluster", "RoleArn": ROLE}
IMPORT = {"RoleArn": ROLE, "FeatureName": "s3Import"}


def roles(scene: Scene, name: str = "prod-cluster") -> list[tuple[Any, ...]]:
    """Return feature and status of each role of a cluster."""
    return [
        (role.get("FeatureName"), role["Status"])
        for role in scene.describe(name)["AssociatedRoles"]
    ]


def test_a_role_is_pending_then_active_then_removed(scene: Scene) -> None:
    """A role of one ARN can be there for several features, and goes for one at a time."""
    scene.cluster(instances=0)
    client = scene.rds(SOURCE)
    client.add_role_to_db_cluster(**NAMED, FeatureName="s3Import")
    pending = roles(scene)
    scene.settle()
    client.add_role_to_db_cluster(**NAMED, FeatureName="s3Export")
    client.remove_role_from_db_cluster(**NAMED, FeatureName="s3Import")
    scene.settle()

    assert [("s3Import", "PENDING")] == pending
    assert [("s3Export", "ACTIVE")] == roles(scene)


def test_a_restored_cluster_has_the_roles_that_are_given(scene: Scene) -> None:
    """A restore takes no role over, and those it is given become active."""
    scene.cluster(instances=0)
    scene.rds(SOURCE).add_role_to_db_cluster(**NAMED, FeatureName="Lambda")
    scene.snapshot()
    scene.restore("by-hand", "plain")
    scene.restore("by-hand", "given", AssociatedRoles=[IMPORT, {"RoleArn": ROLE}])

    assert [] == roles(scene, "plain")
    assert [("s3Import", "ACTIVE"), (None, "ACTIVE")] == roles(scene, "given")


def test_a_refused_restore_makes_nothing(scene: Scene) -> None:
    """The same role twice for one feature is refused, and no cluster is begun."""
    scene.cluster(instances=0)
    scene.snapshot()
    client = scene.rds(SOURCE)
    wanted = {"DBClusterIdentifier": "r", "SnapshotIdentifier": "by-hand", "Engine": ENGINE}
    refused = code_of(
        client.restore_db_cluster_from_snapshot,
        **wanted,
        EngineVersion="16.11",
        AssociatedRoles=[IMPORT, IMPORT],
    )

    assert "InvalidParameterValue" == refused
    assert "DBClusterNotFoundFault" == code_of(client.describe_db_clusters, DBClusterIdentifier="r")


def test_roles_that_cannot_be_added_or_removed_are_refused(scene: Scene) -> None:
    """A second time, the sixth, and one that is not there."""
    scene.cluster(instances=0)
    client = scene.rds(SOURCE)
    client.add_role_to_db_cluster(**NAMED)
    again = code_of(client.add_role_to_db_cluster, **NAMED)
    absent = code_of(client.remove_role_from_db_cluster, **NAMED, FeatureName="Lambda")
    for number in range(4):
        client.add_role_to_db_cluster(**NAMED, FeatureName=f"feature-{number}")

    assert ("DBClusterRoleAlreadyExists", "DBClusterRoleNotFound") == (again, absent)
    assert "DBClusterRoleQuotaExceeded" == code_of(
        client.add_role_to_db_cluster, **NAMED, FeatureName="sixth"
    )


@pytest.mark.parametrize("status", ["renaming", "stopped", "creating"])
def test_roles_of_a_busy_cluster_do_not_change(scene: Scene, aurora: Aurora, status: str) -> None:
    """Only an available cluster gets and loses roles; one that is not there is not found."""
    aurora.set_status(scene.cluster(instances=0)["DBClusterArn"], status)
    client = scene.rds(SOURCE)
    calls = (client.add_role_to_db_cluster, client.remove_role_from_db_cluster)
    nobodys = {"DBClusterIdentifier": "nobodys", "RoleArn": ROLE}

    assert {"InvalidDBClusterStateFault"} == {code_of(call, **NAMED) for call in calls}
    assert {"DBClusterNotFoundFault"} == {code_of(call, **nobodys) for call in calls}
