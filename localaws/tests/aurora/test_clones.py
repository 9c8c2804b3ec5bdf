"""RestoreDBClusterToPointInTime: clones, and full copies of the latest moment."""

from typing import Any

import pytest
from tests.aurora.recording import RecordingData
from tests.aurora.scene import KEY_ALIAS, SOURCE, Rds, Scene, code_of, message_of

LATEST = {"SourceDBClusterIdentifier": "prod-cluster", "UseLatestRestorableTime": True}


def restore(scene: Scene, **options: Any) -> Any:
    """Make the cluster `cloned` of prod-cluster, wait for it and return its description."""
    wanted = {"DBClusterIdentifier": "cloned", **LATEST, **options}
    scene.rds(SOURCE).restore_db_cluster_to_point_in_time(**wanted)
    scene.settle()
    return scene.describe("cloned")


@pytest.mark.parametrize("kind", ["copy-on-write", "full-copy"])
def test_a_cluster_is_made_with_the_present_data_of_another(
    scene: Scene, stored: RecordingData, kind: str
) -> None:
    """A clone has the source's rows and passwords of that moment; later changes on either side do
    not reach the other.
    """
    source = stored.clusters[scene.cluster()["DbClusterResourceId"]]
    source.rows = "before"
    made = restore(scene, RestoreType=kind)
    source.rows = "after"
    clone = stored.clusters[made["DbClusterResourceId"]]

    assert ("available", []) == (made["Status"], made["DBClusterMembers"])
    assert ("before", source.password) == (clone.rows, clone.password)
    assert {} == stored.snapshots


def test_a_clone_is_there_sooner_than_a_full_copy(scene: Scene, rds: Rds) -> None:
    """A clone is available sooner than a full copy, because it shares what it does not change."""
    scene.cluster()
    for name, kind in (("clone", "copy-on-write"), ("copy", "full-copy")):
        rds(SOURCE).restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=name, RestoreType=kind, **LATEST
        )
    scene.pass_time(scene.aurora.durations.clone)

    assert "available" == scene.describe("clone")["Status"]
    assert "creating" == scene.describe("copy")["Status"]


def test_version_master_user_port_and_key_are_the_sources(scene: Scene) -> None:
    """A clone keeps the source's version, master user, port and key, but not its groups, protection
    and tags.
    """
    source = scene.encrypted_cluster(
        Port=6000, DeletionProtection=True, Tags=[{"Key": "team", "Value": "shop"}]
    )
    made = restore(scene, RestoreType="copy-on-write")
    same = ("EngineVersion", "MasterUsername", "Port", "KmsKeyId")

    assert {name: source[name] for name in same} == {name: made[name] for name in same}
    assert (False, []) == (made["DeletionProtection"], made["TagList"])


def test_an_unencrypted_source_takes_no_key_and_stays_unencrypted(scene: Scene, rds: Rds) -> None:
    """A clone of an unencrypted source takes no key and stays unencrypted, unlike a restored
    snapshot.
    """
    scene.cluster()
    refused = code_of(
        rds(SOURCE).restore_db_cluster_to_point_in_time,
        DBClusterIdentifier="cloned",
        KmsKeyId=KEY_ALIAS,
        **LATEST,
    )

    assert ("InvalidParameterCombination", False) == (refused, restore(scene)["StorageEncrypted"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"UseLatestRestorableTime": False}, "InvalidParameterCombination"),
        ({"RestoreToTime": "2026-11-01T00:00:00Z"}, "InvalidParameterCombination"),
        ({"RestoreType": "quick"}, "InvalidParameterValue"),
        ({"SourceDBClusterIdentifier": "nobody"}, "DBClusterNotFoundFault"),
        ({"DBClusterIdentifier": "prod-cluster"}, "DBClusterAlreadyExistsFault"),
    ],
)
def test_what_does_not_go_together_or_is_not_there_is_refused(
    scene: Scene, rds: Rds, change: dict[str, Any], code: str
) -> None:
    """Options that exclude each other and missing resources are refused with the codes of AWS's own
    model.
    """
    scene.cluster()
    wanted = {"DBClusterIdentifier": "cloned", **LATEST, **change}

    assert code == code_of(rds(SOURCE).restore_db_cluster_to_point_in_time, **wanted)


def test_an_earlier_moment_is_refused_by_name(scene: Scene, rds: Rds) -> None:
    """A restore to an earlier time is refused by name, because no earlier data are kept."""
    scene.cluster()
    sentence = message_of(
        rds(SOURCE).restore_db_cluster_to_point_in_time,
        DBClusterIdentifier="cloned",
        SourceDBClusterIdentifier="prod-cluster",
        RestoreToTime="2026-11-01T00:00:00Z",
    )

    assert "A restore to an earlier moment (RestoreToTime) is not modelled by localaws." == sentence


def test_a_cluster_that_is_stopped_is_not_copied(scene: Scene, rds: Rds) -> None:
    """A stopped cluster cannot be cloned: it has to be started first."""
    scene.cluster()
    rds(SOURCE).stop_db_cluster(DBClusterIdentifier="prod-cluster")
    scene.settle()
    found = code_of(
        rds(SOURCE).restore_db_cluster_to_point_in_time, DBClusterIdentifier="cloned", **LATEST
    )

    assert "InvalidDBClusterStateFault" == found
