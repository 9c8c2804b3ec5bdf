"""Tags on resources."""

from typing import Any

import pytest
from tests.aurora.scene import OTHER_ACCOUNT, SOURCE, TARGET, Rds, Scene, code_of

OURS = {"Key": "aurora-restore", "Value": "local/default"}


def test_tags_are_added_changed_listed_and_removed(scene: Scene, rds: Rds) -> None:
    """Tags are added, changed, listed and removed, and the description of the resource shows
    them.
    """
    arn = scene.cluster(Tags=[{"Key": "team", "Value": "shop"}])["DBClusterArn"]
    client = rds(SOURCE)
    client.add_tags_to_resource(ResourceName=arn, Tags=[OURS, {"Key": "team", "Value": "ledger"}])
    listed = client.list_tags_for_resource(ResourceName=arn)["TagList"]
    client.remove_tags_from_resource(ResourceName=arn, TagKeys=["team", "never-there"])

    assert [{"Key": "team", "Value": "ledger"}, OURS] == listed
    assert [OURS] == scene.describe()["TagList"]


def test_snapshots_instances_and_groups_have_tags_too(scene: Scene, rds: Rds) -> None:
    """Snapshots, instances and groups have tags, each by its own ARN."""
    scene.cluster()
    client = rds(SOURCE)
    arns = [
        scene.snapshot()["DBClusterSnapshotArn"],
        scene.describe_instance("prod-cluster-1")["DBInstanceArn"],
        client.describe_db_subnet_groups()["DBSubnetGroups"][0]["DBSubnetGroupArn"],
    ]
    for arn in arns:
        client.add_tags_to_resource(ResourceName=arn, Tags=[OURS])
    found = [client.list_tags_for_resource(ResourceName=arn)["TagList"] for arn in arns]

    assert [[OURS]] * 3 == found


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("cluster", "DBClusterNotFoundFault"),
        ("db", "DBInstanceNotFound"),
        ("cluster-snapshot", "DBSnapshotNotFound"),
        ("pg", "InvalidParameterValue"),
    ],
)
def test_tags_of_nothing_are_not_found(rds: Rds, kind: str, code: str) -> None:
    """Tags of a missing resource are not found, with the code of its kind of resource."""
    arn = f"arn:aws:rds:{SOURCE}:123456789012:{kind}:nobody"

    assert code == code_of(rds(SOURCE).list_tags_for_resource, ResourceName=arn)


def test_tags_are_reached_in_their_own_region_and_account(scene: Scene, rds: Rds) -> None:
    """Tags are reached in their own region and account; every other name is invalid."""
    arn = scene.cluster()["DBClusterArn"]

    assert "InvalidParameterValue" == code_of(rds(TARGET).list_tags_for_resource, ResourceName=arn)
    assert "InvalidParameterValue" == code_of(
        rds(SOURCE, account=OTHER_ACCOUNT).list_tags_for_resource, ResourceName=arn
    )
    assert "InvalidParameterValue" == code_of(
        rds(SOURCE).list_tags_for_resource, ResourceName="prod-cluster"
    )


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:mine", "Value": ""}],
        [{"Key": "RDS:mine", "Value": ""}],
        [{"Key": "mine", "Value": "aws:x"}],
        [{"Key": "a*", "Value": ""}],
        [{"Key": "a", "Value": "b,c"}],
        [{"Key": "x" * 129, "Value": ""}],
        [{"Key": "x", "Value": "y" * 257}],
        [{"Key": f"key-{number}", "Value": ""} for number in range(51)],
    ],
)
def test_tags_outside_the_rules_are_refused(
    scene: Scene, rds: Rds, tags: list[dict[str, Any]]
) -> None:
    """Tags with a reserved prefix, a wrong length or sign, or more than fifty, are refused, and
    nothing changes.
    """
    arn = scene.cluster()["DBClusterArn"]
    found = code_of(rds(SOURCE).add_tags_to_resource, ResourceName=arn, Tags=tags)

    assert "InvalidParameterValue" == found
    assert [] == scene.describe()["TagList"]
