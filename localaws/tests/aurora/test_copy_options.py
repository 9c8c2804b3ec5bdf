"""Tags and keys of copies."""

from typing import Any

import pytest
from tests.aurora.scene import KEY_ALIAS, SOURCE, TARGET, Rds, Scene, code_of


def copying(source: Any, name: str) -> dict[str, Any]:
    """Return the parameters of a copy."""
    return {
        "SourceDBClusterSnapshotIdentifier": source["DBClusterSnapshotArn"],
        "TargetDBClusterSnapshotIdentifier": name,
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"CopyTags": True}, [{"Key": "team", "Value": "shop"}]),
        ({"CopyTags": True, "Tags": [{"Key": "a", "Value": "b"}]}, [{"Key": "a", "Value": "b"}]),
    ],
)
def test_tags_come_along_when_asked_for_and_none_are_given(
    scene: Scene, options: dict[str, Any], expected: list[dict[str, str]]
) -> None:
    """Tags are copied only with CopyTags, which is off by default and gives way to Tags."""
    scene.cluster()
    source = scene.snapshot(Tags=[{"Key": "team", "Value": "shop"}])

    assert expected == scene.copy(source, **options)["TagList"]


def test_an_encrypted_copy_to_another_region_needs_a_key_there(scene: Scene, rds: Rds) -> None:
    """An encrypted copy to another region needs a key there, because a key does not leave its
    region.
    """
    scene.encrypted_cluster()
    source = scene.night()
    found = code_of(rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"))

    assert "InvalidParameterValue" == found
    assert f":kms:{TARGET}:" in scene.copy(source, KmsKeyId=KEY_ALIAS)["KmsKeyId"]


def test_an_encrypted_copy_within_a_region_keeps_its_key(scene: Scene) -> None:
    """An encrypted copy within a region stays under the source's key unless KmsKeyId is given."""
    scene.encrypted_cluster()
    source = scene.night()

    assert source["KmsKeyId"] == scene.copy(source, region=SOURCE)["KmsKeyId"]


def test_an_unencrypted_copy_takes_no_key(scene: Scene, rds: Rds) -> None:
    """A copy of an unencrypted source with KmsKeyId is refused with InvalidParameterValue."""
    scene.cluster()
    source = scene.night()
    found = code_of(
        rds(TARGET).copy_db_cluster_snapshot, **copying(source, "copied"), KmsKeyId=KEY_ALIAS
    )

    assert "InvalidParameterValue" == found
    assert "KmsKeyId" not in scene.copy(source)


def test_source_region_and_presigned_url_are_ignored_as_on_aws(scene: Scene) -> None:
    """SourceRegion and PreSignedUrl are ignored: they matter in GovCloud only."""
    scene.cluster()
    source = scene.night()

    scene.copy(source, SourceRegion=SOURCE)

    assert "copying" == scene.describe_snapshot("copied", region=TARGET)["Status"]
