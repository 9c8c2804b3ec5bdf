"""KMS keys, and snapshots of other accounts."""

from typing import Any

import pytest
from localaws.aurora import KeyRing
from tests.aurora.scene import (
    ACCOUNT,
    ENGINE,
    KEY_ALIAS,
    OTHER_ACCOUNT,
    SOURCE,
    TARGET,
    Rds,
    Scene,
    code_of,
)


def key_arn(keys: KeyRing, region: str) -> str:
    """Return the ARN of the account's key in a region."""
    key = keys(ACCOUNT, region, KEY_ALIAS)
    return key.arn if key else ""


def share(rds: Rds, name: str = "by-hand", *accounts: str) -> str:
    """Share a snapshot and return the code of the answer."""
    return code_of(
        rds(SOURCE).modify_db_cluster_snapshot_attribute,
        DBClusterSnapshotIdentifier=name,
        AttributeName="restore",
        ValuesToAdd=list(accounts or (OTHER_ACCOUNT,)),
    )


@pytest.mark.parametrize(
    "reference", ["alias/nobody", "00000000-0000-0000-0000-000000000000", "elsewhere"]
)
def test_a_key_that_is_missing_or_elsewhere_is_not_accessible(
    scene: Scene, rds: Rds, keys: KeyRing, reference: str
) -> None:
    """An unknown alias or id and a key of another region are refused with
    KMSKeyNotAccessibleFault.
    """
    scene.encrypted_cluster()
    source = scene.night()
    found = code_of(
        rds(TARGET).copy_db_cluster_snapshot,
        SourceDBClusterSnapshotIdentifier=source["DBClusterSnapshotArn"],
        TargetDBClusterSnapshotIdentifier="copied",
        KmsKeyId=key_arn(keys, SOURCE) if reference == "elsewhere" else reference,
    )

    assert "KMSKeyNotAccessibleFault" == found


@pytest.mark.parametrize("disabled", [SOURCE, TARGET])
def test_a_copy_needs_both_keys_enabled(
    scene: Scene, rds: Rds, keys: KeyRing, disabled: str
) -> None:
    """A copy needs the source's key enabled to read and the target's to write."""
    scene.encrypted_cluster()
    source = scene.night()
    keys.disable(key_arn(keys, disabled))
    found = code_of(
        rds(TARGET).copy_db_cluster_snapshot,
        SourceDBClusterSnapshotIdentifier=source["DBClusterSnapshotArn"],
        TargetDBClusterSnapshotIdentifier="copied",
        KmsKeyId=KEY_ALIAS,
    )

    assert "KMSKeyNotAccessibleFault" == found


def test_a_restore_needs_the_snapshots_key(scene: Scene, rds: Rds, keys: KeyRing) -> None:
    """A snapshot under a disabled key cannot be restored until the key is enabled again."""
    scene.encrypted_cluster()
    scene.snapshot()
    wanted = {"SnapshotIdentifier": "by-hand", "Engine": ENGINE, "EngineVersion": "16.11"}
    restore = rds(SOURCE).restore_db_cluster_from_snapshot
    keys.disable(key_arn(keys, SOURCE))
    refused = code_of(restore, DBClusterIdentifier="restored", **wanted)
    keys.enable(key_arn(keys, SOURCE))

    assert "KMSKeyNotAccessibleFault" == refused
    assert "accepted" == code_of(restore, DBClusterIdentifier="restored", **wanted)


def test_a_manual_snapshot_can_be_shared_and_withdrawn(scene: Scene, rds: Rds) -> None:
    """A manual snapshot can be shared and withdrawn; its attribute restore lists the accounts."""
    scene.cluster()
    scene.snapshot()
    shared = share(rds)
    listed = attribute_values(rds)
    rds(SOURCE).modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="by-hand",
        AttributeName="restore",
        ValuesToRemove=[OTHER_ACCOUNT],
    )

    assert "accepted" == shared
    assert [OTHER_ACCOUNT] == listed
    assert [] == attribute_values(rds)


def attribute_values(rds: Rds) -> Any:
    """Return the accounts that the snapshot is shared with."""
    answer = rds(SOURCE).describe_db_cluster_snapshot_attributes(
        DBClusterSnapshotIdentifier="by-hand"
    )
    return answer["DBClusterSnapshotAttributesResult"]["DBClusterSnapshotAttributes"][0][
        "AttributeValues"
    ]


def test_an_automated_snapshot_cannot_be_shared(scene: Scene, rds: Rds) -> None:
    """An automated snapshot cannot be shared: it has to be copied to a manual one first."""
    scene.cluster()
    found = share(rds, scene.night()["DBClusterSnapshotIdentifier"])

    assert "InvalidDBClusterSnapshotStateFault" == found


def test_a_snapshot_under_the_managed_key_cannot_be_shared(scene: Scene, rds: Rds) -> None:
    """A snapshot under the managed key aws/rds cannot be shared: no other account can use that
    key.
    """
    scene.cluster(StorageEncrypted=True)
    scene.snapshot()

    assert "InvalidDBClusterSnapshotStateFault" == share(rds)


def test_an_encrypted_snapshot_cannot_be_public(scene: Scene, rds: Rds) -> None:
    """An encrypted snapshot cannot be public; an unencrypted one can."""
    scene.encrypted_cluster()
    scene.snapshot()
    encrypted = share(rds, "by-hand", "all")
    scene.cluster("open")
    scene.snapshot("open-snapshot", "open")

    assert "InvalidParameterCombination" == encrypted
    assert "accepted" == share(rds, "open-snapshot", "all")


def test_a_snapshot_is_shared_with_twenty_accounts_at_most(scene: Scene, rds: Rds) -> None:
    """A snapshot is shared with twenty accounts at most; one more is
    SharedSnapshotQuotaExceeded.
    """
    scene.cluster()
    scene.snapshot()
    found = share(rds, "by-hand", *[f"{number:012d}" for number in range(21)])

    assert "SharedSnapshotQuotaExceeded" == found


def test_another_account_copies_and_restores_a_shared_snapshot_by_arn(
    scene: Scene, rds: Rds
) -> None:
    """Another account copies and restores a shared snapshot; to copy an encrypted one, it needs its
    own key.
    """
    scene.encrypted_cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]
    share(rds)
    other = rds(SOURCE, account=OTHER_ACCOUNT)
    wanted = {"SourceDBClusterSnapshotIdentifier": arn, "TargetDBClusterSnapshotIdentifier": "ours"}
    without_key = code_of(other.copy_db_cluster_snapshot, **wanted)
    copy = other.copy_db_cluster_snapshot(**wanted, KmsKeyId=KEY_ALIAS)["DBClusterSnapshot"]
    restored = other.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="ours",
        SnapshotIdentifier=arn,
        Engine=ENGINE,
        EngineVersion="16.11",
        KmsKeyId=KEY_ALIAS,
    )["DBCluster"]

    assert "InvalidParameterValue" == without_key
    assert OTHER_ACCOUNT in copy["KmsKeyId"]
    assert OTHER_ACCOUNT in restored["DBClusterArn"]


def test_another_account_does_not_see_what_is_not_shared(scene: Scene, rds: Rds) -> None:
    """Another account cannot describe, copy or restore a snapshot that is not shared with it."""
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]
    other = rds(SOURCE, account=OTHER_ACCOUNT)
    found = code_of(
        other.copy_db_cluster_snapshot,
        SourceDBClusterSnapshotIdentifier=arn,
        TargetDBClusterSnapshotIdentifier="ours",
    )

    assert "DBClusterSnapshotNotFoundFault" == found
    assert "DBClusterSnapshotNotFoundFault" == code_of(
        other.restore_db_cluster_from_snapshot,
        DBClusterIdentifier="ours",
        SnapshotIdentifier=arn,
        Engine=ENGINE,
    )


def test_only_the_owner_shares_and_deletes(scene: Scene, rds: Rds) -> None:
    """Only the owner of a snapshot can share or delete it."""
    scene.cluster()
    arn = scene.snapshot()["DBClusterSnapshotArn"]
    share(rds)
    other = rds(SOURCE, account=OTHER_ACCOUNT)
    found = code_of(other.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=arn)

    assert "DBClusterSnapshotNotFoundFault" == found
    assert "DBClusterSnapshotNotFoundFault" == code_of(
        other.modify_db_cluster_snapshot_attribute,
        DBClusterSnapshotIdentifier=arn,
        AttributeName="restore",
        ValuesToAdd=[OTHER_ACCOUNT],
    )


def test_tags_of_a_shared_snapshot_stay_behind(scene: Scene, rds: Rds) -> None:
    """The tags of a shared snapshot are not copied: CopyTags brings nothing over from another
    account.
    """
    scene.cluster()
    arn = scene.snapshot(Tags=[{"Key": "team", "Value": "shop"}])["DBClusterSnapshotArn"]
    share(rds)
    copy = rds(SOURCE, account=OTHER_ACCOUNT).copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=arn,
        TargetDBClusterSnapshotIdentifier="ours",
        CopyTags=True,
    )

    assert [] == copy["DBClusterSnapshot"]["TagList"]
