"""Production's master user may log in by IAM, which refuses passwords: on the copy it is switched
to one.
"""

from typing import Any

from chalicelib.database.endpoint import Endpoint
from chalicelib.database.errors import token_login_error
from chalicelib.flow.choreography import State
from simulation.stage import MASTER_PASSWORD
from tests.choreography.fault_injection import raised
from tests.choreography.master_by_iam import by_iam
from tests.choreography.run_night import FaultyStage

MEMBER = "MasterUserAuthenticationType"


def authentications(stage: FaultyStage) -> list[Any]:
    """List what functions asked for with each new password."""
    asked = [call.parameters for call in stage.calls_of("modify_db_cluster")]
    return [question.get(MEMBER) for question in asked if "MasterUserPassword" in question]


def test_a_master_with_iam_login_is_switched_to_the_secrets_password(stage: FaultyStage) -> None:
    """The first password reset also switches IAM off, and the night succeeds."""
    ended = by_iam(stage).run_night()
    role = stage.data.clusters[str(ended.facts.target.cluster_resource_id)].roles["master"]

    assert (State.SUCCEEDED, ["password"]) == (ended.state, authentications(stage))
    assert (MASTER_PASSWORD, "") == (role.password, role.by_token)


def test_a_master_with_a_password_needs_no_check(stage: FaultyStage) -> None:
    """The request leaves out the member when nothing has to change."""
    ended = stage.run_night()

    assert (State.SUCCEEDED, [None]) == (ended.state, authentications(stage))


def test_a_server_that_goes_on_asking_for_a_token_ends_the_operation_soon(
    stage: FaultyStage,
) -> None:
    """Aurora takes back what the type of authentication granted, and nothing else."""
    by_iam(stage)
    asks = raised(token_login_error(Endpoint("staging", 5432), "master"))
    stage.inject(asks, state="RESTORED", call="postgresql.enter_as_master", times=999)
    ended = stage.run_night()

    assert (State.FAILED, State.RESTORED) == (ended.state, ended.stopped_at)
    assert "asks the master user master for another proof than a password" in str(ended.reason)
    assert ended.durations[-2].seconds < 600
