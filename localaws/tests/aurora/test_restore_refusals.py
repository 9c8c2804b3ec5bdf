"""What a restore is refused for."""

from functools import partial
from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, ENGINE, SOURCE, TARGET, Rds, Scene, code_of, message_of


def refusal(scene: Scene, **options: Any) -> str:
    """Return the code that a restore of `by-hand` is refused with."""
    wanted = {
        "DBClusterIdentifier": "restored",
        "SnapshotIdentifier": "by-hand",
        "EngineVersion": "16.11",
        **options,
    }
    return code_of(scene.rds(SOURCE).restore_db_cluster_from_snapshot, Engine=ENGINE, **wanted)


@pytest.mark.parametrize("name", ["prod-cluster", "PROD-CLUSTER"])
def test_a_name_in_use_is_refused(scene: Scene, name: str) -> None:
    """A cluster name in use is refused, whatever its case."""
    scene.cluster()
    scene.snapshot()

    assert "DBClusterAlreadyExistsFault" == refusal(scene, DBClusterIdentifier=name)


def test_a_missing_snapshot_is_refused(scene: Scene) -> None:
    """A missing snapshot is refused with its exact code, which keeps the suffix Fault."""
    assert "DBClusterSnapshotNotFoundFault" == refusal(scene)


def test_a_snapshot_of_another_region_cannot_be_restored(scene: Scene, rds: Rds) -> None:
    """A snapshot of another region cannot be restored, not even by its ARN: it has to be copied
    first.
    """
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]
    found = code_of(
        rds(TARGET).restore_db_cluster_from_snapshot,
        DBClusterIdentifier="restored",
        SnapshotIdentifier=arn,
        Engine=ENGINE,
    )

    assert "DBClusterSnapshotNotFoundFault" == found


def test_a_copying_snapshot_cannot_be_restored(scene: Scene, rds: Rds) -> None:
    """A snapshot that is still copying cannot be restored; only an available one can."""
    scene.cluster()
    scene.copy(scene.snapshot())
    found = code_of(
        rds(TARGET).restore_db_cluster_from_snapshot,
        DBClusterIdentifier="restored",
        SnapshotIdentifier="copied",
        Engine=ENGINE,
        EngineVersion="16.11",
    )

    assert "InvalidDBClusterSnapshotStateFault" == found


def test_a_version_that_is_not_offered_is_refused(scene: Scene) -> None:
    """A version that the region no longer offers is refused."""
    scene.cluster()
    scene.snapshot()

    assert "InvalidParameterCombination" == refusal(scene, EngineVersion="16.99")


def test_a_parameter_group_of_another_family_is_refused(scene: Scene, rds: Rds) -> None:
    """A parameter group of another family is refused, as after a major upgrade of production."""
    scene.cluster()
    scene.snapshot()
    rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="old",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )

    assert "InvalidParameterCombination" == refusal(scene, DBClusterParameterGroupName="old")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"DBClusterParameterGroupName": "nobody"}, "DBClusterParameterGroupNotFound"),
        ({"DBSubnetGroupName": "nobody"}, "DBSubnetGroupNotFoundFault"),
        ({"VpcSecurityGroupIds": ["sg-missing"]}, "InvalidParameterValue"),
        ({"KmsKeyId": "alias/nobody"}, "KMSKeyNotAccessibleFault"),
        ({"Port": 80}, "InvalidParameterValue"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
        ({"EnableCloudwatchLogsExports": ["audit"]}, "InvalidParameterValue"),
        (
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.7, "MaxCapacity": 2}},
            "InvalidParameterValue",
        ),
        ({"ServerlessV2ScalingConfiguration": {"MaxCapacity": 2}}, "InvalidParameterValue"),
        (
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 4, "MaxCapacity": 2}},
            "InvalidParameterValue",
        ),
        ({"PreferredBackupWindow": "night"}, "InvalidParameterValue"),
        ({"StorageType": "gp3"}, "InvalidParameterValue"),
        ({"DBClusterIdentifier": "no_good"}, "InvalidParameterValue"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(
    scene: Scene, options: dict[str, Any], code: str
) -> None:
    """A resource that does not exist or does not fit is refused with its own code, before anything
    is made.
    """
    scene.cluster()
    scene.snapshot()

    assert code == refusal(scene, **options)
    assert "DBClusterNotFoundFault" == code_of(
        scene.rds(SOURCE).describe_db_clusters, DBClusterIdentifier="restored"
    )


def test_the_fortieth_cluster_is_the_last(scene: Scene, aurora: Aurora) -> None:
    """The fortieth cluster is the last; the quota's code keeps the suffix Fault."""
    scene.cluster()
    scene.snapshot()
    aurora.quotas(account=ACCOUNT, region=SOURCE).clusters = 1

    assert "DBClusterQuotaExceededFault" == refusal(scene)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"MasterUserPassword": "long-enough"}, "MasterUsername"),
        ({"MasterUsername": "a"}, "MasterUserPassword"),
    ],
)
def test_a_new_cluster_without_its_master_user_is_refused_by_the_missing_parameter(
    rds: Rds, given: dict[str, str], missing: str
) -> None:
    """A new cluster without its master user is InvalidParameterValue, and the sentence names what
    is missing.
    """
    create = partial(
        rds(SOURCE).create_db_cluster, DBClusterIdentifier="new", Engine=ENGINE, **given
    )

    assert "InvalidParameterValue" == code_of(create)
    assert f"The parameter {missing} must be provided and must not be blank." == message_of(create)


@pytest.mark.parametrize(
    "options",
    [
        {"EnablePerformanceInsights": True},
        {"PerformanceInsightsRetentionPeriod": 7},
        {"PerformanceInsightsKMSKeyId": "alias/any"},
        {"MonitoringInterval": 60},
        {"MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring"},
    ],
)
def test_monitoring_and_insights_are_for_instances(scene: Scene, options: dict[str, Any]) -> None:
    """Monitoring and insights of the whole cluster are in the API's model of a restore, and
    refused for Aurora.
    """
    scene.cluster()
    scene.snapshot()

    assert "InvalidParameterCombination" == refusal(scene, **options)
