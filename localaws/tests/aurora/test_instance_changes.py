"""ModifyDBInstance and RebootDBInstance: what is changed at once, what waits, what is refused."""

from typing import Any

import pytest
from localaws.aurora import Aurora, Durations
from tests.aurora.scene import LAG_SECONDS, SOURCE, Scene, code_of

NAME = "prod-cluster-1"
ROLE = "arn:aws:iam::123456789012:role/monitoring"
COMBINATION = "InvalidParameterCombination"
OTHER_CA = "rds-ca-ecc384-g1"


def modify(scene: Scene, **options: Any) -> Any:
    """Modify the instance and return the answer's."""
    call = scene.rds(SOURCE).modify_db_instance
    return call(DBInstanceIdentifier=NAME, **options)["DBInstance"]


def refused(scene: Scene, **options: Any) -> str:
    """Return the code with which a change is refused."""
    return code_of(scene.rds(SOURCE).modify_db_instance, DBInstanceIdentifier=NAME, **options)


def reboot(scene: Scene, **options: Any) -> Any:
    """Reboot the instance and return the answer's."""
    call = scene.rds(SOURCE).reboot_db_instance
    return call(DBInstanceIdentifier=NAME, **options)["DBInstance"]


def described(scene: Scene) -> Any:
    """Describe the instance."""
    return scene.describe_instance(NAME)


def strict_group(scene: Scene) -> str:
    """Make an instance parameter group."""
    scene.rds(SOURCE).create_db_parameter_group(
        DBParameterGroupName="strict",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="strict",
    )
    return "strict"


def apply_status(scene: Scene) -> tuple[str, str]:
    """Return the parameter group of the instance, and whether it is in force."""
    (group,) = described(scene)["DBParameterGroups"]
    return group["DBParameterGroupName"], group["ParameterApplyStatus"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("PromotionTier", 0),
        ("AutoMinorVersionUpgrade", False),
        ("PubliclyAccessible", False),
    ],
)
def test_some_things_change_at_once(scene: Scene, member: str, value: Any) -> None:
    """Tier, upgrades and reachability change without ApplyImmediately, and no status says so."""
    scene.cluster()
    before = described(scene)[member]
    modify(scene, **{member: value})

    assert before != value == described(scene)[member]
    assert "available" == described(scene)["DBInstanceStatus"]


def test_insights_are_turned_on_and_off(scene: Scene) -> None:
    """Performance Insights belong to the instance."""
    scene.cluster()
    modify(scene, EnablePerformanceInsights=True)
    on = described(scene)["PerformanceInsightsEnabled"]
    modify(scene, EnablePerformanceInsights=False)

    assert (True, False) == (on, described(scene)["PerformanceInsightsEnabled"])


def test_monitoring_is_configured_for_a_while(scene: Scene) -> None:
    """Another interval leaves the instance configuring-enhanced-monitoring; 0 takes the role."""
    scene.cluster()
    modify(scene, MonitoringInterval=60, MonitoringRoleArn=ROLE)
    scene.pass_time(LAG_SECONDS)
    during = described(scene)["DBInstanceStatus"]
    scene.settle()
    monitored = described(scene)
    modify(scene, MonitoringInterval=0)
    scene.settle()

    assert "configuring-enhanced-monitoring" == during
    assert ("available", 60, ROLE) == (
        monitored["DBInstanceStatus"],
        monitored["MonitoringInterval"],
        monitored["MonitoringRoleArn"],
    )
    assert "MonitoringRoleArn" not in described(scene)


def test_another_class_takes_minutes_and_two_events(
    scene: Scene, emitted: list[dict[str, Any]]
) -> None:
    """Another class is pending, the instance is modifying, and then it is there."""
    scene.cluster()
    begun = len(emitted)
    answer = modify(scene, DBInstanceClass="db.r6g.xlarge", ApplyImmediately=True)
    scene.pass_time(LAG_SECONDS)
    during = described(scene)
    scene.settle()

    assert {"DBInstanceClass": "db.r6g.xlarge"} == answer["PendingModifiedValues"]
    assert ("available", "db.r6g.large") == (
        answer["DBInstanceStatus"],
        answer["DBInstanceClass"],
    )
    assert "modifying" == during["DBInstanceStatus"]
    assert ("available", "db.r6g.xlarge", {}) == (
        described(scene)["DBInstanceStatus"],
        described(scene)["DBInstanceClass"],
        described(scene)["PendingModifiedValues"],
    )
    assert ["RDS-EVENT-0012", "RDS-EVENT-0014"] == [
        event["detail"]["EventID"] for event in emitted[begun:]
    ]


@pytest.mark.parametrize(
    ("member", "value"),
    [("DBInstanceClass", "db.r6g.xlarge"), ("CACertificateIdentifier", OTHER_CA)],
)
def test_without_apply_immediately_a_change_waits_for_the_next_one_with_it(
    scene: Scene, member: str, value: str
) -> None:
    """Class and certificate authority wait for the maintenance window; a later change with
    ApplyImmediately brings them into force.
    """
    scene.cluster()
    modify(scene, **{member: value})
    scene.settle()
    waiting = described(scene)
    modify(scene, ApplyImmediately=True)
    scene.settle()

    assert ("available", {member: value}) == (
        waiting["DBInstanceStatus"],
        waiting["PendingModifiedValues"],
    )
    assert waiting[member] != value == described(scene)[member]
    assert {} == described(scene)["PendingModifiedValues"]


def test_another_parameter_group_is_pending_until_a_reboot(
    scene: Scene, emitted: list[dict[str, Any]]
) -> None:
    """Another parameter group shows at once as pending-reboot, ApplyImmediately or not, and a
    reboot puts it in force.
    """
    scene.cluster()
    modify(scene, DBParameterGroupName=strict_group(scene), ApplyImmediately=True)
    scene.settle()
    waiting = apply_status(scene)
    told = emitted[-1]["detail"]["EventID"]
    reboot(scene)
    scene.settle()

    assert ("strict", "pending-reboot") == waiting
    assert "RDS-EVENT-0011" == told
    assert ("strict", "in-sync") == apply_status(scene)


def test_a_reboot_puts_the_clusters_parameters_in_force_too(scene: Scene) -> None:
    """A member whose cluster got another parameter group is in sync after its reboot, no other."""
    scene.cluster(instances=2)
    client = scene.rds(SOURCE)
    client.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="strict",
        DBParameterGroupFamily="aurora-postgresql16",
        Description="strict",
    )
    client.modify_db_cluster(
        DBClusterIdentifier="prod-cluster", DBClusterParameterGroupName="strict"
    )
    scene.settle()
    reboot(scene)
    scene.settle()

    assert {NAME: "in-sync", "prod-cluster-2": "pending-reboot"} == {
        member["DBInstanceIdentifier"]: member["DBClusterParameterGroupStatus"]
        for member in scene.describe()["DBClusterMembers"]
    }


def test_a_reboot_takes_a_minute_and_ends_with_event_0006(
    scene: Scene, emitted: list[dict[str, Any]]
) -> None:
    """A rebooted instance shows `available` for seconds, then rebooting, then available."""
    scene.cluster()
    begun = len(emitted)
    answer = reboot(scene)
    scene.pass_time(LAG_SECONDS)
    during = described(scene)["DBInstanceStatus"]
    scene.pass_time(Durations().instance_reboot - LAG_SECONDS)

    assert ("available", "rebooting") == (answer["DBInstanceStatus"], during)
    assert "available" == described(scene)["DBInstanceStatus"]
    assert [("RDS-EVENT-0006", ["availability"])] == [
        (event["detail"]["EventID"], event["detail"]["EventCategories"])
        for event in emitted[begun:]
    ]


@pytest.mark.parametrize("status", ["creating", "rebooting", "deleting", "stopped"])
def test_an_instance_that_is_not_available_is_left_alone(
    scene: Scene, aurora: Aurora, status: str
) -> None:
    """Neither call takes an instance in any other status."""
    scene.cluster()
    aurora.set_status(described(scene)["DBInstanceArn"], status)

    assert {"InvalidDBInstanceState"} == {
        refused(scene, PromotionTier=2),
        code_of(scene.rds(SOURCE).reboot_db_instance, DBInstanceIdentifier=NAME),
    }


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"BackupRetentionPeriod": 3}, COMBINATION),
        ({"DeletionProtection": True}, COMBINATION),
        ({"MasterUserPassword": "a-long-password"}, COMBINATION),
        ({"VpcSecurityGroupIds": ["sg-1"]}, COMBINATION),
        ({"DBInstanceClass": "db.serverless"}, "InvalidDBClusterStateFault"),
        ({"DBInstanceClass": "r6g"}, "InvalidParameterValue"),
        ({"DBParameterGroupName": "nobodys"}, "DBParameterGroupNotFound"),
        ({"CACertificateIdentifier": "rds-ca-2019"}, "CertificateNotFound"),
        ({"MonitoringInterval": 60}, COMBINATION),
        ({"MonitoringInterval": 0, "MonitoringRoleArn": ROLE}, COMBINATION),
        ({"PromotionTier": 16}, "InvalidParameterValue"),
        ({"NewDBInstanceIdentifier": "other"}, "LocalAwsNotModelled"),
    ],
)
def test_a_refused_change_changes_nothing(scene: Scene, options: dict[str, Any], code: str) -> None:
    """What belongs to the cluster, does not exist or is not modelled is refused as a whole."""
    scene.cluster()
    before = described(scene)

    assert code == refused(scene, **{"AutoMinorVersionUpgrade": False, **options})
    assert before == described(scene)


def test_an_instance_that_is_not_there_is_not_found(scene: Scene) -> None:
    """Both calls say so with the code that drops `Fault`."""
    assert {"DBInstanceNotFound"} == {
        refused(scene),
        code_of(scene.rds(SOURCE).reboot_db_instance, DBInstanceIdentifier=NAME),
    }


def test_a_reboot_with_failover_is_not_modelled(scene: Scene) -> None:
    """ForceFailover is for Multi-AZ instances outside clusters."""
    scene.cluster()
    call = scene.rds(SOURCE).reboot_db_instance

    assert "LocalAwsNotModelled" == code_of(call, DBInstanceIdentifier=NAME, ForceFailover=True)
