"""A monitoring role that does not exist, or does not trust RDS, costs nobody the target."""

import pytest

from tests.choreography.fault_injection import refused
from tests.swap.different_target import REPLACEMENTS, ROLE, DifferentStage, like, succeeded

WITHOUT = "have no enhanced monitoring, because AWS refused the role "


def intervals(stage: DifferentStage) -> list[int]:
    """Give the interval of each instance of the target, the writer first."""
    return [found.monitoring_interval for found in like(stage).instances]


def lose_the_role(stage: DifferentStage) -> None:
    """Have somebody delete the role: AWS refuses an instance that is to be monitored with it."""
    stage.aurora._state.roles = lambda _arn: False


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_role_that_aws_refuses_costs_nobody_the_target(replacement: str) -> None:
    """It is met after the deletion of delete-first: the instances are made without monitoring, and
    people are told which role it was.
    """
    stage = DifferentStage(REPLACEMENT=replacement)
    before = intervals(stage)
    lose_the_role(stage)
    ended = stage.run_night()
    (warning,) = [found for found in ended.warnings if WITHOUT in found]

    assert succeeded(ended)
    assert [0, 15, 60] == before
    assert [0, 0, 0] == intervals(stage)
    assert f"{WITHOUT}{ROLE}, which MONITORING_ROLE_ARN names" in warning


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_role_that_no_policy_lets_the_functions_pass_is_the_same(replacement: str) -> None:
    """The setting was changed without a deployment."""
    stage = DifferentStage(REPLACEMENT=replacement)

    def forbidden() -> None:
        if "MonitoringRoleArn" in stage.made[-1].parameters:
            refused("AccessDenied", 403)()

    stage.inject(forbidden, call="rds.create_db_instance", times=99)
    ended = stage.run_night()

    assert succeeded(ended)
    assert any(WITHOUT in found for found in ended.warnings)


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_the_night_after_has_the_monitoring_again(replacement: str) -> None:
    """Somebody has made the role again after two nights without it."""
    stage = DifferentStage(REPLACEMENT=replacement)
    roles = stage.aurora._state.roles
    lose_the_role(stage)
    for _ in range(2):
        assert succeeded(stage.run_night())
        stage.run(20 * 3600)
    stage.aurora._state.roles = roles
    ended = stage.run_night()

    assert succeeded(ended)
    assert [0, 15, 60] == intervals(stage)
    assert not any(WITHOUT in found for found in ended.warnings)


def test_a_value_that_is_invalid_for_another_reason_is_refused_as_before() -> None:
    """The instance is asked for once more without monitoring, which does not help."""
    stage = DifferentStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=99)
    ended = stage.run_night()

    assert "create_db_instance in us-west-2 was answered InvalidParameterValue" in str(ended.reason)
