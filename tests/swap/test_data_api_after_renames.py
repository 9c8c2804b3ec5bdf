"""The Data API of a cluster that gets its name back, which a rename ends (user guide).

Whether AWS shows it as enabled after a rename is documented nowhere, so both are tried.
"""

from dataclasses import replace

import pytest
from localaws.aurora.records import Cluster

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.refusals.refused_swaps import kept_out
from tests.swap.different_target import succeeded
from tests.swap.swap_stage import NAMES, SwapStage
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES
ARN = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{TARGET}"
SHOWN = pytest.mark.parametrize("shown", [True, False])
SWITCHES = ("disable_http_endpoint", "enable_http_endpoint")


def with_data_api(*, shown: bool) -> SwapStage:
    """Give the old target the Data API; `shown` says whether AWS shows it after a rename."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    choices = replace(stage.aurora._state.choices, shows_data_api_after_rename=shown)
    stage.aurora._state.choices = choices
    stage.rds().enable_http_endpoint(ResourceArn=ARN)
    return stage


def works(stage: SwapStage) -> bool:
    """Tell whether the Data API of the cluster under the target's name would answer."""
    cluster = stage.aurora.find(ARN)
    assert isinstance(cluster, Cluster)
    return cluster.data_api_works


def swap_in_vain(stage: SwapStage) -> None:
    """Let a swap roll back by itself, since a user cannot log in at the name."""
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    kept_out(stage)


@SHOWN
@pytest.mark.parametrize("times", [0, 2])
def test_a_swap_that_rolls_back_by_itself_leaves_the_data_api(*, shown: bool, times: int) -> None:
    """The old target has it as before, also if AWS is busy between the two calls."""
    stage = with_data_api(shown=shown)
    old = stage.standing()[TARGET]
    trouble = refused("InvalidResourceStateFault")
    stage.inject(trouble, call="rds.enable_http_endpoint", times=times)
    swap_in_vain(stage)
    ended = stage.run_until_ended(1)

    assert (State.FAILED, old) == (ended.state, stage.standing()[TARGET])
    assert works(stage)
    assert not [found for found in ended.warnings if "Data API" in found]


def test_what_aws_refuses_after_a_rollback_is_told_with_the_commands() -> None:
    """The clusters have their names, and the notice says what is missing."""
    stage = with_data_api(shown=True)
    stage.inject(refused("AccessDenied", 403), call="rds.enable_http_endpoint", times=99)
    swap_in_vain(stage)
    ended = stage.run_until_ended(1)
    stage.call_faults.clear()
    before = works(stage)
    assert f"The Data API of {TARGET}, which has its name back, could not be" in str(ended.warnings)
    follow(stage, "To enable it before: ")

    assert (False, True) == (before, works(stage))


@pytest.mark.parametrize("is_asked", [True, False])
def test_what_aws_refuses_after_a_rollback_is_enabled_the_night_after(*, is_asked: bool) -> None:
    """The cluster that came back lost it by the renames, and by no decision of people's."""
    stage = with_data_api(shown=True)
    trouble = refused("AccessDenied", 403)
    if is_asked:
        restored = stage.run_night()
        stage.inject(trouble, call="rds.enable_http_endpoint", times=99)
        stage.ask_back(restored)
        stage.run_until_ended(2)
    else:
        stage.inject(trouble, call="rds.enable_http_endpoint", times=99)
        swap_in_vain(stage)
        stage.run_until_ended(1)
    stage.call_faults.clear()
    before = works(stage)
    stage.run(20 * 3600)

    assert succeeded(stage.run_night())
    assert (False, True) == (before, works(stage))


def test_a_target_that_was_never_renamed_keeps_its_data_api_all_the_time() -> None:
    """AWS refuses the first rename: nothing is disabled, and nothing enabled."""
    stage = with_data_api(shown=True)
    stage.inject(refused("AccessDenied", 403), call="rds.modify_db_cluster", state="SWAPPING")
    ended = stage.run_night()

    assert State.FAILED is ended.state
    assert works(stage)
    assert [] == stage.calls_of(*SWITCHES)


@SHOWN
@pytest.mark.parametrize("times", [0, 2])
def test_a_target_that_people_go_back_to_has_its_data_api(*, shown: bool, times: int) -> None:
    """And so has the other one, when they go forth again."""
    stage = with_data_api(shown=shown)
    restored = stage.run_night()
    stage.inject(refused("Throttling"), call="rds.enable_http_endpoint", times=times)
    stage.ask_back(restored)
    back = stage.run_until_ended(2)
    after = works(stage)
    stage.ask_back(back)

    assert succeeded(back)
    assert after
    assert succeeded(stage.run_until_ended(3))
    assert works(stage)


@SHOWN
def test_a_target_without_the_data_api_does_not_get_it(*, shown: bool) -> None:
    """Nobody asked for it."""
    stage = with_data_api(shown=shown)
    stage.rds().disable_http_endpoint(ResourceArn=ARN)
    stage.ask_back(stage.run_night())
    assert succeeded(stage.run_until_ended(2))

    assert [] == stage.calls_of(*SWITCHES)


@SHOWN
def test_people_who_rename_the_old_target_renew_its_data_api(*, shown: bool) -> None:
    """The new cluster failed at the name, so the notice has the commands for all of that."""
    stage = with_data_api(shown=shown)
    old = stage.standing()[TARGET]
    swap_in_vain(stage)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[TARGET].status = "failed"
    assert State.FAILED is stage.run_until_ended(1).state
    follow(stage, "To give the old cluster its name back: ")

    assert old == stage.standing()[TARGET]
    assert works(stage)
