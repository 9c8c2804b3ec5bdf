"""Instances: members of a cluster, and the only way into its data."""

from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, ENGINE, SOURCE, Rds, Scene, code_of


def creation(scene: Scene, **options: Any) -> str:
    """Return the code of creating an instance in prod-cluster."""
    wanted = {
        "DBInstanceIdentifier": "new",
        "DBClusterIdentifier": "prod-cluster",
        "DBInstanceClass": "db.r6g.large",
        "Engine": ENGINE,
        **options,
    }
    return code_of(scene.rds(SOURCE).create_db_instance, **wanted)


def statuses(scene: Scene, name: str, seconds: int, times: int) -> list[str]:
    """Return the statuses that an instance goes through, each once."""
    seen = []
    for _ in range(times):
        seen.append(scene.describe_instance(name)["DBInstanceStatus"])
        scene.pass_time(seconds)
    return list(dict.fromkeys(seen))


def test_the_first_instance_is_the_writer(scene: Scene) -> None:
    """The first instance is the writer, later ones are readers, and the cluster lists both."""
    scene.cluster(instances=2)
    members = scene.describe()["DBClusterMembers"]
    found = [(member["DBInstanceIdentifier"], member["IsClusterWriter"]) for member in members]

    assert [("prod-cluster-1", True), ("prod-cluster-2", False)] == found


def test_an_instance_is_a_member_while_it_is_creating(scene: Scene) -> None:
    """An instance is a member while it is being created, and has no endpoint until then."""
    scene.cluster(instances=0)
    assert "accepted" == creation(scene)

    assert ["new"] == [
        member["DBInstanceIdentifier"] for member in scene.describe()["DBClusterMembers"]
    ]
    assert "creating" == scene.describe_instance("new")["DBInstanceStatus"]
    assert "Endpoint" not in scene.describe_instance("new")


def test_a_monitored_instance_is_configured_before_it_is_available(
    scene: Scene, emitted: list[dict[str, Any]]
) -> None:
    """An instance with enhanced monitoring is configured after its created event and before it is
    available.
    """
    scene.cluster(instances=0)
    creation(
        scene, MonitoringInterval=60, MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/monitoring"
    )
    found = statuses(scene, "new", 30, 20)

    assert ["creating", "configuring-enhanced-monitoring", "available"] == found
    assert "RDS-EVENT-0005" == emitted[-1]["detail"]["EventID"]


def test_the_created_event_does_not_wait_for_available(
    scene: Scene, emitted: list[dict[str, Any]]
) -> None:
    """The created event of an instance comes before it is available: who trusts it alone connects
    too early.
    """
    scene.cluster(instances=0)
    creation(
        scene, MonitoringInterval=60, MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/monitoring"
    )
    scene.pass_time(480)

    assert "RDS-EVENT-0005" == emitted[-1]["detail"]["EventID"]
    assert "configuring-enhanced-monitoring" == scene.describe_instance("new")["DBInstanceStatus"]


def test_an_instance_needs_an_available_cluster(scene: Scene, rds: Rds) -> None:
    """A cluster that is still being restored takes no instance."""
    scene.cluster()
    scene.snapshot()
    rds(SOURCE).restore_db_cluster_from_snapshot(
        DBClusterIdentifier="restored",
        SnapshotIdentifier="by-hand",
        Engine=ENGINE,
        EngineVersion="16.11",
    )

    assert "InvalidDBClusterStateFault" == creation(scene, DBClusterIdentifier="restored")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"DBClusterIdentifier": "nobody"}, "DBClusterNotFoundFault"),
        ({"DBInstanceIdentifier": "PROD-CLUSTER-1"}, "DBInstanceAlreadyExists"),
        ({"DBInstanceIdentifier": "no_good"}, "InvalidParameterValue"),
        ({"DBInstanceClass": "db.r4.large"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.nobody"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "r6g.large"}, "InvalidParameterValue"),
        ({"DBInstanceClass": "db.serverless"}, "InvalidDBClusterStateFault"),
        ({"DBParameterGroupName": "nobody"}, "DBParameterGroupNotFound"),
        ({"DBParameterGroupName": "default.aurora-postgresql15"}, "InvalidParameterCombination"),
        ({"DBSubnetGroupName": "nobody"}, "DBSubnetGroupNotFoundFault"),
        ({"PromotionTier": 16}, "InvalidParameterValue"),
        ({"AvailabilityZone": "eu-west-1a"}, "InvalidParameterValue"),
        ({"CACertificateIdentifier": "rds-ca-2015"}, "CertificateNotFound"),
        ({"MonitoringInterval": 60}, "InvalidParameterCombination"),
        ({"MasterUserPassword": "long-enough"}, "InvalidParameterCombination"),
        ({"VpcSecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination"),
        ({"StorageEncrypted": True}, "InvalidParameterCombination"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(
    scene: Scene, options: dict[str, Any], code: str
) -> None:
    """Wrong options are refused, each with its own code; the cluster's settings are not the
    instance's to set.
    """
    scene.cluster()

    assert code == creation(scene, **options)
    assert 1 == len(scene.rds(SOURCE).describe_db_instances()["DBInstances"])


def test_a_subnet_group_is_the_clusters_or_none(scene: Scene, rds: Rds) -> None:
    """An instance may name the cluster's own subnet group and no other."""
    scene.cluster()
    rds(SOURCE).create_db_subnet_group(
        DBSubnetGroupName="private",
        DBSubnetGroupDescription="private",
        SubnetIds=["subnet-1", "subnet-2"],
    )

    assert "InvalidParameterCombination" == creation(scene, DBSubnetGroupName="private")
    assert "accepted" == creation(scene, DBSubnetGroupName="default")


def test_a_serverless_instance_needs_the_clusters_range(scene: Scene) -> None:
    """With a scaling configuration of the cluster, db.serverless is a class like any other."""
    scene.cluster(
        instances=0, ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 2}
    )

    assert "accepted" == creation(scene, DBInstanceClass="db.serverless")


def test_the_fortieth_instance_is_the_last(scene: Scene, aurora: Aurora) -> None:
    """The fortieth instance is the last; the quota's code drops the suffix Fault."""
    scene.cluster()
    aurora.quotas(account=ACCOUNT, region=SOURCE).instances = 1

    assert "InstanceQuotaExceeded" == creation(scene)


@pytest.mark.parametrize(
    ("options", "expected"), [({}, True), ({"PubliclyAccessible": False}, False)]
)
def test_an_instance_in_the_default_subnet_group_is_public_by_default(
    scene: Scene, options: dict[str, bool], expected: bool
) -> None:
    """An instance in the default subnet group can be reached from outside unless the caller says
    no.
    """
    scene.cluster(instances=0)
    creation(scene, **options)

    assert expected is scene.describe_instance("new")["PubliclyAccessible"]


def test_protection_of_the_cluster_does_not_protect_its_instances(scene: Scene, rds: Rds) -> None:
    """Protection of the cluster does not protect its instances: they can be deleted, and it is left
    empty.
    """
    scene.cluster(DeletionProtection=True)
    answer = rds(SOURCE).delete_db_instance(DBInstanceIdentifier="prod-cluster-1")["DBInstance"]
    scene.settle()

    assert "deleting" == answer["DBInstanceStatus"]
    assert [] == scene.describe()["DBClusterMembers"]


def test_a_member_has_no_final_snapshot(scene: Scene, rds: Rds) -> None:
    """A member takes no final snapshot, and is refused with a general code."""
    scene.cluster()
    found = code_of(
        rds(SOURCE).delete_db_instance,
        DBInstanceIdentifier="prod-cluster-1",
        FinalDBSnapshotIdentifier="last",
    )

    assert "InvalidParameterCombination" == found


def test_a_missing_instance_is_not_found_without_fault_at_the_end(rds: Rds) -> None:
    """A missing instance is DBInstanceNotFound, while a missing cluster is
    DBClusterNotFoundFault.
    """
    client = rds(SOURCE)

    assert "DBInstanceNotFound" == code_of(client.delete_db_instance, DBInstanceIdentifier="nobody")
    assert "DBInstanceNotFound" == code_of(
        client.describe_db_instances, DBInstanceIdentifier="nobody"
    )


def test_an_instance_on_its_way_cannot_be_deleted(scene: Scene, rds: Rds) -> None:
    """An instance can be deleted neither while it is created nor while it is deleted."""
    scene.cluster(instances=0)
    creation(scene)
    client = rds(SOURCE)
    creating = code_of(client.delete_db_instance, DBInstanceIdentifier="new")
    scene.settle()
    client.delete_db_instance(DBInstanceIdentifier="new")

    assert "InvalidDBInstanceState" == creating
    assert "InvalidDBInstanceState" == code_of(
        client.delete_db_instance, DBInstanceIdentifier="new"
    )


def test_an_instance_keeps_its_name_until_it_is_gone(scene: Scene) -> None:
    """An instance keeps its name until it is gone: a new one of that name has to wait."""
    scene.cluster()
    scene.delete_instances("prod-cluster-1")
    during = creation(scene, DBInstanceIdentifier="prod-cluster-1")
    scene.settle()

    assert "DBInstanceAlreadyExists" == during
    assert "accepted" == creation(scene, DBInstanceIdentifier="prod-cluster-1")


def test_copying_tags_is_the_clusters_to_choose_and_changes_nothing_on_an_instance(
    scene: Scene,
) -> None:
    """CreateDBInstance takes the parameter without effect (RDS API reference)."""
    scene.cluster(instances=0)
    made = scene.instance("prod-cluster-1", "prod-cluster", CopyTagsToSnapshot=True)

    assert (False, False) == (made["CopyTagsToSnapshot"], scene.describe()["CopyTagsToSnapshot"])


def test_deleting_the_writer_fails_over_to_a_reader(scene: Scene) -> None:
    """When the writer is deleted, the cluster is failing-over for a while and the reader of the
    lowest tier takes over.
    """
    scene.cluster()
    scene.instance("last", "prod-cluster", PromotionTier=5)
    scene.instance("heir", "prod-cluster", PromotionTier=0)
    scene.delete_instances("prod-cluster-1")
    during = scene.describe()["Status"]
    scene.settle()
    writers = [
        member["DBInstanceIdentifier"]
        for member in scene.describe()["DBClusterMembers"]
        if member["IsClusterWriter"]
    ]

    assert "failing-over" == during
    assert ["heir"] == writers


@pytest.mark.parametrize(
    ("zone", "begun"),
    [
        ("us-east-1a", ("RDS-EVENT-0072", "Started same AZ failover to DB instance: heir")),
        ("us-east-1b", ("RDS-EVENT-0073", "Started cross AZ failover to DB instance: heir")),
    ],
)
def test_a_failover_emits_events_at_its_beginning_and_its_end(
    scene: Scene, emitted: list[dict[str, Any]], zone: str, begun: tuple[str, str]
) -> None:
    """Events of the cluster report the start and end of a failover: whether it crosses zones, and
    who takes over.
    """
    scene.cluster(instances=0)
    scene.instance("writer", "prod-cluster", AvailabilityZone="us-east-1a")
    scene.instance("heir", "prod-cluster", AvailabilityZone=zone)
    scene.delete_instances("writer")
    scene.settle()
    told = [
        (event["detail"]["EventID"], event["detail"]["Message"])
        for event in emitted
        if event["detail"]["EventCategories"] == ["failover"]
    ]

    assert [begun, ("RDS-EVENT-0071", "Completed failover to DB instance: heir")] == told


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("insufficient-capacity", "RDS-EVENT-0353"),
        ("incompatible-parameters", "RDS-EVENT-0035"),
        ("incompatible-network", "RDS-EVENT-0036"),
    ],
)
def test_a_creation_can_fail(
    scene: Scene, aurora: Aurora, emitted: list[dict[str, Any]], status: str, event: str
) -> None:
    """A creation can fail: the status stays, an event reports it, and the instance can be
    deleted.
    """
    scene.cluster(instances=0)
    aurora.fail_creation(f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:new", status, "No room.")
    creation(scene)
    scene.settle()

    assert status == scene.describe_instance("new")["DBInstanceStatus"]
    assert event == emitted[-1]["detail"]["EventID"]
    assert emitted[-1]["detail"]["Message"].endswith("No room.")
    assert "accepted" == code_of(scene.rds(SOURCE).delete_db_instance, DBInstanceIdentifier="new")


def test_an_instance_lies_in_a_zone_of_its_clusters_subnet_group(scene: Scene, rds: Rds) -> None:
    """A zone that the group has no subnet in is refused, and AWS's choice is one that it has."""
    subnets = rds(SOURCE).describe_db_subnet_groups()["DBSubnetGroups"][0]["Subnets"]
    zones = {
        found["SubnetAvailabilityZone"]["Name"]: found["SubnetIdentifier"] for found in subnets
    }
    covered = ["us-east-1b", "us-east-1c"]
    rds(SOURCE).create_db_subnet_group(
        DBSubnetGroupName="two",
        DBSubnetGroupDescription="two",
        SubnetIds=[zones[name] for name in covered],
    )
    scene.cluster("two", instances=0, DBSubnetGroupName="two")
    refused = creation(scene, DBClusterIdentifier="two", AvailabilityZone="us-east-1a")
    made = [scene.instance(f"two-{number}", "two") for number in (1, 2, 3)]

    assert "InvalidParameterValue" == refused
    assert {*covered} == {found["AvailabilityZone"] for found in made}
