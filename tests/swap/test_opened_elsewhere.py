"""The cluster that people use is never taken for a left-over one, whatever its name is."""

from collections.abc import Callable

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import OWNER_TAG
from chalicelib.records.store import Change
from chalicelib.records.targets import target_key
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import after_the_first, refused
from tests.refusals.refused_swaps import renamed
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600
Trouble = Callable[[SwapStage], object]
BY_HAND = "Otherwise give it the target's name: "


def all_ids(stage: SwapStage) -> dict[str, str]:
    """Give the resource ids of all clusters in the target's region, by their names."""
    found = stage.rds().describe_db_clusters()["DBClusters"]
    return {cluster["DBClusterIdentifier"]: cluster["DbClusterResourceId"] for cluster in found}


def failed_rollback(code: str) -> Trouble:
    """Let AWS refuse every rename of a rollback but the first one."""

    def fail(stage: SwapStage) -> None:
        stage.inject(after_the_first(refused(code)), call="rds.modify_db_cluster", times=99999)
        stage.ask_back(stage.restores()[0])
        assert State.FAILED is stage.run_until_ended(2).state
        stage.call_faults.clear()
        assert {NEXT, PREVIOUS} == {*stage.standing()}

    return fail


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        (failed_rollback("AccessDenied"), NEXT),
        (failed_rollback("Throttling"), NEXT),
        (renamed(TARGET, NEXT), NEXT),
        (renamed(TARGET, "of-today"), "of-today"),
    ],
    ids=["refused-rollback", "late-rollback", "by-hand", "other-name"],
)
@pytest.mark.parametrize("final", ["true", "false"])
def test_a_night_is_refused_while_people_use_the_target_elsewhere(
    trouble: Trouble, name: str, final: str
) -> None:
    """Nothing is made or deleted; the command of the notice gives the target its name back."""
    stage = SwapStage(SKIP_FINAL_SNAPSHOT=final, KEEP_PREVIOUS_HOURS="48")
    _, new = first_and_second(stage)
    stage.run(HOUR)
    trouble(stage)
    before = all_ids(stage)
    failed = stage.run_night()

    assert (State.FAILED, State.SNAPSHOT_READY) == (failed.state, failed.stopped_at)
    assert f"The target is the cluster {stage.target().arn[: -len(TARGET)]}{name} ({new})" in str(
        failed.reason
    )
    assert before == all_ids(stage)
    assert new == before[name]
    follow(stage, BY_HAND)
    assert new == stage.standing()[TARGET]
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    assert new == stage.standing()[PREVIOUS]


def test_nobody_is_told_to_delete_the_target_for_a_cluster_that_was_never_opened() -> None:
    """AWS refused to take a swap back, whose new cluster has the name and refuses its users."""
    stage = SwapStage()
    _, proven = first_and_second(stage)
    stage.run(20 * HOUR)
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    unproven = stage.standing()[TARGET]
    stage.data.clusters[unproven].roles["app_user"].can_login = False
    stage.inject(refused("AccessDenied"), call="rds.modify_db_cluster", times=999)
    assert State.FAILED is stage.run_until_ended(2).state
    stage.call_faults.clear()
    stage.run(20 * HOUR)
    refused_night = stage.run_night()

    assert {TARGET: unproven, PREVIOUS: proven} == stage.standing()
    assert f":cluster:{PREVIOUS} ({proven}): it was opened last" in str(refused_night.reason)
    assert f"which now {unproven} has" in str(refused_night.reason)
    assert "Delete" not in str(refused_night.remedy)
    follow(stage, BY_HAND)
    assert proven == stage.standing()[TARGET]
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    assert proven == stage.standing()[PREVIOUS]


def test_the_opened_cluster_is_no_left_over_beside_another_one() -> None:
    """People gave the previous target the name themselves, and kept the other one."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    renamed(TARGET, NEXT)(stage)
    renamed(PREVIOUS, TARGET)(stage)
    failed = stage.run_night()

    assert (State.FAILED, State.SNAPSHOT_READY) == (failed.state, failed.stopped_at)
    assert f":cluster:{NEXT} ({new}): it was opened last" in str(failed.reason)
    assert {TARGET: old, NEXT: new} == stage.standing()


def test_a_deletion_that_was_decided_before_spares_the_opened_cluster() -> None:
    """Another version may have decided it."""
    stage = SwapStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    stage.run_night()
    left = stage.standing()[NEXT]
    stage.call_faults.clear()
    stage.night()
    stage.reach(State.TARGET_DELETING)
    key = target_key(stage.restores()[0].plan.target_cluster_arn)
    stage.operations.store.change(Change(key, assign={"opened_id": left}))
    failed = stage.run_until_ended(2)

    assert (State.FAILED, State.TARGET_DELETING) == (failed.state, failed.stopped_at)
    assert left == stage.standing()[NEXT]


def without_its_tag(stage: SwapStage) -> None:
    """Keep the target under a name of one's own; another one is to be the target."""
    renamed(TARGET, "of-today")(stage)
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="of-today")["DBClusters"]
    stage.rds().remove_tags_from_resource(ResourceName=found["DBClusterArn"], TagKeys=[OWNER_TAG])


def failed_elsewhere(stage: SwapStage) -> None:
    """Let the target fail under another name, which AWS does not change then."""
    renamed(TARGET, "of-today")(stage)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters["of-today"].status = "failed"


@pytest.mark.parametrize("trouble", [without_its_tag, failed_elsewhere])
def test_a_cluster_that_is_the_target_no_longer_is_in_nobodys_way(trouble: Trouble) -> None:
    """The night makes another target, and leaves that cluster alone."""
    stage = SwapStage()
    _, new = first_and_second(stage)
    stage.run(20 * HOUR)
    trouble(stage)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert new == all_ids(stage)["of-today"]
    assert ended.facts.target.cluster_resource_id == stage.standing()[TARGET]
