"""The role of enhanced monitoring: a restore goes on without it, so the doctor looks by day."""

import json

import pytest

from aurora_restore.findings import Status
from tests.deployment.place import ACCOUNT
from tests.doctor.scene import Scene

NAME = "staging-monitoring"
ARN = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"


def trust(service: str) -> str:
    """Write the trust policy of a role that a service assumes."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_stage_without_the_setting_has_nothing_to_see(scene: Scene) -> None:
    """Nobody is told anything."""
    assert Status.OK is scene.see("monitoring role").status


def test_a_role_that_does_not_exist_is_named(scene: Scene) -> None:
    """With the setting that names it."""
    scene.set_variables(MONITORING_ROLE_ARN=ARN)
    found = scene.see("monitoring role")

    assert Status.WARNING is found.status
    assert found.what == (
        f"There is no role {ARN}. New instances are made without enhanced monitoring."
    )
    assert found.do == "Create it, or correct MONITORING_ROLE_ARN."


@pytest.mark.parametrize(
    ("service", "status"),
    [("ec2.amazonaws.com", Status.WARNING), ("monitoring.rds.amazonaws.com", Status.OK)],
)
def test_a_role_has_to_trust_the_monitoring(scene: Scene, service: str, status: Status) -> None:
    """RDS could not assume a role of another service."""
    iam = scene.client("iam")
    iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=trust(service))
    scene.afterwards(iam.delete_role, RoleName=NAME)
    scene.set_variables(MONITORING_ROLE_ARN=ARN)
    found = scene.see("monitoring role")

    assert status is found.status
    assert f"{ARN} trusts" in found.what or f"{ARN} does not trust" in found.what
