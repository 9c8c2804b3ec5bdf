"""Certificates that keep a cluster's former name after a rename: who has to get in all the same."""

import json

from chalicelib.flow.choreography import State
from simulation.stage import APP, APP_SECRET
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES


def without_restarts() -> SwapStage:
    """Make a stage that verifies certificates, and restarts no cluster for one."""
    return SwapStage(DB_TLS="verify-full", RESTART_AFTER_RENAME="false", KEEP_PREVIOUS_HOURS="48")


def test_users_who_get_in_are_told_of_the_name_in_the_certificate() -> None:
    """The new cluster opens with a warning, because only the name is not proven."""
    stage = without_restarts()
    ended = stage.run_night()

    assert (State.SUCCEEDED, 1) == (ended.state, len(ended.warnings))
    assert "all others get in" in ended.warnings[0]


def test_a_target_that_has_not_proven_its_new_name_is_replaced_the_next_night() -> None:
    """What the trial of the network needs is that it answers and is Amazon's."""
    stage = without_restarts()
    first_and_second(stage)
    stage.run(20 * 3600)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state, ended.reason


def test_another_name_in_the_certificate_opens_no_cluster_that_refuses_its_users() -> None:
    """Somebody locks the application's user during the renames: the old target comes back."""
    stage = without_restarts()
    old = stage.standing()[TARGET]
    stage.night()
    made = stage.reach(State.TARGET_RENAMED).facts.target.cluster_resource_id or ""
    stage.data.clusters[made].roles["app_user"].can_login = False
    ended = stage.run_until_ended(1)

    assert (State.FAILED, State.TARGET_RENAMED) == (ended.state, ended.stopped_at)
    assert "refuses app_user" in (ended.reason or "")
    assert {TARGET: old, NEXT: made} == stage.standing()


def test_no_cluster_is_restarted_that_refuses_its_users() -> None:
    """A restart would renew the certificate alone, so the way back begins at once."""
    stage = SwapStage(DB_TLS="verify-full")
    stage.night()
    made = stage.reach(State.TARGET_RENAMED).facts.target.cluster_resource_id or ""
    stage.data.clusters[made].roles["app_user"].can_login = False
    ended = stage.run_until_ended(1)

    assert (State.FAILED, State.TARGET_RENAMED) == (ended.state, ended.stopped_at)
    assert [] == stage.calls_of("stop_db_cluster")


def test_a_previous_target_that_refuses_its_users_does_not_get_the_name() -> None:
    """It has the secret of its time, and a certificate of a former name: nothing is renamed."""
    stage = without_restarts()
    stage.run_night()
    stage.run(20 * 3600)
    first_and_second(stage)
    stood = stage.standing()
    rotated = json.dumps({**APP, "app_password": "rotated-by-somebody"})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=rotated)
    stage.ask_back(stage.restores()[-1], request_id="back")
    ended = stage.run_until_ended(3)

    assert (State.FAILED, State.TARGET_CHOSEN) == (ended.state, ended.stopped_at)
    assert "refuses app_user" in (ended.reason or "")
    assert stood == stage.standing()
