"""Changing a cluster, its master password above all."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.recording import RecordingData
from tests.aurora.scene import LAG_SECONDS, PASSWORD, SOURCE, Rds, Scene, code_of

NEW_PASSWORD = "another-long-password"


def modify(scene: Scene, **options: Any) -> Any:
    """Modify prod-cluster and return the answer's cluster."""
    return scene.rds(SOURCE).modify_db_cluster(DBClusterIdentifier="prod-cluster", **options)[
        "DBCluster"
    ]


def stored_password(stored: RecordingData, scene: Scene) -> str:
    """Return the password that opens the cluster."""
    return stored.clusters[scene.describe()["DbClusterResourceId"]].password


def test_a_new_password_is_pending_until_it_is_in_force(
    scene: Scene, stored: RecordingData
) -> None:
    """A new password is in PendingModifiedValues at once; until it is in force the old one opens
    the cluster.
    """
    scene.cluster()
    answer = modify(scene, MasterUserPassword=NEW_PASSWORD)
    before = stored_password(stored, scene)
    scene.settle()
    after = scene.describe()

    assert "available" == answer["Status"]
    assert {"MasterUserPassword": "****"} == answer["PendingModifiedValues"]
    assert PASSWORD == before
    assert "available" == after["Status"]
    assert "PendingModifiedValues" not in after
    assert NEW_PASSWORD == stored_password(stored, scene)


def test_a_reset_shows_on_the_instances_too(scene: Scene) -> None:
    """While the master password is reset, the instances are resetting-master-credentials, then
    available.
    """
    scene.cluster()
    modify(scene, MasterUserPassword=NEW_PASSWORD)
    scene.pass_time(LAG_SECONDS)
    during = scene.describe_instance("prod-cluster-1")["DBInstanceStatus"]
    scene.settle()

    assert "resetting-master-credentials" == during
    assert "available" == scene.describe_instance("prod-cluster-1")["DBInstanceStatus"]


def test_a_reset_ends_with_event_0016(scene: Scene, emitted: list[dict[str, Any]]) -> None:
    """A reset of the master password ends with event 0016 of the cluster."""
    scene.cluster()
    modify(scene, MasterUserPassword=NEW_PASSWORD)
    scene.settle()

    assert "RDS-EVENT-0016" == emitted[-1]["detail"]["EventID"]
    assert "CLUSTER" == emitted[-1]["detail"]["SourceType"]


def test_a_password_that_the_engine_refuses_emits_only_event_0067(
    scene: Scene, aurora: Aurora, emitted: list[dict[str, Any]], stored: RecordingData
) -> None:
    """A password that the engine refuses is reported: nothing is pending, and the old one still
    opens the cluster.
    """
    arn = scene.cluster()["DBClusterArn"]
    aurora.fail_password(arn, "too weak")
    modify(scene, MasterUserPassword=NEW_PASSWORD)
    scene.settle()

    assert "RDS-EVENT-0067" == emitted[-1]["detail"]["EventID"]
    assert "prod-cluster-1" == emitted[-1]["detail"]["SourceIdentifier"]
    assert "available" == scene.describe()["Status"]
    assert PASSWORD == stored_password(stored, scene)


def test_a_password_set_before_any_instance_holds_when_one_comes(
    scene: Scene, stored: RecordingData
) -> None:
    """A password set before any instance exists holds as soon as the first one runs."""
    scene.cluster(instances=0)
    modify(scene, MasterUserPassword=NEW_PASSWORD)
    scene.settle()
    before = stored_password(stored, scene)
    scene.instance("prod-cluster-1", "prod-cluster")

    assert PASSWORD == before
    assert NEW_PASSWORD == stored_password(stored, scene)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 42,
        'has"quote',
        "has/slash",
        "has@sign!",
        "has space",
        "it's-quoted",
        "schlüssel",
    ],
)
def test_a_password_outside_the_rules_is_refused_at_once(
    scene: Scene, rds: Rds, password: str
) -> None:
    """A password outside the rules (8 to 41 printable ASCII characters, some excluded) is refused
    at once.
    """
    scene.cluster()
    found = code_of(
        rds(SOURCE).modify_db_cluster,
        DBClusterIdentifier="prod-cluster",
        MasterUserPassword=password,
    )

    assert "InvalidParameterValue" == found


def test_a_cluster_that_is_not_available_cannot_be_modified(scene: Scene, rds: Rds) -> None:
    """A cluster that is not available takes no password, not even a second while the first is
    pending.
    """
    scene.cluster()
    modify(scene, MasterUserPassword=NEW_PASSWORD)
    found = code_of(
        rds(SOURCE).modify_db_cluster, DBClusterIdentifier="prod-cluster", DeletionProtection=True
    )

    assert "InvalidDBClusterStateFault" == found


def test_a_missing_cluster_cannot_be_modified(rds: Rds) -> None:
    """A missing cluster cannot be modified; the code keeps the suffix Fault."""
    found = code_of(rds(SOURCE).modify_db_cluster, DBClusterIdentifier="nobody")

    assert "DBClusterNotFoundFault" == found


def test_protection_changes_at_once(scene: Scene) -> None:
    """A change of deletion protection is in force at once and leaves no trace in the status."""
    scene.cluster(DeletionProtection=True)
    answer = modify(scene, DeletionProtection=False)

    assert (False, "available") == (answer["DeletionProtection"], answer["Status"])


@pytest.mark.parametrize(
    ("change", "member", "expected"),
    [
        (
            {"VpcSecurityGroupIds": ["sg-new"]},
            "VpcSecurityGroups",
            [{"VpcSecurityGroupId": "sg-new", "Status": "active"}],
        ),
        (
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 8}},
            "ServerlessV2ScalingConfiguration",
            {"MinCapacity": 1, "MaxCapacity": 8},
        ),
    ],
)
def test_groups_and_scaling_show_at_once_and_leave_the_cluster_modifying(
    scene: Scene, change: dict[str, Any], member: str, expected: Any
) -> None:
    """Groups and scaling show at once; the cluster is modifying for a while, after some seconds as
    available.
    """
    scene.cluster()
    answer = modify(scene, **change)
    scene.pass_time(LAG_SECONDS)
    during = scene.describe()["Status"]
    scene.settle()

    assert ("available", expected) == (answer["Status"], answer[member])
    assert ("modifying", "available") == (during, scene.describe()["Status"])


@pytest.mark.parametrize(
    ("change", "pending", "member", "expected"),
    [
        (
            {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql"]}},
            {
                "PendingCloudwatchLogsExports": {
                    "LogTypesToEnable": ["postgresql"],
                    "LogTypesToDisable": [],
                }
            },
            "EnabledCloudwatchLogsExports",
            ["postgresql"],
        ),
        (
            {"EnableIAMDatabaseAuthentication": True, "ApplyImmediately": True},
            {"IAMDatabaseAuthenticationEnabled": True},
            "IAMDatabaseAuthenticationEnabled",
            True,
        ),
    ],
)
def test_logs_and_iam_authentication_are_pending_until_they_are_in_force(
    scene: Scene, change: dict[str, Any], pending: Any, member: str, expected: Any
) -> None:
    """Log exports and IAM authentication are pending: the cluster shows the old value until it was
    modified.
    """
    before = scene.cluster().get(member)
    answer = modify(scene, **change)
    scene.settle()
    after = scene.describe()

    assert (pending, before) == (answer["PendingModifiedValues"], answer.get(member))
    assert (expected, False) == (after[member], "PendingModifiedValues" in after)


def test_a_master_that_logs_in_by_iam_takes_no_password(scene: Scene) -> None:
    """A password for a master that logs in by IAM is refused as not modelled: the API leaves open
    what happens.
    """
    scene.cluster()
    for given, code in (
        (
            {"MasterUserAuthenticationType": "iam-db-auth", "MasterUserPassword": PASSWORD},
            "InvalidParameterCombination",
        ),
        ({"MasterUserAuthenticationType": "password"}, "LocalAwsNotModelled"),
    ):
        assert code == code_of(lambda given=given: modify(scene, **given))


def test_another_parameter_group_waits_for_a_reboot(scene: Scene, rds: Rds) -> None:
    """Another parameter group waits for a reboot: members say pending-reboot and stay as they
    were.
    """
    scene.cluster()
    rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="strict",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="strict",
    )
    modify(scene, DBClusterParameterGroupName="strict")
    scene.settle()
    expected = "pending-reboot"

    assert "strict" == scene.describe()["DBClusterParameterGroup"]
    assert expected == scene.describe()["DBClusterMembers"][0]["DBClusterParameterGroupStatus"]


def test_a_refused_change_changes_nothing(scene: Scene, rds: Rds) -> None:
    """A refused change changes nothing: everything is checked before anything is applied."""
    scene.cluster()
    code = code_of(
        rds(SOURCE).modify_db_cluster,
        DBClusterIdentifier="prod-cluster",
        DeletionProtection=True,
        VpcSecurityGroupIds=["sg-missing"],
    )

    assert "InvalidParameterValue" == code
    assert scene.describe()["DeletionProtection"] is False
