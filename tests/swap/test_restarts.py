"""The restart of a renamed cluster, for its certificate: what fails then, and what AWS refuses."""

import pytest

from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import STATE_FAULT_MAX
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.swap.swap_stage import NAMES, SwapStage

TARGET, NEXT, PREVIOUS = NAMES


def restarting(stage: SwapStage) -> str:
    """Let a night come to the restart; gives the new cluster's resource id."""
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    new = stage.standing()[TARGET]
    trouble = CertificateNameError(f"The certificate names {NEXT}.", "")
    stage.data.clusters[new].trouble = trouble
    stage.reach(State.TARGET_RESTARTING)
    return new


def seconds_of_the_restart(stage: SwapStage) -> float:
    """Give the seconds that the restart of the newest restore took."""
    durations = stage.restores()[-1].durations
    return sum(one.seconds for one in durations if one.state is State.TARGET_RESTARTING)


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials"])
def test_a_cluster_that_is_lost_while_it_is_restarted_ends_the_night_at_once(status: str) -> None:
    """Nobody waits for the deadline, and people have the commands for the old one."""
    stage = SwapStage()
    restarting(stage)
    stage.aurora.set_status(f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{TARGET}", status)
    ended = stage.run_until_ended(1)

    assert State.FAILED is ended.state
    assert f"is {status}, so it cannot be restarted" in str(ended.reason)
    assert "To give the old cluster its name back: " in str(ended.remedy)
    assert seconds_of_the_restart(stage) < 60


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidDBClusterStateFault"])
def test_a_restart_that_aws_refuses_is_a_warning(code: str) -> None:
    """Clients that do not check the certificate's name get in, so the night is not thrown away."""
    stage = SwapStage()
    new = restarting(stage)
    stage.inject(refused(code), call="rds.stop_db_cluster", times=999)
    ended = stage.run_until_ended(1)
    told = " ".join(ended.warnings)

    assert (State.SUCCEEDED, new) == (ended.state, stage.standing()[TARGET])
    assert f"{TARGET} is not restarted: rds stop_db_cluster in us-west-2 was answered" in told
    assert "sslmode=verify-full stay out" in told
    assert seconds_of_the_restart(stage) <= STATE_FAULT_MAX.total_seconds() + 60
