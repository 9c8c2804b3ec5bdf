"""What a region offers and what an account finds there: versions, classes, groups, quotas."""

from typing import Any

import pytest
from localaws.aurora.records import Cluster
from tests.aurora.scene import ENGINE, SOURCE, TARGET, Rds, Scene, code_of


def versions(rds: Rds, **options: Any) -> list[str]:
    """Return the engine versions that are listed."""
    return [
        dbengine_version["EngineVersion"]
        for dbengine_version in rds(SOURCE).describe_db_engine_versions(**options)[
            "DBEngineVersions"
        ]
    ]


def test_versions_can_be_asked_for(rds: Rds) -> None:
    """DescribeDBEngineVersions lists all versions, one, those of a major version, or the region's
    default.

    An unknown version gives an empty list.
    """
    found = versions(rds, Engine=ENGINE)

    assert ["15.13", "15.15", "16.9", "16.10", "16.11", "17.5", "17.7"] == found
    assert ["16.11"] == versions(rds, Engine=ENGINE, EngineVersion="16.11")
    assert ["16.9", "16.10", "16.11"] == versions(rds, Engine=ENGINE, EngineVersion="16")
    assert ["16.9"] == versions(rds, Engine=ENGINE, DefaultOnly=True)
    assert [] == versions(rds, Engine=ENGINE, EngineVersion="9.6")
    assert [] == versions(rds, Engine="mysql")


def test_deprecated_versions_are_listed_only_when_all_are_asked_for(rds: Rds) -> None:
    """Deprecated versions are listed only on request, and each says so in its Status."""
    found = rds(SOURCE).describe_db_engine_versions(
        Engine=ENGINE, EngineVersion="16.6", IncludeAll=True
    )["DBEngineVersions"]

    assert [] == versions(rds, Engine=ENGINE, EngineVersion="16.6")
    assert [("16.6", "deprecated")] == [
        (version["EngineVersion"], version["Status"]) for version in found
    ]


def test_a_deprecated_version_makes_no_new_cluster(rds: Rds) -> None:
    """A new cluster cannot have a deprecated version; clusters that have it go on."""
    code = code_of(
        rds(SOURCE).create_db_cluster,
        DBClusterIdentifier="late",
        Engine=ENGINE,
        EngineVersion="16.6",
        MasterUsername="a",
        MasterUserPassword="long-enough",
    )

    assert "InvalidParameterCombination" == code


def test_a_snapshot_of_a_deprecated_version_is_restored_and_gets_instances(scene: Scene) -> None:
    """A production cluster that has not been upgraded yet can be copied all the same."""
    cluster = scene.aurora.find(scene.cluster()["DBClusterArn"])
    assert isinstance(cluster, Cluster)
    cluster.engine_version = "16.6"
    scene.snapshot()
    scene.restore("by-hand", EngineVersion="16.6")
    instance = scene.instance("restored-1", "restored")

    assert ("16.6", "available") == (instance["EngineVersion"], instance["DBInstanceStatus"])


def test_a_version_has_its_parameter_group_family(rds: Rds) -> None:
    """A version names its parameter group family, so a group can be checked before a restore."""
    answer = rds(SOURCE).describe_db_engine_versions(Engine=ENGINE, EngineVersion="16.11")

    assert "aurora-postgresql16" == answer["DBEngineVersions"][0]["DBParameterGroupFamily"]


@pytest.mark.parametrize(
    ("instance_class", "version", "count"),
    [
        ("db.r6g.large", "16.11", 1),
        ("db.serverless", "16.11", 1),
        ("db.r4.large", "16.11", 0),
        ("db.nobody", "16.11", 0),
    ],
)
def test_classes_can_be_asked_for(rds: Rds, instance_class: str, version: str, count: int) -> None:
    """An instance class that cannot be ordered for a version is not listed."""
    answer = rds(SOURCE).describe_orderable_db_instance_options(
        Engine=ENGINE, EngineVersion=version, DBInstanceClass=instance_class
    )

    assert count == len(answer["OrderableDBInstanceOptions"])


def test_a_new_cluster_without_a_version_has_the_regions_default(scene: Scene, rds: Rds) -> None:
    """A new cluster without a version gets 16.9; a bare major version means its newest minor
    version.
    """
    rds(SOURCE).create_db_cluster(
        DBClusterIdentifier="plain",
        Engine=ENGINE,
        MasterUsername="a",
        MasterUserPassword="long-enough",
    )

    assert "16.9" == scene.describe("plain")["EngineVersion"]
    assert "16.11" == scene.cluster("newest", EngineVersion="16")["EngineVersion"]


def test_every_region_has_default_groups(rds: Rds) -> None:
    """Each region has a subnet group called default in its VPC, and a parameter group per
    family.
    """
    client = rds(TARGET)
    subnets = client.describe_db_subnet_groups(DBSubnetGroupName="default")["DBSubnetGroups"][0]
    cluster_groups = client.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
    groups = client.describe_db_parameter_groups()["DBParameterGroups"]
    defaults = [f"default.aurora-postgresql{major}" for major in (15, 16, 17)]

    assert ("vpc-us-west-2-default", 3) == (subnets["VpcId"], len(subnets["Subnets"]))
    assert defaults == [group["DBClusterParameterGroupName"] for group in cluster_groups]
    assert defaults == [group["DBParameterGroupName"] for group in groups]


def test_groups_that_do_not_exist_have_exact_codes(rds: Rds) -> None:
    """Groups that do not exist have exact codes; both kinds of parameter group answer alike."""
    client = rds(SOURCE)
    found = code_of(client.describe_db_subnet_groups, DBSubnetGroupName="nobody")

    assert "DBSubnetGroupNotFoundFault" == found
    assert "DBParameterGroupNotFound" == code_of(
        client.describe_db_cluster_parameter_groups, DBClusterParameterGroupName="nobody"
    )
    assert "DBParameterGroupNotFound" == code_of(
        client.describe_db_parameter_groups, DBParameterGroupName="nobody"
    )


def test_groups_are_created_once(rds: Rds) -> None:
    """A second group of the same name is refused, and so are unknown families and AWS's own
    names.
    """
    client = rds(SOURCE)
    wanted = {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "ours"}
    create, create_cluster_group = (
        client.create_db_parameter_group,
        client.create_db_cluster_parameter_group,
    )
    subnets = {
        "DBSubnetGroupName": "private",
        "DBSubnetGroupDescription": "ours",
        "SubnetIds": ["subnet-1", "subnet-2"],
    }
    found = [code_of(create, DBParameterGroupName="Ours", **wanted) for _ in range(2)]

    assert ["accepted", "DBParameterGroupAlreadyExists"] == found
    assert ["accepted", "DBParameterGroupAlreadyExists"] == [
        code_of(create_cluster_group, DBClusterParameterGroupName="ours", **wanted)
        for _ in range(2)
    ]
    assert ["accepted", "DBSubnetGroupAlreadyExists"] == [
        code_of(client.create_db_subnet_group, **subnets) for _ in range(2)
    ]
    assert "InvalidParameterValue" == code_of(
        create, DBParameterGroupName="other", DBParameterGroupFamily="mysql8.0", Description="ours"
    )
    assert "InvalidParameterValue" == code_of(create, DBParameterGroupName="default.mine", **wanted)


def test_a_subnet_group_covers_two_zones_at_least(rds: Rds) -> None:
    """A subnet group with a single subnet is refused: it must cover two zones."""
    found = code_of(
        rds(SOURCE).create_db_subnet_group,
        DBSubnetGroupName="narrow",
        DBSubnetGroupDescription="narrow",
        SubnetIds=["subnet-1"],
    )

    assert "DBSubnetGroupDoesNotCoverEnoughAZs" == found


def test_quotas_and_their_use_can_be_read(scene: Scene, rds: Rds) -> None:
    """The quotas and the use of clusters, instances and manual snapshots of the region can be
    read.
    """
    scene.cluster(instances=2)
    scene.night()
    scene.snapshot()
    quotas = rds(SOURCE).describe_account_attributes()["AccountQuotas"]

    assert [("DBClusters", 1, 40), ("DBInstances", 2, 40), ("ManualClusterSnapshots", 1, 100)] == [
        (quota["AccountQuotaName"], quota["Used"], quota["Max"]) for quota in quotas
    ]


def test_global_clusters_are_listed_in_every_region(scene: Scene, rds: Rds) -> None:
    """Global clusters are listed in every region, because they belong to the account."""
    arn = scene.cluster(instances=0)["DBClusterArn"]
    client = rds(SOURCE)
    create = client.create_global_cluster
    created = code_of(create, GlobalClusterIdentifier="planet", SourceDBClusterIdentifier=arn)
    listed = rds(TARGET).describe_global_clusters(GlobalClusterIdentifier="planet")[
        "GlobalClusters"
    ]

    assert "accepted" == created
    assert [arn] == [member["DBClusterArn"] for member in listed[0]["GlobalClusterMembers"]]
    assert "GlobalClusterAlreadyExistsFault" == code_of(
        create, GlobalClusterIdentifier="planet", SourceDBClusterIdentifier=arn
    )
    assert "InvalidDBClusterStateFault" == code_of(
        create, GlobalClusterIdentifier="second", SourceDBClusterIdentifier=arn
    )
    assert "GlobalClusterNotFoundFault" == code_of(
        client.describe_global_clusters, GlobalClusterIdentifier="nobody"
    )


def test_the_ends_of_support_are_listed_by_major_version(rds: Rds) -> None:
    """Standard support ends where Extended Support begins."""
    client = rds(TARGET)
    everything = client.describe_db_major_engine_versions(Engine="aurora-postgresql")
    (found,) = client.describe_db_major_engine_versions(
        Engine="aurora-postgresql", MajorEngineVersion="16"
    )["DBMajorEngineVersions"]
    standard, extended = found["SupportedEngineLifecycles"]

    assert {"13", "14", "15", "16", "17"} == {
        version["MajorEngineVersion"] for version in everything["DBMajorEngineVersions"]
    }
    assert "open-source-rds-standard-support" == standard["LifecycleSupportName"]
    assert standard["LifecycleSupportEndDate"] == extended["LifecycleSupportStartDate"]


def test_upgrades_are_later_versions_that_are_not_deprecated(rds: Rds) -> None:
    """Those of the same major version are marked as minor upgrades."""
    (found,) = rds(TARGET).describe_db_engine_versions(
        Engine="aurora-postgresql", EngineVersion="16.6", IncludeAll=True
    )["DBEngineVersions"]
    minor = [
        target["EngineVersion"]
        for target in found["ValidUpgradeTarget"]
        if not target["IsMajorVersionUpgrade"]
    ]

    assert ["16.9", "16.10", "16.11"] == minor
