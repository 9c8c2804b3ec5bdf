"""What a restore carries over, what it does not, and what it refuses."""

from typing import Any

import pytest

from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, ENGINE, KEY_ALIAS, SOURCE, TARGET, Rds, Scene, code_of, message_of

CHOSEN = {
    "Tags": [{"Key": "team", "Value": "shop"}],
    "VpcSecurityGroupIds": ["sg-prod"],
    "DeletionProtection": True,
    "EnableIAMDatabaseAuthentication": True,
    "CopyTagsToSnapshot": True,
    "EnableCloudwatchLogsExports": ["postgresql"],
    "BackupRetentionPeriod": 35,
    "Port": 6000,
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4},
}


def refusal(scene: Scene, **options: Any) -> str:
    """Return the code that a restore of `by-hand` is refused with."""
    wanted = {"DBClusterIdentifier": "restored", "SnapshotIdentifier": "by-hand", "EngineVersion": "16.6", **options}
    return code_of(scene.rds(SOURCE).restore_db_cluster_from_snapshot, Engine=ENGINE, **wanted)


def test_a_restored_cluster_is_creating_and_has_no_instances(scene: Scene, rds: Rds) -> None:
    """It becomes available by itself and stays without members."""
    scene.cluster()
    scene.snapshot()
    made = rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored", SnapshotIdentifier="by-hand", Engine=ENGINE, EngineVersion="16.6"
    )["DBCluster"]
    scene.settle()
    done = scene.describe("restored")

    assert ("creating", []) == (made["Status"], made["DBClusterMembers"])
    assert ("available", []) == (done["Status"], done["DBClusterMembers"])


def test_what_the_source_had_chosen_is_lost(scene: Scene, rds: Rds) -> None:
    """Parameter group, subnet group, security groups, tags, protection, logs … fall to AWS's defaults."""
    rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="prod", DBParameterGroupFamily="aurora-postgresql16", Description="prod"
    )
    rds(SOURCE).create_db_subnet_group(
        DBSubnetGroupName="private", DBSubnetGroupDescription="private", SubnetIds=["subnet-1", "subnet-2"]
    )
    scene.cluster(DBClusterParameterGroupName="prod", DBSubnetGroupName="private", **CHOSEN)
    scene.snapshot()
    restored = scene.restore("by-hand")

    assert "default.aurora-postgresql16" == restored["DBClusterParameterGroup"]
    assert "default" == restored["DBSubnetGroup"]
    assert ["sg-us-east-1-default"] == [group["VpcSecurityGroupId"] for group in restored["VpcSecurityGroups"]]
    assert [] == restored["TagList"] + restored["AssociatedRoles"]
    assert (False, False, False) == (
        restored["DeletionProtection"],
        restored["IAMDatabaseAuthenticationEnabled"],
        restored["CopyTagsToSnapshot"],
    )
    assert (1, 5432) == (restored["BackupRetentionPeriod"], restored["Port"])
    assert not {"EnabledCloudwatchLogsExports", "ServerlessV2ScalingConfiguration"} & set(restored)


def test_what_is_chosen_at_restore_is_in_force(scene: Scene) -> None:
    """Every option can be given with the restore itself."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", **CHOSEN, PubliclyAccessible=False)

    assert CHOSEN["Tags"] == restored["TagList"]
    assert [{"VpcSecurityGroupId": "sg-prod", "Status": "active"}] == restored["VpcSecurityGroups"]
    assert (True, 6000, 35) == (
        restored["DeletionProtection"],
        restored["Port"],
        restored["BackupRetentionPeriod"],
    )
    assert ["postgresql"] == restored["EnabledCloudwatchLogsExports"]
    assert CHOSEN["ServerlessV2ScalingConfiguration"] == restored["ServerlessV2ScalingConfiguration"]
    assert restored["PubliclyAccessible"] is False


def test_the_master_user_is_the_snapshots(scene: Scene) -> None:
    """No parameter of the restore changes it."""
    scene.cluster(MasterUsername="shopmaster")
    scene.snapshot()

    assert "shopmaster" == scene.restore("by-hand")["MasterUsername"]


def test_every_cluster_has_a_resource_id_of_its_own(scene: Scene, rds: Rds) -> None:
    """A cluster restored under a name that was in use before is told apart by it."""
    scene.cluster()
    scene.snapshot()
    first = scene.restore("by-hand")["DbClusterResourceId"]
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="restored", SkipFinalSnapshot=True)
    scene.settle()
    second = scene.restore("by-hand")["DbClusterResourceId"]

    assert first != second
    assert first.startswith("cluster-")


@pytest.mark.parametrize("name", ["prod-cluster", "PROD-CLUSTER"])
def test_a_name_in_use_is_refused(scene: Scene, name: str) -> None:
    """Whatever its case."""
    scene.cluster()
    scene.snapshot()

    assert "DBClusterAlreadyExistsFault" == refusal(scene, DBClusterIdentifier=name)


def test_a_missing_snapshot_is_refused(scene: Scene) -> None:
    """By its exact code, which keeps the ending Fault."""
    assert "DBClusterSnapshotNotFoundFault" == refusal(scene)


def test_a_snapshot_of_another_region_cannot_be_restored(scene: Scene, rds: Rds) -> None:
    """It has to be copied first, even though an ARN could name it."""
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]

    assert "DBClusterSnapshotNotFoundFault" == code_of(
        rds(TARGET).restore_db_cluster_from_snapshot,
        DBClusterIdentifier="restored",
        SnapshotIdentifier=arn,
        Engine=ENGINE,
    )


def test_a_copying_snapshot_cannot_be_restored(scene: Scene, rds: Rds) -> None:
    """Only an available one can."""
    scene.cluster()
    scene.copy(scene.snapshot())

    assert "InvalidDBClusterSnapshotStateFault" == code_of(
        rds(TARGET).restore_db_cluster_from_snapshot,
        DBClusterIdentifier="restored",
        SnapshotIdentifier="copied",
        Engine=ENGINE,
        EngineVersion="16.6",
    )


def test_without_a_version_the_regions_default_is_taken_which_may_be_too_old(scene: Scene, rds: Rds) -> None:
    """A 16.6 snapshot does not restore to the default 16.4."""
    scene.cluster()
    scene.snapshot()
    restore = rds(SOURCE).restore_db_cluster_from_snapshot
    wanted = {"DBClusterIdentifier": "restored", "SnapshotIdentifier": "by-hand", "Engine": ENGINE}

    assert "InvalidParameterCombination" == code_of(restore, **wanted)
    assert "is earlier than that of the snapshot" in message_of(restore, **wanted)


def test_a_later_minor_version_can_be_chosen(scene: Scene) -> None:
    """16.3 restores to 16.6."""
    scene.cluster(EngineVersion="16.3")
    scene.snapshot()

    assert "16.6" == scene.restore("by-hand")["EngineVersion"]


def test_a_version_that_is_not_offered_is_refused(scene: Scene) -> None:
    """Versions disappear from regions."""
    scene.cluster()
    scene.snapshot()

    assert "InvalidParameterCombination" == refusal(scene, EngineVersion="16.99")


def test_a_parameter_group_of_another_family_is_refused(scene: Scene, rds: Rds) -> None:
    """As after a major upgrade of production."""
    scene.cluster()
    scene.snapshot()
    rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="old", DBParameterGroupFamily="aurora-postgresql15", Description="old"
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
        ({"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.7, "MaxCapacity": 2}}, "InvalidParameterValue"),
        ({"ServerlessV2ScalingConfiguration": {"MaxCapacity": 2}}, "InvalidParameterValue"),
        ({"ServerlessV2ScalingConfiguration": {"MinCapacity": 4, "MaxCapacity": 2}}, "InvalidParameterValue"),
        ({"PreferredBackupWindow": "night"}, "InvalidParameterValue"),
        ({"StorageType": "gp3"}, "InvalidParameterValue"),
        ({"DBClusterIdentifier": "no_good"}, "InvalidParameterValue"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(scene: Scene, options: dict[str, Any], code: str) -> None:
    """Each with its own code, before anything is made."""
    scene.cluster()
    scene.snapshot()

    assert code == refusal(scene, **options)
    assert "DBClusterNotFoundFault" == code_of(scene.rds(SOURCE).describe_db_clusters, DBClusterIdentifier="restored")


def test_the_fortieth_cluster_is_the_last(scene: Scene, aurora: Aurora) -> None:
    """The cluster quota keeps the ending Fault."""
    scene.cluster()
    scene.snapshot()
    aurora.quotas(account=ACCOUNT, region=SOURCE).clusters = 1

    assert "DBClusterQuotaExceededFault" == refusal(scene)


def test_an_unencrypted_snapshot_restores_under_a_key_that_aws_owns(scene: Scene) -> None:
    """Encrypted since 2026-02-18, although no key is named."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand")

    assert (True, "sse-rds") == (restored["StorageEncrypted"], restored["StorageEncryptionType"])
    assert "KmsKeyId" not in restored


def test_a_key_given_at_restore_encrypts_the_cluster(scene: Scene) -> None:
    """Also when the snapshot is not encrypted."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", KmsKeyId=KEY_ALIAS)

    assert "sse-kms" == restored["StorageEncryptionType"]
    assert restored["KmsKeyId"].startswith(f"arn:aws:kms:{SOURCE}:")


def test_an_encrypted_snapshot_keeps_its_key_without_one(scene: Scene) -> None:
    """The cluster then lives on the snapshot's key."""
    scene.encrypted_cluster()
    snapshot = scene.snapshot()

    assert snapshot["KmsKeyId"] == scene.restore("by-hand")["KmsKeyId"]


def test_the_port_given_is_the_port_told(scene: Scene) -> None:
    """Endpoints look like Aurora's when no real server stands behind them."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", Port=5433)

    assert 5433 == restored["Port"]
    assert restored["Endpoint"].startswith("restored.cluster-c")
    assert restored["ReaderEndpoint"].startswith("restored.cluster-ro-c")
