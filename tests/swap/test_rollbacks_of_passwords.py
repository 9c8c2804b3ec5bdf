"""Rollbacks to a cluster whose users have other passwords than the secret has by now."""

import json

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import APP_SECRET
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import A, PointerStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_unfinished_rollbacks import from_the

TARGET, NEXT, PREVIOUS = NAMES


def secret_of(stage: SwapStage) -> str:
    """Read the application secret."""
    return str(stage.secrets.get_secret_value(SecretId=APP_SECRET)["SecretString"])


def store(stage: SwapStage, value: str) -> None:
    """Store a value in the application secret."""
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=value)


def with_other_password(value: str) -> str:
    """Give the secret with another password of the application."""
    return json.dumps({**json.loads(value), "app_password": "rotated-by-somebody"})


@pytest.mark.parametrize("stop", ["false", "true"])
@pytest.mark.parametrize(("make", "old_is"), [(SwapStage, PREVIOUS), (PointerStage, A)])
def test_a_rollback_renames_nothing_where_the_users_are_refused(
    make: type[SwapStage], old_is: str, stop: str
) -> None:
    """The secret has another password since: that shows before people lose the present target. With
    the earlier one in the secret, the previous target comes back.
    """
    stage = make(KEEP_PREVIOUS_HOURS="48", STOP_PREVIOUS=stop)
    first_and_second(stage)
    stage.run(20 * 3600)
    assert State.SUCCEEDED is stage.run_night().state
    stage.run(1800)
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    earlier = secret_of(stage)
    store(stage, with_other_password(earlier))
    stage.ask_back(stage.restores()[1], request_id="first")
    ended = stage.run_until_ended(3)

    assert (State.FAILED, State.TARGET_CHOSEN) == (ended.state, ended.stopped_at)
    assert "The previous target refuses app_user at" in (ended.reason or "")
    assert before == stage.standing()
    assert changes == len(stage.calls_of("modify_db_cluster"))
    store(stage, earlier)
    stage.ask_back(stage.restores()[1], request_id="second")
    ended = stage.run_until_ended(4)
    assert State.SUCCEEDED is ended.state, ended.reason
    assert before[old_is] == stage.target().opened_id


def test_a_rollback_that_finishes_another_gives_the_name_first() -> None:
    """No cluster has the name: the one whose users are refused makes room for the present target,
    and the name is somebody's again.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(20 * 3600)
    new = stage.run_night().facts.target.cluster_resource_id
    fault = from_the(2, refused("AccessDenied"))
    stage.inject(fault, call="rds.modify_db_cluster", times=999)
    stage.ask_back(stage.restores()[1], request_id="first")
    stage.run_until_ended(3)
    stage.call_faults.clear()
    assert TARGET not in stage.standing()
    store(stage, with_other_password(secret_of(stage)))
    stage.ask_back(stage.restores()[1], request_id="second")
    ended = stage.run_until_ended(4)

    assert State.FAILED is ended.state
    assert "The previous target refuses app_user at" in (ended.reason or "")
    assert new == stage.standing()[TARGET]
