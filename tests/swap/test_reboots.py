"""Instances whose parameters wait for a reboot get it before people get the cluster."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES, SwapStage

GROUP = "staging-postgres16"
GROUPS = {"DB_CLUSTER_PARAMETER_GROUP_NAME": GROUP, "DB_PARAMETER_GROUP_NAME": GROUP}
FAMILY = {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "tuned"}
REBOOT = "rds.reboot_db_instance"


def with_groups(stage: FaultyStage) -> FaultyStage:
    """Make the parameter groups, and run until the users are ready."""
    rds = stage.rds()
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName=GROUP, **FAMILY)
    rds.create_db_parameter_group(DBParameterGroupName=GROUP, **FAMILY)
    stage.night()
    stage.reach(State.USERS_READY)
    return stage


def change_cluster_group(stage: FaultyStage) -> None:
    """Change a static parameter of the cluster's group."""
    stage.rds().modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=GROUP, Parameters=_static()
    )


def change_instance_group(stage: FaultyStage) -> None:
    """Change a static parameter of the instances' group."""
    stage.rds().modify_db_parameter_group(DBParameterGroupName=GROUP, Parameters=_static())


def _static() -> list[dict[str, str]]:
    method = {"ApplyMethod": "pending-reboot"}
    return [{"ParameterName": "max_connections", "ParameterValue": "500", **method}]


def waiting(stage: FaultyStage) -> list[str]:
    """Name the instances in the target's region whose parameters wait for a reboot."""
    found = stage.rds().describe_db_instances()["DBInstances"]
    return [
        instance["DBInstanceIdentifier"]
        for instance in found
        if "pending-reboot" in str(instance["DBParameterGroups"])
    ]


def rebooted(stage: FaultyStage) -> list[Any]:
    """Name the instances that swap-target rebooted, in order."""
    return [call.parameters["DBInstanceIdentifier"] for call in stage.calls_of(REBOOT[4:])]


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
@pytest.mark.parametrize("change", [change_cluster_group, change_instance_group])
def test_instances_are_rebooted_before_people_get_them(replacement: str, change: Any) -> None:
    """The writer first, each once, and all of it before the names are exchanged."""
    stage = with_groups(FaultyStage({**GROUPS, "REPLACEMENT": replacement}))
    change(stage)
    stage.run(20 * 3600)
    ended = stage.all_operations()[0]

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert list(ended.facts.target.instances) == rebooted(stage)
    assert [] == waiting(stage)
    assert [] == stage.broken_promises()


def test_nothing_is_rebooted_without_need() -> None:
    """Parameters that are in sync stay so."""
    stage = with_groups(FaultyStage(GROUPS))
    stage.run(3600)

    assert [] == rebooted(stage)


def test_a_reboot_that_was_never_asked_for_is_asked_for_again() -> None:
    """It is noted before it is asked for, so a crash in between must not lose it."""
    stage = with_groups(FaultyStage({**GROUPS, "INSTANCE_COUNT": "1"}))
    change_cluster_group(stage)
    stage.inject(refused("InternalFailure"), call=REBOOT)
    stage.run(3600)
    (ended,) = stage.all_operations()

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)
    assert 2 == len(rebooted(stage))


def test_parameters_that_no_reboot_applies_are_a_warning() -> None:
    """After two reboots people get the cluster all the same, and are told."""
    stage = with_groups(FaultyStage({**GROUPS, "INSTANCE_COUNT": "1"}))
    change_cluster_group(stage)
    stage.inject(lambda: change_cluster_group(stage), call="rds.describe_db_clusters", times=999)
    stage.run(3600)
    (ended,) = stage.all_operations()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert 2 == len(rebooted(stage))
    assert ("Parameters still wait for a reboot of staging-cluster-1.",) == ended.warnings


def test_a_reboot_that_is_refused_leaves_people_the_old_target() -> None:
    """The names are not exchanged yet."""
    stage = SwapStage(DB_CLUSTER_PARAMETER_GROUP_NAME=GROUP, DB_PARAMETER_GROUP_NAME=GROUP)
    old = stage.standing()[NAMES[0]]
    with_groups(stage)
    change_cluster_group(stage)
    stage.inject(refused("AccessDenied"), call=REBOOT, times=99)
    ended = stage.run_until_ended(1)

    assert (State.FAILED, "swap-target") == (ended.state, ended.failed_step)
    assert old == stage.standing()[NAMES[0]]
