"""The one function in a VPC: its database connectivity, and its AWS connectivity."""

from aurora_restore.findings import Status
from tests.deployment.place import REGION
from tests.doctor.healthy_stage import PORT
from tests.doctor.scene import Scene

HTTPS = 443
SERVICES = ("dynamodb", "events", "rds", "secretsmanager")


def test_a_function_in_no_vpc_reaches_no_database(scene: Scene) -> None:
    """A function in no VPC fails both connectivity checks, which name what to set."""
    scene.configure_network(subnet_ids=[], security_group_ids=[])
    ways = [scene.see(f"{end} connectivity") for end in ("database", "AWS")]
    expected = [
        "Set subnet_ids and security_group_ids of setup-db-users in .chalice/config.json."
    ] * 2
    found = [way.what for way in ways]

    assert ["setup-db-users is in no VPC, and the target answers nowhere else."] * 2 == found
    assert expected == [way.do for way in ways]


def test_a_target_that_blocks_the_function_is_reported(scene: Scene) -> None:
    """A target that does not admit the function is reported with the command that does."""
    group = scene.new_group()
    scene.configure_network(security_group_ids=[group])
    found = scene.see("database connectivity")

    assert Status.FAILED is found.status
    assert f"lets setup-db-users in on port {PORT}." in found.what
    assert (
        f"aws ec2 authorize-security-group-ingress --region {REGION} --protocol tcp --port {PORT} "
        f"--group-id {scene.resources.security_group_id} --source-group {group}"
    ) == found.do


def test_a_function_without_outbound_access_is_reported(scene: Scene) -> None:
    """A security group without an outbound rule is reported."""
    ec2, group = scene.client("ec2"), scene.new_group()
    everything = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0][
        "IpPermissionsEgress"
    ]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    scene.configure_network(security_group_ids=[group])

    assert (
        f"No security group of setup-db-users ({group}) lets it out to the target on port {PORT}."
        in (scene.see("database connectivity").what)
    )


def test_another_vpc_is_a_warning(scene: Scene) -> None:
    """A function in another VPC than the target is a warning: whether the two are joined is not
    seen from here.
    """
    ec2 = scene.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="far", Description="far", VpcId=vpc)["GroupId"]
    scene.configure_network(subnet_ids=[subnet], security_group_ids=[group])
    found = scene.see("database connectivity").what

    assert f"setup-db-users is in {vpc}, and the subnet group staging in " in found


def test_without_a_nat_the_missing_endpoints_are_named(scene: Scene) -> None:
    """Without a NAT gateway the missing endpoints are named.

    An internet gateway does not count; endpoints that the function may reach do.
    """
    scene.shut()
    closed, group = scene.see("AWS connectivity"), scene.new_group()
    for service in SERVICES:
        scene.make_endpoint(service, group)
    unheard = scene.see("AWS connectivity")
    scene.let_in(group, HTTPS)
    opened = scene.see("AWS connectivity")

    assert Status.WARNING is closed.status
    assert "no endpoint of the VPC leads to dynamodb, events, rds, secretsmanager." in closed.what
    assert f"Make endpoints of com.amazonaws.{REGION}.dynamodb, " in closed.do
    assert "no endpoint of the VPC leads to events, rds, secretsmanager." in unheard.what
    assert Status.OK is opened.status, str(opened)
