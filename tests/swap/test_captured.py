"""What the old target is like is known before anything happens to it, and after it is gone."""

import pytest

from chalicelib.flow.baseline import Baseline
from chalicelib.flow.choreography import Phase, State
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.facts import Facts, TargetFacts
from chalicelib.records.store import Change
from chalicelib.records.targets import target_key
from simulation.stage import ACCOUNT, STAGE, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again, remove_target
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES, SwapStage

TARGET = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster"
OURS = {"aurora-restore": f"{STAGE}/default", "aurora-restore-operation": "earlier"}


def kept(stage: FaultyStage) -> Baseline:
    """Give what the target's item knows of the old target."""
    baseline = stage.operations.target(TARGET).baseline
    assert baseline is not None
    return baseline


def change_the_old_one(stage: FaultyStage) -> None:
    """Let people change the target by hand."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster",
        ApplyImmediately=True,
        BackupRetentionPeriod=9,
        PreferredMaintenanceWindow="tue:04:00-tue:04:30",
        EnableIAMDatabaseAuthentication=True,
    )
    stage.settle()


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_the_record_and_the_item_know_the_old_target(replacement: str) -> None:
    """Its settings and its instances, the writer first, are captured with the decision."""
    stage = SwapStage(REPLACEMENT=replacement)
    change_the_old_one(stage)
    stage.night()
    stage.reach(State.PREFLIGHT_PASSED)
    (operation,) = stage.restores()
    baseline = operation.facts.target.baseline

    assert baseline is not None
    assert baseline.resource_id == stage.standing()[NAMES[0]]
    assert (9, "tue:04:00-tue:04:30") == (
        baseline.backup_retention_days,
        baseline.maintenance_window,
    )
    assert baseline.iam_authentication
    assert ["staging-cluster-1", "staging-cluster-2"] == [
        found.identifier for found in baseline.instances
    ]
    assert kept(stage) == baseline


def test_tags_of_ours_and_of_aws_are_no_part_of_it() -> None:
    """The tags that organisations put on their clusters are."""
    stage = SwapStage(staging=False)
    stage.staging(tags={**OURS, "cost-centre": "42"})
    stage.run_night()

    assert {"cost-centre": "42"} == kept(stage).tags
    assert [{"cost-centre": "42"}] * 2 == [found.tags for found in kept(stage).instances]


def test_an_instance_of_others_is_no_part_of_it() -> None:
    """An auto-scaled reader has no tag of ours, and is not made again."""
    stage = SwapStage()
    stage.rds().create_db_instance(
        DBInstanceIdentifier="scaled",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
    )
    stage.settle()
    stage.run_night()

    assert "scaled" not in [found.identifier for found in kept(stage).instances]


def test_a_rerun_knows_a_target_that_is_gone() -> None:
    """The facts of the first run are kept, though all others of the target are forgotten."""
    stage = SwapStage(REPLACEMENT="delete-first")
    change_the_old_one(stage)
    stage.inject(refused("AccessDenied", 403), step="setup-db-users", call="rds.", times=99)
    first = stage.run_night()
    again(stage, first.operation_id, from_step="delete-rds")
    second = stage.restores()[-1]

    assert State.FAILED == first.state
    assert second.facts.target.baseline == first.facts.target.baseline
    assert 9 == kept(stage).backup_retention_days


def test_a_half_made_target_is_not_what_people_had() -> None:
    """The night after a failed one goes by what was there before it."""
    stage = SwapStage(REPLACEMENT="delete-first")
    change_the_old_one(stage)
    fault = stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.")
    failed = stage.run_night()
    before = kept(stage)
    fault.times = 0
    stage.run(20 * 3600)
    succeeded = stage.run_night()

    assert [State.FAILED, State.SUCCEEDED] == [failed.state, succeeded.state]
    assert before == succeeded.facts.target.baseline


def test_what_people_changed_after_a_failed_night_is_captured_again() -> None:
    """The target that a swap did not replace is still the one that people have."""
    stage = SwapStage()
    fault = stage.inject(refused("AccessDenied", 403), state="TARGET_CLEAR", call="rds.", times=9)
    failed = stage.run_night()
    fault.times = 0
    change_the_old_one(stage)
    stage.run(20 * 3600)
    succeeded = stage.run_night()

    assert [State.FAILED, State.SUCCEEDED] == [failed.state, succeeded.state]
    assert 9 == kept(stage).backup_retention_days


def test_a_target_that_people_deleted_is_still_known() -> None:
    """The item of the target knows it from the night before."""
    stage = SwapStage()
    stage.run_night()
    stage.run(20 * 3600)
    remove_target(stage)
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state, ended.reason
    assert kept(stage) == ended.facts.target.baseline


def test_a_first_night_has_none() -> None:
    """Nobody knows what the target is to be like but the settings."""
    stage = SwapStage(staging=False)
    ended = stage.run_night()

    assert ended.facts.target.baseline is None
    assert stage.operations.target(TARGET).baseline is None


def test_a_phase_that_is_forgotten_leaves_the_baseline() -> None:
    """Everything else about the target is forgotten."""
    baseline = Baseline(resource_id="cluster-1")
    facts = Facts(target=TargetFacts(baseline=baseline, made_as="next"))

    assert TargetFacts(baseline=baseline) == facts.without(frozenset(Phase)).target


def test_an_unreadable_baseline_says_which_attribute() -> None:
    """The item's attribute can be removed: the next night captures it again."""
    stage = SwapStage()
    stage.store.change(Change(target_key(TARGET), assign={"baseline": {"port": "many"}}, when=()))

    with pytest.raises(UnreadableRecordError, match="its baseline is"):
        stage.operations.target(TARGET)


def test_a_baseline_is_read_as_it_was_written() -> None:
    """Numbers with fractions, too, which DynamoDB has in a type of its own."""
    baseline = Baseline(resource_id="cluster-1", capacity_min=0.5, capacity_max=8.0)

    assert baseline == Baseline.of_item(baseline.to_item())
