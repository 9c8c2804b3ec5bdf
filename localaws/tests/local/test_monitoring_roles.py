"""Enhanced monitoring needs a role that is there."""

from pathlib import Path

from localaws.account import find_key, has_role
from localaws.aurora import Aurora, AuroraClient, VirtualClock
from localaws.clients import EndpointClients
from localaws.server import Server
from tests.aurora.scene import ACCOUNT, ENGINE, SOURCE, Scene, code_of

NAME = "monitoring"


def test_an_instance_is_monitored_with_a_role_that_exists(tmp_path: Path) -> None:
    """Another one is refused when an instance is created, and when it is modified."""
    clock = VirtualClock()
    aurora = Aurora(clock, keys=find_key, roles=has_role)
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    server = Server(0, tmp_path, aurora=aurora)
    server.start()
    try:
        iam = EndpointClients(server.endpoint)("iam", SOURCE)
        role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        scene.cluster(instances=0)
        monitored = scene.instance(
            "one", "prod-cluster", MonitoringInterval=60, MonitoringRoleArn=role
        )
        missing = {"MonitoringInterval": 60, "MonitoringRoleArn": f"{role}-of-nobody"}
        rds = scene.rds(SOURCE)
        created = code_of(
            rds.create_db_instance,
            DBInstanceIdentifier="two",
            DBInstanceClass="db.r6g.large",
            DBClusterIdentifier="prod-cluster",
            Engine=ENGINE,
            **missing,
        )
        modified = code_of(rds.modify_db_instance, DBInstanceIdentifier="one", **missing)
    finally:
        server.stop()

    assert role == monitored["MonitoringRoleArn"]
    assert ("InvalidParameterValue", "InvalidParameterValue") == (created, modified)
