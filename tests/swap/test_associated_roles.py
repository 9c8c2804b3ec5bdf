"""The IAM roles of the old target: carried over with KEEP_ASSOCIATED_ROLES, and listed without."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.run_night import FaultyStage

TARGET = "staging-cluster"
ROLES = [("arn:aws:iam::123456789012:role/to-s3", "s3Export"), ("arn:aws:iam::1:role/any", None)]


def stage_with_roles(**environment: str) -> FaultyStage:
    """Give a stage whose target acts with two roles."""
    stage = FaultyStage(environment)
    for arn, feature in ROLES:
        named: dict[str, Any] = {"FeatureName": feature} if feature else {}
        stage.rds().add_role_to_db_cluster(DBClusterIdentifier=TARGET, RoleArn=arn, **named)
    stage.settle(600)
    return stage


def roles(stage: FaultyStage) -> list[tuple[str, str | None]]:
    """List the roles of the target."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]
    return [(role["RoleArn"], role.get("FeatureName")) for role in found["AssociatedRoles"]]


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_roles_are_carried_over_with_the_setting(replacement: str) -> None:
    """Each for what it was for, and there is nothing to tell people."""
    stage = stage_with_roles(KEEP_ASSOCIATED_ROLES="true", REPLACEMENT=replacement)
    stage.night()
    stage.run(3600)

    assert State.SUCCEEDED is stage.all_operations()[0].state
    assert ROLES == roles(stage)
    assert [] == stage.notices()[-1]["not_carried"]


def test_roles_are_listed_without_the_setting() -> None:
    """The notification names each, with the setting that carries it over."""
    stage = stage_with_roles()
    stage.night()
    stage.run_to_the_end()

    assert [] == roles(stage)
    assert [
        "the IAM role arn:aws:iam::123456789012:role/to-s3 for s3Export (KEEP_ASSOCIATED_ROLES)",
        "the IAM role arn:aws:iam::1:role/any (KEEP_ASSOCIATED_ROLES)",
    ] == stage.notices()[-1]["not_carried"]


def test_a_target_without_roles_needs_none() -> None:
    """Nothing is asked of AWS then."""
    stage = FaultyStage({"KEEP_ASSOCIATED_ROLES": "true"})
    stage.run_night()
    (call,) = [
        call
        for call in stage.calls_of("restore_db_cluster_from_snapshot")
        if call.state == State.TARGET_CLEAR
    ]

    assert "AssociatedRoles" not in call.parameters
