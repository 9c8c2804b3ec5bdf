"""Describing: by name, by ARN, in lists with filters, in pages."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, OTHER_ACCOUNT, SOURCE, TARGET, Client, Rds, Scene, code_of


def names(answer: Any) -> list[str]:
    """Return the identifiers in an answer about cluster snapshots."""
    return [snapshot["DBClusterSnapshotIdentifier"] for snapshot in answer["DBClusterSnapshots"]]


def test_what_does_not_exist_has_an_exact_code(rds: Rds) -> None:
    """The codes of missing clusters and snapshots keep the suffix Fault; that of an instance drops
    it.
    """
    client = rds(SOURCE)
    found = code_of(client.describe_db_clusters, DBClusterIdentifier="nobody")

    assert "DBClusterNotFoundFault" == found
    assert "DBInstanceNotFound" == code_of(
        client.describe_db_instances, DBInstanceIdentifier="nobody"
    )
    assert "DBClusterSnapshotNotFoundFault" == code_of(
        client.describe_db_cluster_snapshots, DBClusterSnapshotIdentifier="nobody"
    )


def test_a_cluster_and_an_instance_can_be_named_by_arn(scene: Scene, rds: Rds) -> None:
    """A cluster and an instance are found by their ARN, but not by one of another region."""
    arn = scene.cluster()["DBClusterArn"]
    instance_arn = scene.describe_instance("prod-cluster-1")["DBInstanceArn"]

    assert "prod-cluster" == scene.describe(arn)["DBClusterIdentifier"]
    assert "prod-cluster-1" == scene.describe_instance(instance_arn)["DBInstanceIdentifier"]
    assert "DBClusterNotFoundFault" == code_of(
        rds(TARGET).describe_db_clusters, DBClusterIdentifier=arn
    )


def test_names_are_case_insensitive_and_stored_lower(scene: Scene) -> None:
    """Identifiers are case-insensitive: Prod-Cluster is prod-cluster."""
    scene.cluster("Prod-Cluster")

    assert "prod-cluster" == scene.describe("PROD-CLUSTER")["DBClusterIdentifier"]
    assert ["prod-cluster-1"] == [
        member["DBInstanceIdentifier"] for member in scene.describe()["DBClusterMembers"]
    ]


def test_regions_and_accounts_are_apart(scene: Scene, rds: Rds) -> None:
    """Resources of one region or account do not show in another."""
    scene.cluster()

    assert [] == rds(TARGET).describe_db_clusters()["DBClusters"]
    assert [] == rds(SOURCE, account=OTHER_ACCOUNT).describe_db_clusters()["DBClusters"]


def test_instances_are_filtered_by_cluster(scene: Scene, rds: Rds) -> None:
    """Instances are filtered by their cluster's name or ARN."""
    arn = scene.cluster()["DBClusterArn"]
    scene.cluster("other")
    for value in ("prod-cluster", arn):
        found = rds(SOURCE).describe_db_instances(
            Filters=[{"Name": "db-cluster-id", "Values": [value]}]
        )

        assert ["prod-cluster-1"] == [
            instance["DBInstanceIdentifier"] for instance in found["DBInstances"]
        ]


def by_resource_id(client: Client, resource_id: str) -> list[str]:
    """Name the clusters that the filter db-cluster-resource-id finds."""
    found = client.describe_db_clusters(
        Filters=[{"Name": "db-cluster-resource-id", "Values": [resource_id]}]
    )
    return [cluster["DBClusterIdentifier"] for cluster in found["DBClusters"]]


def test_a_cluster_is_found_by_its_resource_id_whatever_its_name_is(scene: Scene, rds: Rds) -> None:
    """The filter finds a cluster before, while and after it is renamed, and no other; an id that
    nobody has finds nothing.
    """
    resource_id = scene.cluster(instances=0)["DbClusterResourceId"]
    scene.cluster("other", instances=0)
    client, found = rds(SOURCE), []
    found.append(by_resource_id(client, resource_id))
    client.modify_db_cluster(
        DBClusterIdentifier="prod-cluster", NewDBClusterIdentifier="new", ApplyImmediately=True
    )
    scene.pass_time(60)
    found.append(by_resource_id(client, resource_id))
    scene.settle()
    found.append(by_resource_id(client, resource_id))

    assert [["prod-cluster"], ["prod-cluster"], ["new"]] == found
    assert [] == by_resource_id(client, "cluster-NOBODYS")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("resource-id", "InvalidParameterValue"),
        ("clone-group-id", "LocalAwsNotModelled"),
        ("domain", "LocalAwsNotModelled"),
    ],
)
def test_other_filters_of_clusters_are_refused(rds: Rds, name: str, code: str) -> None:
    """Clusters have no clone groups and no domains here, and no other filter on AWS."""
    filters = [{"Name": name, "Values": ["x"]}]

    assert code == code_of(rds(SOURCE).describe_db_clusters, Filters=filters)


def test_an_unknown_filter_is_refused(rds: Rds) -> None:
    """A filter that AWS does not have is refused by AWS, one that is not modelled by localaws."""
    client = rds(SOURCE)
    found = code_of(client.describe_db_instances, Filters=[{"Name": "colour", "Values": ["red"]}])

    assert "InvalidParameterValue" == found
    assert "LocalAwsNotModelled" == code_of(
        client.describe_db_instances, Filters=[{"Name": "domain", "Values": ["d-1"]}]
    )


def test_an_automated_snapshot_is_found_with_its_type_only(scene: Scene, rds: Rds) -> None:
    """An automated snapshot is found by identifier and by ARN alike."""
    scene.cluster()
    snapshot = scene.night()
    client = rds(SOURCE)
    for reference in (snapshot["DBClusterSnapshotIdentifier"], snapshot["DBClusterSnapshotArn"]):
        found = client.describe_db_cluster_snapshots(
            DBClusterSnapshotIdentifier=reference, SnapshotType="automated"
        )

        assert [snapshot["DBClusterSnapshotIdentifier"]] == names(found)
        assert "DBClusterSnapshotNotFoundFault" == code_of(
            client.describe_db_cluster_snapshots, DBClusterSnapshotIdentifier=reference
        )


def test_a_manual_snapshot_is_not_found_under_another_type(scene: Scene, rds: Rds) -> None:
    """A manual snapshot is not found under another type; by ARN it is found without one."""
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]

    assert "by-hand" == scene.describe_snapshot(arn)["DBClusterSnapshotIdentifier"]
    assert "DBClusterSnapshotNotFoundFault" == code_of(
        rds(SOURCE).describe_db_cluster_snapshots,
        DBClusterSnapshotIdentifier="by-hand",
        SnapshotType="automated",
    )


def test_both_types_are_listed_unless_one_is_named(scene: Scene, rds: Rds) -> None:
    """Automated and manual snapshots are listed together by default."""
    scene.cluster()
    automated = scene.night()["DBClusterSnapshotIdentifier"]
    scene.snapshot()
    client = rds(SOURCE)

    assert ["by-hand", automated] == names(client.describe_db_cluster_snapshots())
    assert [automated] == names(client.describe_db_cluster_snapshots(SnapshotType="automated"))
    assert ["by-hand"] == names(client.describe_db_cluster_snapshots(SnapshotType="manual"))
    assert "InvalidParameterValue" == code_of(
        client.describe_db_cluster_snapshots, SnapshotType="nightly"
    )


def test_snapshots_are_listed_by_cluster(scene: Scene, rds: Rds) -> None:
    """Snapshots are listed by cluster, whose name is compared whole.

    Cluster and snapshot cannot both be named.
    """
    resource_id = scene.cluster("prod")["DbClusterResourceId"]
    scene.cluster("prod-eu")
    scene.snapshot("a", "prod")
    scene.snapshot("b", "prod-eu")
    client = rds(SOURCE)

    assert ["a"] == names(client.describe_db_cluster_snapshots(DBClusterIdentifier="PROD"))
    assert ["a"] == names(client.describe_db_cluster_snapshots(DbClusterResourceId=resource_id))
    assert "InvalidParameterCombination" == code_of(
        client.describe_db_cluster_snapshots,
        DBClusterIdentifier="prod",
        DBClusterSnapshotIdentifier="a",
    )


def test_snapshots_outlive_their_cluster_in_lists(scene: Scene, rds: Rds) -> None:
    """The snapshots of a deleted cluster can still be listed by its name."""
    scene.cluster(instances=0)
    scene.snapshot()
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()
    found = names(rds(SOURCE).describe_db_cluster_snapshots(DBClusterIdentifier="prod-cluster"))

    assert ["by-hand"] == found


@pytest.mark.parametrize("options", [{"SnapshotType": "shared"}, {"IncludeShared": True}])
def test_shared_snapshots_are_listed_when_asked_for(
    scene: Scene, rds: Rds, options: dict[str, Any]
) -> None:
    """Shared snapshots are listed only on request, under their ARN and with the type shared."""
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]
    rds(SOURCE).modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="by-hand", AttributeName="restore", ValuesToAdd=[OTHER_ACCOUNT]
    )
    other = rds(SOURCE, account=OTHER_ACCOUNT)
    found = other.describe_db_cluster_snapshots(**options)["DBClusterSnapshots"]

    assert [(arn, "shared")] == [
        (snapshot["DBClusterSnapshotIdentifier"], snapshot["SnapshotType"]) for snapshot in found
    ]
    assert [] == names(other.describe_db_cluster_snapshots())
    assert [arn] == names(
        other.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=arn, **options)
    )


def test_public_snapshots_are_listed_when_asked_for(scene: Scene, rds: Rds) -> None:
    """Public snapshots are listed on request, for everybody, with the type public."""
    scene.cluster()
    scene.snapshot()
    rds(SOURCE).modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="by-hand", AttributeName="restore", ValuesToAdd=["all"]
    )
    other = rds(SOURCE, account=OTHER_ACCOUNT)

    assert 1 == len(names(other.describe_db_cluster_snapshots(SnapshotType="public")))
    assert 1 == len(names(other.describe_db_cluster_snapshots(IncludePublic=True)))


def test_lists_come_in_pages(scene: Scene, rds: Rds, aurora: Aurora) -> None:
    """Lists come in pages of a hundred unless fewer are asked for; a Marker leads to the next."""
    scene.cluster(instances=0)
    aurora.quotas(account=ACCOUNT, region=SOURCE).manual_cluster_snapshots = 200
    for number in range(101):
        scene.snapshot(f"snapshot-{number:03d}")
    client = rds(SOURCE)
    first = client.describe_db_cluster_snapshots()
    second = client.describe_db_cluster_snapshots(Marker=first["Marker"])
    pages = client.get_paginator("describe_db_cluster_snapshots").paginate(
        PaginationConfig={"PageSize": 20}
    )
    sizes = [len(page["DBClusterSnapshots"]) for page in pages]

    assert (100, ["snapshot-100"]) == (len(names(first)), names(second))
    assert "Marker" not in second
    assert [20, 20, 20, 20, 20, 1] == sizes


def test_a_page_turned_while_things_are_deleted_loses_nothing_else(scene: Scene, rds: Rds) -> None:
    """A page read while resources are deleted loses none: a Marker is a place in the order, not a
    number.
    """
    scene.cluster(instances=0)
    for number in range(25):
        scene.snapshot(f"snapshot-{number:02d}")
    client = rds(SOURCE)
    first = client.describe_db_cluster_snapshots(MaxRecords=20)
    client.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="snapshot-00")
    scene.settle()
    second = client.describe_db_cluster_snapshots(MaxRecords=20, Marker=first["Marker"])

    assert [f"snapshot-{number}" for number in range(20, 25)] == names(second)


@pytest.mark.parametrize(
    "options", [{"MaxRecords": 19}, {"MaxRecords": 101}, {"Marker": "not-a-marker!"}]
)
def test_a_page_of_a_wrong_size_or_place_is_refused(rds: Rds, options: dict[str, Any]) -> None:
    """A MaxRecords outside 20 to 100 and an unknown Marker are refused."""
    assert "InvalidParameterValue" == code_of(rds(SOURCE).describe_db_clusters, **options)
