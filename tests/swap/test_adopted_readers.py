"""Readers that others add to a target: ADOPT_READERS=true deletes them together with it."""

import pytest

from chalicelib.flow.choreography import REQUESTED, State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
READER = "application-autoscaling-1"
ADOPTS = "true"
ADOPT = {"ADOPT_READERS": ADOPTS}
SCALED = {"application-autoscaling:resourceId": f"cluster:{TARGET}"}
HERE = {"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"}


def add_reader(
    stage: FaultyStage, cluster: str = TARGET, *, name: str = READER, **tags: str
) -> None:
    """Add a reader to a cluster, as auto scaling or a person does."""
    stage.rds().create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier=cluster,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def instances(stage: FaultyStage) -> set[str]:
    """Name all instances of the target's region."""
    found = stage.rds().describe_db_instances()["DBInstances"]
    return {instance["DBInstanceIdentifier"] for instance in found}


def deleting_first(**environment: str) -> FaultyStage:
    """Give a stage that deletes the old target first, whose target has another reader."""
    stage = FaultyStage({**ADOPT, **environment})
    add_reader(stage)
    stage.settle(3600)
    return stage


def test_a_reader_of_the_previous_target_is_deleted_with_it() -> None:
    """The night names it, and the retirement deletes it by the name that it has."""
    stage = SwapStage(ADOPT_READERS=ADOPTS)
    add_reader(stage)
    stage.settle(3600)
    _, new = first_and_second(stage)
    ended = stage.restores()[-1]
    stage.run(20 * 3600)

    assert any(READER in told and "ADOPT_READERS=true" in told for told in ended.warnings)
    assert {TARGET: new} == stage.standing()
    assert READER not in instances(stage)
    assert [State.RETIRED] == [found.state for found in stage.retirements()]
    assert [] == stage.broken_promises()


def test_a_reader_that_appears_while_the_previous_target_is_kept_is_deleted_too() -> None:
    """Auto scaling may add one at any time."""
    stage = SwapStage(ADOPT_READERS=ADOPTS)
    _, new = first_and_second(stage)
    add_reader(stage, PREVIOUS)
    stage.run(20 * 3600)

    assert {TARGET: new} == stage.standing()
    assert READER not in instances(stage)
    assert [] == stage.broken_promises()


def test_a_reader_of_an_old_target_is_deleted_first_with_it() -> None:
    """With REPLACEMENT=delete-first the night goes on as if all instances were ours."""
    stage = deleting_first()
    stage.night()
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert any(READER in told for told in ended.warnings)
    assert READER not in instances(stage)
    assert [] == stage.broken_promises()


def test_a_reader_that_appears_after_the_decision_is_deleted_too() -> None:
    """What was decided is the cluster; who was its member then does not matter."""
    stage = FaultyStage(ADOPT)
    stage.night()
    stage.reach(State.TARGET_DELETING)
    add_reader(stage)
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert READER not in instances(stage)
    assert [] == stage.broken_promises()


def test_nothing_is_lost_when_a_reader_may_not_be_tagged() -> None:
    """The tag comes before the first deletion, and so does the refusal."""
    stage = deleting_first()
    before = instances(stage)
    stage.inject(refused("AccessDenied"), call="rds.add_tags_to_resource", times=99)
    stage.night()
    ended = stage.run_to_the_end()

    assert State.FAILED is ended.state
    assert before == instances(stage)


@pytest.mark.parametrize("adopts", ["true", "false"])
def test_a_reader_of_another_plan_is_never_deleted(adopts: str) -> None:
    """Its tag says whose it is."""
    stage = FaultyStage({"ADOPT_READERS": adopts})
    add_reader(stage, **{"aurora-restore": "prod/default"})
    stage.settle(3600)
    before = instances(stage)
    stage.night()
    ended = stage.run_to_the_end()

    assert (State.FAILED, "prod/default" in (ended.reason or "")) == (ended.state, True)
    assert before == instances(stage)


def test_a_writer_without_our_tag_is_never_deleted() -> None:
    """After a failover to a stranger's reader, that instance is the writer."""
    stage = deleting_first()
    stage.rds().failover_db_cluster(DBClusterIdentifier=TARGET, TargetDBInstanceIdentifier=READER)
    stage.settle(3600)
    before = instances(stage)
    stage.night()
    ended = stage.run_to_the_end()

    assert (State.FAILED, READER in (ended.reason or "")) == (ended.state, True)
    assert before == instances(stage)


@pytest.mark.parametrize(("tags", "state"), [({}, State.FAILED), (SCALED, State.SUCCEEDED)])
def test_beside_the_source_only_readers_of_auto_scaling_are_adopted(
    tags: dict[str, str], state: State
) -> None:
    """Nothing but tags keeps the source's instances apart in its own region."""
    stage = FaultyStage({**ADOPT, **HERE})
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    add_reader(stage, **tags)
    stage.settle(3600)
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    ended = stage.run_to_the_end()

    assert state is ended.state, ended.reason
    assert (READER in instances(stage)) is (state is State.FAILED)


def test_a_retirement_that_met_a_reader_is_repeated_with_the_setting() -> None:
    """Its failure names the setting, and a rerun uses the present one."""
    stage = SwapStage()
    add_reader(stage)
    stage.settle(3600)
    _, new = first_and_second(stage)
    stage.run(20 * 3600)
    (failed,) = stage.retirements()
    stage.environment.update(ADOPT)
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(3600)

    assert "ADOPT_READERS=true" in (failed.remedy or "")
    assert {TARGET: new} == stage.standing()
    assert READER not in instances(stage)


def test_a_left_over_cluster_goes_with_its_readers() -> None:
    """What a failed restore left under the new cluster's name is deleted before the next one."""
    stage = SwapStage(ADOPT_READERS=ADOPTS)
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    add_reader(stage, NEXT)
    stage.settle(20 * 3600)
    _, new = first_and_second(stage)

    assert new == stage.standing()[TARGET]
    assert READER not in instances(stage)


@pytest.mark.parametrize("tags", [{}, SCALED])
def test_a_reader_that_was_only_tagged_is_not_made_again(tags: dict[str, str]) -> None:
    """It got our tag to be deleted, so the new cluster has no instance in its place."""
    stage = FaultyStage({**ADOPT, "INSTANCE_COUNT": ""})
    add_reader(stage, **tags)
    stage.settle(3600)
    stage.inject(refused("AccessDenied"), call="rds.delete_db_cluster", times=99)
    stage.night()
    failed = stage.run_to_the_end()
    stage.call_faults.clear()
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    again = stage.run_to_the_end()

    assert (State.FAILED, State.SUCCEEDED) == (failed.state, again.state)
    assert ("staging-cluster-1", "staging-cluster-2") == again.facts.target.instances
    assert READER not in instances(stage)
