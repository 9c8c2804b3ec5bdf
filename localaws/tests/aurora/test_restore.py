"""What a restore carries over, and what it does not."""

from typing import Any

from tests.aurora.scene import ENGINE, KEY_ALIAS, SOURCE, Rds, Scene, code_of, message_of

CHOSEN: dict[str, Any] = {
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


def test_a_restored_cluster_is_creating_and_has_no_instances(scene: Scene, rds: Rds) -> None:
    """A restored cluster is creating, becomes available by itself, and has no members."""
    scene.cluster()
    scene.snapshot()
    made = rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored",
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )["DBCluster"]
    scene.settle()
    done = scene.describe("restored")

    assert ("creating", []) == (made["Status"], made["DBClusterMembers"])
    assert ("available", []) == (done["Status"], done["DBClusterMembers"])


def test_what_the_source_had_chosen_is_lost(scene: Scene, rds: Rds) -> None:
    """A restore loses the source's groups, tags, protection and logs, which fall back to AWS's
    defaults.
    """
    rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="prod",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="prod",
    )
    rds(SOURCE).create_db_subnet_group(
        DBSubnetGroupName="private",
        DBSubnetGroupDescription="private",
        SubnetIds=["subnet-1", "subnet-2"],
    )
    scene.cluster(DBClusterParameterGroupName="prod", DBSubnetGroupName="private", **CHOSEN)
    scene.snapshot()
    restored = scene.restore("by-hand")

    assert "default.aurora-postgresql16" == restored["DBClusterParameterGroup"]
    assert "default" == restored["DBSubnetGroup"]
    assert ["sg-us-east-1-default"] == [
        group["VpcSecurityGroupId"] for group in restored["VpcSecurityGroups"]
    ]
    assert [] == restored["TagList"] + restored["AssociatedRoles"]
    assert restored["DeletionProtection"] is False
    assert restored["IAMDatabaseAuthenticationEnabled"] is False
    assert restored["CopyTagsToSnapshot"] is False
    assert not {"EnabledCloudwatchLogsExports", "ServerlessV2ScalingConfiguration"} & set(restored)


def test_port_and_retention_are_the_sources_unless_chosen(scene: Scene) -> None:
    """Port and retention are the source's unless they are given, also through a copy, which shows
    no port.
    """
    scene.cluster(Port=6000, BackupRetentionPeriod=14)
    scene.copy(scene.snapshot(), region=SOURCE)
    scene.settle()
    restored = scene.restore("copied")

    assert (6000, 14) == (restored["Port"], restored["BackupRetentionPeriod"])


def test_the_answers_to_create_and_restore_carry_both_endpoints(scene: Scene, rds: Rds) -> None:
    """The answers to create and restore carry ids that are known before the cluster exists, and
    stay.
    """
    scene.cluster()
    scene.snapshot()
    answer = rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored",
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )["DBCluster"]
    scene.settle()
    names = ("Endpoint", "ReaderEndpoint", "Port")

    assert {name: scene.describe("restored")[name] for name in names} == {
        name: answer[name] for name in names
    }


def test_what_is_chosen_at_restore_is_in_force(scene: Scene) -> None:
    """Each option that is given with the restore is in force on the new cluster."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", **CHOSEN, PubliclyAccessible=False)

    assert CHOSEN["Tags"] == restored["TagList"]
    assert [{"VpcSecurityGroupId": "sg-prod", "Status": "active"}] == restored["VpcSecurityGroups"]
    assert restored["DeletionProtection"] is True
    assert 6000 == restored["Port"]
    assert 35 == restored["BackupRetentionPeriod"]
    assert ["postgresql"] == restored["EnabledCloudwatchLogsExports"]
    assert (
        CHOSEN["ServerlessV2ScalingConfiguration"] == restored["ServerlessV2ScalingConfiguration"]
    )
    assert restored["PubliclyAccessible"] is False


def test_the_master_user_is_the_snapshots(scene: Scene) -> None:
    """The master user is the snapshot's: no parameter of the restore changes it."""
    scene.cluster(MasterUsername="shopmaster")
    scene.snapshot()

    assert "shopmaster" == scene.restore("by-hand")["MasterUsername"]


def test_every_cluster_has_a_resource_id_of_its_own(scene: Scene, rds: Rds) -> None:
    """A cluster restored under a name that was used before has a resource id of its own."""
    scene.cluster()
    scene.snapshot()
    first = scene.restore("by-hand")["DbClusterResourceId"]
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="restored", SkipFinalSnapshot=True)
    scene.settle()
    second = scene.restore("by-hand")["DbClusterResourceId"]

    assert first != second
    assert first.startswith("cluster-")


def test_without_a_version_the_regions_default_is_taken_which_may_be_too_old(
    scene: Scene, rds: Rds
) -> None:
    """Without a version a restore takes the region's default, and 16.11 does not restore to
    16.9.
    """
    scene.cluster()
    scene.snapshot()
    restore = rds(SOURCE).restore_db_cluster_from_snapshot
    wanted = {"DBClusterIdentifier": "restored", "SnapshotIdentifier": "by-hand", "Engine": ENGINE}

    assert "InvalidParameterCombination" == code_of(restore, **wanted)
    assert "is earlier than that of the snapshot" in message_of(restore, **wanted)


def test_a_later_minor_version_can_be_chosen(scene: Scene) -> None:
    """A later minor version can be chosen: 16.10 restores to 16.11."""
    scene.cluster(EngineVersion="16.10")
    scene.snapshot()

    assert "16.11" == scene.restore("by-hand")["EngineVersion"]


def test_an_unencrypted_snapshot_restores_under_a_key_that_aws_owns(scene: Scene) -> None:
    """An unencrypted snapshot restores under a key that AWS owns, as AWS does since 2026-02-18,
    although none is named; StorageEncrypted is false for that, also of its snapshots.
    """
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand")

    scene.snapshot("of-restored", "restored")
    described = (restored, scene.describe_snapshot("of-restored"))

    assert [(False, "sse-rds")] * 2 == [
        (one["StorageEncrypted"], one["StorageEncryptionType"]) for one in described
    ]
    assert "KmsKeyId" not in restored


def test_a_key_given_at_restore_encrypts_the_cluster(scene: Scene) -> None:
    """A key given at the restore encrypts the cluster, also when the snapshot is not encrypted."""
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", KmsKeyId=KEY_ALIAS)

    assert "sse-kms" == restored["StorageEncryptionType"]
    assert restored["KmsKeyId"].startswith(f"arn:aws:kms:{SOURCE}:")


def test_an_encrypted_snapshot_keeps_its_key_without_one(scene: Scene) -> None:
    """An encrypted snapshot keeps its key when none is given: the cluster then uses the snapshot's
    key.
    """
    scene.encrypted_cluster()
    snapshot = scene.snapshot()

    assert snapshot["KmsKeyId"] == scene.restore("by-hand")["KmsKeyId"]


def test_the_port_given_is_the_port_described(scene: Scene) -> None:
    """A given port is the endpoint's, which looks like Aurora's when no real server stands behind
    it.
    """
    scene.cluster()
    scene.snapshot()
    restored = scene.restore("by-hand", Port=5433)

    assert 5433 == restored["Port"]
    assert restored["Endpoint"].startswith("restored.cluster-c")
    assert restored["ReaderEndpoint"].startswith("restored.cluster-ro-c")
