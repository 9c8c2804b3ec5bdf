"""Storage under a key that AWS owns: how it shows, and what its copies may be given."""

from typing import Any

import pytest
from localaws.aurora import Aurora, Choices, KeyRing, VirtualClock
from tests.aurora.scene import (
    KEY_ALIAS,
    OTHER_ACCOUNT,
    SOURCE,
    TARGET,
    Scene,
    code_of,
)

REFUSED, ACCEPTED = "InvalidParameterValue", "accepted"


@pytest.fixture
def choices() -> Choices:
    """Return the choices of a model that encrypts by default."""
    return Choices(encrypts_by_default=True)


@pytest.fixture
def aurora(clock: VirtualClock, keys: KeyRing, choices: Choices) -> Aurora:
    """Return a model of these choices."""
    return Aurora(clock, keys=keys, choices=choices)


def shown(described: Any) -> tuple[bool, str, bool]:
    """Return what a description says of encryption, and whether it names a key."""
    return (
        described["StorageEncrypted"],
        described["StorageEncryptionType"],
        "KmsKeyId" in described,
    )


@pytest.mark.parametrize("options", [{}, {"StorageEncrypted": False}])
def test_a_cluster_without_a_key_is_under_one_that_aws_owns(
    scene: Scene, options: dict[str, Any]
) -> None:
    """Cluster, instance and snapshot say sse-rds, and that storage is not encrypted, as the
    model of the API has it.
    """
    described = (scene.cluster(**options), scene.describe_instance("prod-cluster-1"))

    assert [(False, "sse-rds", False)] * 3 == [shown(one) for one in (*described, scene.snapshot())]


@pytest.mark.parametrize("key", ["alias/aws/rds", KEY_ALIAS])
def test_a_key_that_is_named_is_shown(scene: Scene, key: str) -> None:
    """A cluster that names a key, its own or the account's `aws/rds`, says sse-kms and true."""
    assert (True, "sse-kms", True) == shown(scene.cluster(StorageEncrypted=True, KmsKeyId=key))


def test_a_restore_keeps_it_unless_a_key_is_named(scene: Scene) -> None:
    """A restore stays under AWS's own key, and comes under another that is named."""
    scene.cluster()
    scene.snapshot()
    kept, changed = scene.restore("by-hand"), scene.restore("by-hand", "other", KmsKeyId=KEY_ALIAS)

    assert [(False, "sse-rds", False), (True, "sse-kms", True)] == [shown(kept), shown(changed)]


def test_its_snapshots_are_not_shared(scene: Scene) -> None:
    """Sharing is refused: AWS says nothing of it, and other accounts would lack the key."""
    scene.cluster()
    scene.snapshot()

    assert "InvalidDBClusterSnapshotStateFault" == code_of(
        scene.rds(SOURCE).modify_db_cluster_snapshot_attribute,
        DBClusterSnapshotIdentifier="by-hand",
        AttributeName="restore",
        ValuesToAdd=[OTHER_ACCOUNT],
    )


@pytest.mark.parametrize(
    ("choices", "plain", "keyed"),
    [
        (Choices("new", "takes", encrypts_by_default=True), ACCEPTED, ACCEPTED),
        (Choices("new", "needs", encrypts_by_default=True), REFUSED, ACCEPTED),
        (Choices("new", "refuses", encrypts_by_default=True), ACCEPTED, REFUSED),
    ],
)
def test_whether_a_copy_takes_a_key_is_a_choice(scene: Scene, plain: str, keyed: str) -> None:
    """A copy to another region takes, needs or refuses a key, as the model is told: AWS documents
    none of it.
    """
    scene.cluster()
    source = scene.snapshot()["DBClusterSnapshotArn"]
    copy = scene.rds(TARGET).copy_db_cluster_snapshot
    named = {"SourceDBClusterSnapshotIdentifier": source}

    assert [plain, keyed] == [
        code_of(copy, TargetDBClusterSnapshotIdentifier="plain", **named),
        code_of(copy, TargetDBClusterSnapshotIdentifier="keyed", KmsKeyId=KEY_ALIAS, **named),
    ]
