"""Several plans in one stage: one that is wrong or whose item is damaged stops no other."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.errors import SettingsError, UnreadableRecordError
from chalicelib.records.targets import target_key
from chalicelib.runtime import plans
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION
from tests.refusals.scene import TARGET_ARN, RefusalScene

WEEKLY_ARN = TARGET_ARN.replace("staging", "weekly")


def plan_weekly(scene: RefusalScene, **settings: str) -> None:
    """Give the stage a second plan, of the same source, with a target of its own."""
    for name, value in ({"target-cluster-id": "weekly-cluster"} | settings).items():
        path = f"/aurora-restore/test/plans/weekly/{name.replace('_', '-')}"
        scene.stage.parameters.put_parameter(Name=path, Value=value)


def cluster_created(arn: str) -> dict[str, Any]:
    """Make the event that a cluster was created."""
    return {
        "id": "hint",
        "source": "aws.rds",
        "detail-type": "RDS DB Cluster Event",
        "account": ACCOUNT,
        "region": TARGET_REGION,
        "resources": [arn],
        "detail": {"SourceArn": arn, "Message": "DB cluster created", "EventID": "RDS-EVENT-0170"},
    }


def test_a_plan_whose_target_another_plan_restores_from_is_unusable(scene: RefusalScene) -> None:
    """A plan that would replace another plan's source is refused, and the other plan is valid."""
    plan_weekly(scene, source_cluster_id="staging-cluster", source_region=TARGET_REGION)
    ports = scene.stage.ports()
    with pytest.raises(SettingsError) as caught:
        plans.plan(ports, "default")
    found = str(caught.value)

    assert f"The target of plan default, {TARGET_ARN}, is the source of another plan" in found
    assert ["weekly"] == [plan.name for plan in plans.plans(ports)]


def test_two_plans_with_one_target_are_both_invalid_and_reported(scene: RefusalScene) -> None:
    """A misspelt parameter that is the only one of its plan would leave it the stage's target."""
    plan_weekly(scene, target_cluster_id="staging-cluster")
    with pytest.raises(SettingsError) as caught:
        plans.plans(scene.stage.ports())

    assert f"The plans default and weekly have the same target, {TARGET_ARN}" in str(caught.value)
    assert 2 == len(scene.logs.lines("The plans default and weekly have the same target"))
    assert 2 == len(scene.logs.metrics("PlanUnusable"))


def test_a_parameter_that_nothing_reads_is_reported_at_every_check_of_the_plans(
    scene: RefusalScene,
) -> None:
    """An unknown parameter of the stage stops no plan; one of a plan stops that plan."""
    scene.stage.parameters.put_parameter(Name="/aurora-restore/test/kms-key-di", Value="alias/mine")
    scene.stage.parameters.put_parameter(
        Name="/aurora-restore/test/plans/blue/target-clustr-id", Value="blue"
    )

    assert ["default"] == [plan.name for plan in plans.plans(scene.stage.ports())]
    assert scene.logs.lines(
        "The SSM parameter /aurora-restore/test/kms-key-di is not a known setting; did you mean"
    )
    assert scene.logs.lines("The settings of plan blue cannot be used:")
    assert 2 == len(scene.logs.metrics("PlanUnusable"))


def test_the_only_plan_with_an_invalid_setting_stops_nothing_else(scene: RefusalScene) -> None:
    """Every tick is whole: an open operation goes on, and the plan is logged and counted."""
    scene.stage.night()
    scene.run_until(State.COPYING)
    path = "/aurora-restore/test/replacement"
    scene.stage.parameters.put_parameter(Name=path, Value="delete-frist")
    before = len(scene.logs.metrics("Heartbeat"))
    scene.stage.run(2 * 3600)

    assert [] == scene.stage.failures
    assert [State.SUCCEEDED] == [found.state for found in scene.stage.all_operations()]
    assert 120 <= len(scene.logs.metrics("Heartbeat")) - before
    assert scene.logs.lines("The settings of plan default cannot be used:")
    assert 12 <= len(scene.logs.metrics("PlanUnusable"))


def test_a_first_tick_with_an_invalid_plan_enables_the_others(scene: RefusalScene) -> None:
    """The valid plan is checked at once, and the invalid one is left alone."""
    plan_weekly(scene, replacement="swap")
    path = "/aurora-restore/test/replacement"
    scene.stage.parameters.put_parameter(Name=path, Value="delete-frist")
    scene.stage.run(120)

    assert [] == scene.stage.failures
    assert None is not scene.stage.operations.target(WEEKLY_ARN).catch_up_since
    assert None is scene.stage.target().catch_up_since
    assert scene.logs.metrics("PlanUnusable")


@pytest.mark.parametrize(
    "damage", [{"armed_since": "yesterday"}, {"look_due_at": 5}, {"armed_since": "2026-11-23"}]
)
def test_a_damaged_item_of_one_target_stops_no_other_plan(
    scene: RefusalScene, damage: dict[str, object]
) -> None:
    """The heartbeat catches up the others, and counts the damaged one each time."""
    plan_weekly(scene)
    scene.stage.store.tables["state"][target_key(TARGET_ARN)] = damage
    scene.stage.run(700)
    with pytest.raises(
        UnreadableRecordError, match=f"The item of the target {TARGET_ARN} cannot be read: its"
    ):
        scene.stage.target()

    assert [] == scene.stage.failures
    assert None is not scene.stage.operations.target(WEEKLY_ARN).catch_up_since
    assert 2 <= len(scene.logs.metrics("CatchUpFailed"))


def test_a_snapshot_that_a_damaged_item_keeps_from_one_plan_starts_the_others(
    scene: RefusalScene,
) -> None:
    """The plan that failed is named in the log, the item is counted, and the event goes to the
    failure queue.
    """
    plan_weekly(scene)
    damage = {"armed_since": "yesterday", "holder": "an-operation"}  # so the lock has to be judged
    scene.stage.store.tables["state"][target_key(TARGET_ARN)] = damage
    scene.stage.night()
    for _ in range(200):
        if not scene.stage.failures:
            scene.stage.step_time()

    assert ["weekly"] == [operation.plan_name for operation in scene.stage.all_operations()]
    assert [UnreadableRecordError] == [type(error) for error in scene.stage.failures]
    assert 1 == len(scene.logs.lines("The plan default did not start for arn:aws:rds:"))
    assert 1 == len(scene.logs.metrics("RecordUnreadable"))


def test_a_hint_for_one_plan_is_not_lost_with_anothers_damaged_item(scene: RefusalScene) -> None:
    """RDS speaks of a cluster, and that one's item is read alone.

    A hint for the damaged one is counted and let be.
    """
    plan_weekly(scene)
    identifier = scene.stage.night()
    scene.stage.settle()
    scene.stage.put("RestoreRequested", plan="weekly", snapshot_identifier=identifier)
    operation = scene.run_until(State.CLUSTER_RESTORING)
    scene.stage.store.tables["state"][target_key(TARGET_ARN)] = {"armed_since": "yesterday"}
    scene.stage.deliver_one(cluster_created(TARGET_ARN))
    before = scene.stage.only()
    while (woken := scene.stage.only()).state is State.CLUSTER_RESTORING:
        scene.stage.step_time()

    assert "weekly" == operation.plan_name
    assert [State.CLUSTER_RESTORING, State.INSTANCES_CREATING] == [before.state, woken.state]
    assert [] == scene.stage.failures
    assert 1 == len(scene.logs.metrics("RecordUnreadable"))


def test_a_rerun_of_a_plan_that_is_about_another_target_now_is_refused(scene: RefusalScene) -> None:
    """A rerun takes today's settings, but never restores to another cluster than was meant."""
    scene.put_app_secret(app_password=None)
    failed = scene.night_fails(at="delete-rds")
    scene.stage.parameters.put_parameter(
        Name="/aurora-restore/test/target-cluster-id", Value="another-cluster"
    )
    scene.stage.put("RestoreRequested", rerun_of=failed.operation_id)
    scene.stage.deliver()
    notice = scene.stage.notices()[-1]

    assert [failed] == scene.stage.all_operations()
    assert notice["reason"].startswith(
        f"The plan default now has other clusters than {failed.operation_id} had: "
    )
    assert f"{SOURCE_REGION}:123456789012:cluster-snapshot:rds:" in notice["remedy"]


def test_a_hint_costs_one_item_however_many_plans_there_are(scene: RefusalScene) -> None:
    """The event names the target: no parameter is read for it."""
    plan_weekly(scene)
    scene.stage.faults.fail_next("ssm", "get_parameters_by_path", "AccessDenied", times=99)
    scene.stage.deliver_one(cluster_created(WEEKLY_ARN))

    assert [] == scene.stage.failures
    assert scene.logs.lines(f"Ignored: no open operation waits for {WEEKLY_ARN}")
