"""NetworkType, which a cluster's subnet group has to support."""

from typing import Any

import pytest
from tests.aurora.scene import ACCOUNT, SOURCE, Rds, Scene, code_of

SUBNETS = ["subnet-0a", "subnet-0b"]


def group(rds: Rds, name: str, *subnets: str) -> Any:
    """Make a subnet group."""
    made = rds(SOURCE).create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=list(subnets)
    )
    return made["DBSubnetGroup"]["SupportedNetworkTypes"]


def test_a_group_supports_ipv6_if_all_of_its_subnets_have_a_range(scene: Scene, rds: Rds) -> None:
    """Another subnet takes that away."""
    assert ["IPV4"] == group(rds, "before", *SUBNETS)
    scene.aurora.give_ipv6(account=ACCOUNT, region=SOURCE, subnets=SUBNETS)
    assert ["IPV4", "DUAL"] == group(rds, "both", *SUBNETS)
    assert ["IPV4"] == group(rds, "mixed", *SUBNETS, "subnet-0c")

    changed = rds(SOURCE).modify_db_subnet_group(
        DBSubnetGroupName="both", SubnetIds=[*SUBNETS, "subnet-0c"]
    )
    assert ["IPV4"] == changed["DBSubnetGroup"]["SupportedNetworkTypes"]


def test_a_cluster_and_what_is_restored_have_the_type_that_is_chosen(
    scene: Scene, rds: Rds
) -> None:
    """A snapshot does not keep it."""
    scene.aurora.give_ipv6(account=ACCOUNT, region=SOURCE, subnets=SUBNETS)
    group(rds, "both", *SUBNETS)
    dual = {"NetworkType": "DUAL", "DBSubnetGroupName": "both"}
    scene.cluster("dual", NetworkType="DUAL", DBSubnetGroupName="both")
    scene.settle()
    snapshot = scene.snapshot("kept", "dual")["DBClusterSnapshotArn"]
    scene.settle()
    for name, chosen in (("as-before", dual), ("by-default", {})):
        rds(SOURCE).restore_db_cluster_from_snapshot(
            DBClusterIdentifier=name,
            SnapshotIdentifier=snapshot,
            Engine="aurora-postgresql",
            EngineVersion="16.11",
            **chosen,
        )

    assert ["DUAL", "DUAL", "IPV4"] == [
        scene.describe(name)["NetworkType"] for name in ("dual", "as-before", "by-default")
    ]


@pytest.mark.parametrize(
    ("chosen", "code"), [("DUAL", "NetworkTypeNotSupported"), ("IPV6", "InvalidParameterValue")]
)
def test_another_type_is_refused(rds: Rds, chosen: str, code: str) -> None:
    """The default VPC has no IPv6."""
    create = rds(SOURCE).create_db_cluster
    wanted = {
        "DBClusterIdentifier": "new",
        "Engine": "aurora-postgresql",
        "MasterUsername": "master",
        "MasterUserPassword": "a-password",
        "NetworkType": chosen,
    }

    assert code == code_of(create, **wanted)


def test_what_no_call_makes_is_described_when_it_is_attached(scene: Scene) -> None:
    """Such as the membership in a domain, and an activity stream."""
    arn = scene.cluster("joined")["DBClusterArn"]
    before = scene.describe("joined")
    scene.aurora.attach(arn, DomainMemberships=[{"Domain": "d-1"}], ActivityStreamStatus="started")
    after = scene.describe("joined")

    assert ([], "stopped") == (before["DomainMemberships"], before["ActivityStreamStatus"])
    assert [{"Domain": "d-1"}] == after["DomainMemberships"]
    assert "started" == after["ActivityStreamStatus"]
    with pytest.raises(LookupError, match="There is no cluster nowhere"):
        scene.aurora.attach("nowhere", DomainMemberships=[])
