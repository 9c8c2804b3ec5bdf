"""What localaws does not model is refused by name, and a test can have anything refused."""

from typing import Any

import pytest
from localaws.aurora import Aurora, RdsError
from tests.aurora.scene import ACCOUNT, ENGINE, SOURCE, Rds, Scene, code_of, message_of


@pytest.mark.parametrize(
    ("method", "options", "named"),
    [
        ("reboot_db_cluster", {"DBClusterIdentifier": "a"}, "RebootDBCluster"),
        ("describe_certificates", {}, "DescribeCertificates"),
        (
            "modify_db_cluster",
            {"DBClusterIdentifier": "a", "EngineMode": "serverless"},
            "EngineMode",
        ),
        (
            "modify_db_cluster",
            {"DBClusterIdentifier": "a", "CloudwatchLogsExportConfiguration": {}, "Domain": "d"},
            "Domain",
        ),
        (
            "create_db_cluster",
            {"DBClusterIdentifier": "a", "Engine": "aurora-mysql"},
            "aurora-mysql",
        ),
        (
            "create_db_cluster",
            {"DBClusterIdentifier": "a", "Engine": ENGINE, "BacktrackWindow": 1},
            "BacktrackWindow",
        ),
        (
            "create_db_instance",
            {"DBInstanceIdentifier": "a", "DBInstanceClass": "b", "Engine": ENGINE},
            "outside a cluster",
        ),
        ("create_global_cluster", {"GlobalClusterIdentifier": "a"}, "CreateGlobalCluster"),
        (
            "describe_db_engine_versions",
            {"ListSupportedCharacterSets": True},
            "ListSupportedCharacterSets",
        ),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(
    rds: Rds, method: str, options: dict[str, Any], named: str
) -> None:
    """An action, parameter or value that is not modelled is refused by name, never accepted and
    ignored.
    """
    call = getattr(rds(SOURCE), method)

    assert "LocalAwsNotModelled" == code_of(call, **options)
    assert named in message_of(call, **options)
    assert message_of(call, **options).endswith("is not modelled by localaws.")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"EngineMode": "serverless"}, "EngineMode"),
        ({"AvailabilityZones": ["us-east-1a"]}, "AvailabilityZones"),
        ({"EngineVersion": "17.7"}, "another major version"),
    ],
)
def test_a_restore_is_modelled_so_far_and_no_further(
    scene: Scene, rds: Rds, options: dict[str, Any], named: str
) -> None:
    """A restore option that would change the cluster in a way that localaws does not know is
    refused.
    """
    scene.cluster()
    scene.snapshot()
    wanted = {
        "DBClusterIdentifier": "restored",
        "SnapshotIdentifier": "by-hand",
        "EngineVersion": "16.11",
        **options,
    }
    found = message_of(rds(SOURCE).restore_db_cluster_from_snapshot, Engine=ENGINE, **wanted)

    assert named in found


def test_a_change_for_the_maintenance_window_is_not_modelled(scene: Scene, rds: Rds) -> None:
    """A change for the maintenance window is not modelled: IAM authentication changes at once or
    not at all.
    """
    scene.cluster()
    found = code_of(
        rds(SOURCE).modify_db_cluster,
        DBClusterIdentifier="prod-cluster",
        EnableIAMDatabaseAuthentication=True,
    )

    assert "LocalAwsNotModelled" == found


def test_an_action_that_aws_does_not_have_is_refused(aurora: Aurora) -> None:
    """An action that AWS does not have is refused, whoever calls the model."""
    with pytest.raises(RdsError, match="The action Nonsense is not modelled by localaws"):
        aurora.call("Nonsense", {}, account=ACCOUNT, region=SOURCE)


@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("AccessDenied", 403), ("InternalFailure", 500), ("NeverHeardOf", 418)],
)
def test_any_error_can_be_had_so_many_times(
    scene: Scene, rds: Rds, aurora: Aurora, code: str, status: int
) -> None:
    """A test can have an action refused a given number of times; then it works again."""
    scene.cluster()
    aurora.fail_next("DescribeDBClusters", code, "Not now.", status, times=2)
    client = rds(SOURCE)

    assert [code, code, "accepted"] == [code_of(client.describe_db_clusters) for _ in range(3)]


def test_a_refused_call_has_no_effect_unless_its_answer_is_what_is_lost(
    scene: Scene, rds: Rds, aurora: Aurora
) -> None:
    """A call refused by a test has no effect, unless after_effect is given: then the caller cannot
    know.
    """
    scene.cluster()
    create = rds(SOURCE).create_db_cluster_snapshot
    wanted = {"DBClusterSnapshotIdentifier": "by-hand", "DBClusterIdentifier": "prod-cluster"}
    aurora.fail_next("CreateDBClusterSnapshot", "InternalFailure", status=500)
    before = code_of(create, **wanted)
    nothing = rds(SOURCE).describe_db_cluster_snapshots()["DBClusterSnapshots"]
    aurora.fail_next("CreateDBClusterSnapshot", "InternalFailure", status=500, after_effect=True)
    after = code_of(create, **wanted)

    assert ("InternalFailure", [], "InternalFailure") == (before, nothing, after)
    assert "creating" == scene.describe_snapshot("by-hand")["Status"]


def test_a_status_can_be_set_and_stays(scene: Scene, aurora: Aurora) -> None:
    """A status that a test sets stays: a transition that was under way does not change it back."""
    scene.cluster()
    scene.snapshot()
    scene.rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored",
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )
    aurora.set_status(scene.describe("restored")["DBClusterArn"], "incompatible-parameters")
    scene.settle()

    assert "incompatible-parameters" == scene.describe("restored")["Status"]


def test_a_fault_needs_something_to_befall(aurora: Aurora) -> None:
    """A fault for an ARN that does not exist is refused, so a misspelling in a test shows at
    once.
    """
    with pytest.raises(LookupError, match="There is no resource"):
        aurora.set_status(f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster:nobody", "failed")
    with pytest.raises(LookupError, match="There is no snapshot"):
        aurora.lose_snapshot(f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster-snapshot:nobody")
