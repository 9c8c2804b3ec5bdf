"""A deletion protection that was lifted for a deletion: what people are told if there is none."""

from chalicelib.flow.choreography import State
from simulation.stage import TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.swap.different_target import DifferentStage
from tests.swap.swap_stage import NAMES, first_and_second

TARGET, _, PREVIOUS = NAMES


def is_protected(stage: DifferentStage, name: str) -> bool:
    """Tell whether a cluster is protected against its deletion."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return bool(found["DeletionProtection"])


def disable_key(stage: DifferentStage) -> None:
    """Disable the key of the copies."""
    stage.keys.disable(stage.key_arn())


def again(name: str) -> str:
    """Give the command that protects a cluster."""
    return (
        f"aws rds modify-db-cluster --db-cluster-identifier {name} --deletion-protection "
        f"--apply-immediately --region {TARGET_REGION}"
    )


def test_a_deletion_that_is_refused_lifts_no_protection() -> None:
    """What would refuse it is asked before the first change of the old target."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    stage.night()
    stage.reach(State.TARGET_DELETING)
    disable_key(stage)
    ended = stage.run_until_ended(1)

    assert State.FAILED is ended.state
    assert is_protected(stage, TARGET)
    assert again(TARGET) not in str(ended.remedy)


def test_a_refusal_after_that_says_how_to_protect_the_target_again() -> None:
    """The key was disabled in the moment in which the protection was lifted."""
    stage = DifferentStage(REPLACEMENT="delete-first")
    stage.night()
    stage.reach(State.TARGET_DELETING)
    stage.inject(
        lambda: disable_key(stage),
        call="rds.modify_db_cluster",
        state="TARGET_DELETING",
        after_effect=True,
    )
    ended = stage.run_until_ended(1)

    assert State.FAILED is ended.state
    assert not is_protected(stage, TARGET)
    assert again(TARGET) in str(ended.remedy)


def test_a_rollback_says_that_the_target_is_not_protected_as_it_was() -> None:
    """Its retirement had lifted the protection, and AWS refused the deletion."""
    stage = DifferentStage(KEEP_PREVIOUS_HOURS="1")
    first_and_second(stage)
    stage.inject(refused("AccessDenied"), call="rds.delete_db_instance", times=99)
    stage.run(3 * 3600)
    (retirement,) = stage.retirements()
    stage.call_faults.clear()
    stage.ask_back(stage.restores()[0], request_id="back")
    ended = stage.run_until_ended(2)

    assert (State.FAILED, State.SUCCEEDED) == (retirement.state, ended.state)
    assert again(PREVIOUS) in str(retirement.remedy)
    assert not is_protected(stage, TARGET)
    assert again(TARGET) in " ".join(ended.warnings)
