"""setup-db-users runs in a VPC: that it reaches what it needs is tried before the old target is
touched.
"""

from typing import Any

import pytest

from chalicelib.aws.client import UnreachableError
from chalicelib.database.errors import DatabaseUnavailableError
from chalicelib.flow.choreography import IN_VPC, State
from chalicelib.runtime.plans import plan
from chalicelib.settings import DEFAULT_PLAN
from simulation.stage import TARGET_REGION
from tests.choreography.dead_network import trial_in_a_dead_network
from tests.choreography.fault_injection import raised, refused
from tests.choreography.requests import again, stop_target
from tests.choreography.run_night import FaultyStage
from tests.refusals.refused_operations import old_target

DELETIONS = ("delete_db_instance", "delete_db_cluster")
NO_ANSWER = raised(UnreachableError("It did not answer."))
CALLS = {
    "EventBridge": "events.put_events",
    "RDS": "rds.describe_db_clusters",
    "Secrets Manager": "secretsmanager.get_secret_value",
}


def trail_of_trial(stage: FaultyStage) -> str:
    """Give what the trail says of the trial."""
    operation = stage.all_operations()[-1]
    return str(
        next(
            row["what"]
            for row in stage.trail(operation.operation_id)
            if row.get("from_state") == "PREFLIGHT_PASSED"
        )
    )


def test_everything_is_reached_before_anything_is_deleted(stage: FaultyStage) -> None:
    """The trial makes the function's own calls, and the trail lists what was reached."""
    stage.run_night()
    deletion = stage.made.index(stage.calls_of(*DELETIONS)[0])
    tried = {
        f"{call.service}.{call.method}" for call in stage.made[:deletion] if call.step == IN_VPC
    }

    assert {*CALLS.values(), "postgresql.reach"} <= tried
    assert trail_of_trial(stage).startswith(
        f"{IN_VPC} reaches DynamoDB, EventBridge, Secrets Manager, RDS, staging-cluster.cluster-"
    )


@pytest.mark.parametrize(("name", "call"), CALLS.items())
def test_a_service_that_does_not_answer_costs_nobody_the_old_target(
    stage: FaultyStage, name: str, call: str
) -> None:
    """The operation FAILS within minutes, and says what is missing in the VPC."""
    stage.inject(NO_ANSWER, step=IN_VPC, state="PREFLIGHT_PASSED", call=call, times=999)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.PREFLIGHT_PASSED == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)
    assert f"{IN_VPC} does not reach {name} ({TARGET_REGION})." in str(ended.reason)
    assert f"an endpoint for com.amazonaws.{TARGET_REGION}.{call.partition('.')[0]}" in str(
        ended.remedy
    )
    assert "This operation deleted nothing" in stage.notices()[-1]["text"]
    assert 600 <= ended.durations[-2].seconds < 1000


def test_several_problems_are_reported_one_per_line(stage: FaultyStage) -> None:
    """A night without any endpoint reports each unreachable service on a line."""
    for call in (CALLS["RDS"], CALLS["Secrets Manager"]):
        stage.inject(NO_ANSWER, step=IN_VPC, state="PREFLIGHT_PASSED", call=call, times=999)
    ended = stage.run_night()
    found = [problem.split("reach ")[1].split(" (")[0] for problem in ended.problems]

    assert ["Secrets Manager", "RDS"] == found


def test_one_lost_packet_does_not_end_a_night(stage: FaultyStage) -> None:
    """A call that times out once is tried again within the deadline."""
    stage.inject(NO_ANSWER, step=IN_VPC, state="PREFLIGHT_PASSED", call=CALLS["RDS"])

    assert State.SUCCEEDED is stage.run_night().state


def test_a_missing_permission_is_reported_at_once(stage: FaultyStage) -> None:
    """A permission does not come by itself."""
    stage.inject(
        refused("AccessDeniedException"), step=IN_VPC, call=CALLS["Secrets Manager"], times=999
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.PREFLIGHT_PASSED == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)
    assert "Allow secretsmanager:GetSecretValue" in str(ended.remedy)
    assert ended.durations[-2].seconds < 60


def test_an_old_target_that_is_not_reached_stays(stage: FaultyStage) -> None:
    """The old target stays when its security groups, which the new one gets, do not admit us."""
    old_target(stage).trouble = DatabaseUnavailableError(
        "PostgreSQL at staging does not answer (TimeoutError)."
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.PREFLIGHT_PASSED == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)
    assert f"{IN_VPC} does not reach the target: PostgreSQL at staging does not answer" in str(
        ended.reason
    )
    assert f"Let the security groups of {IN_VPC} in to sg-staging on port 5432" in str(ended.remedy)


def test_a_stopped_target_is_reported_as_not_tried(stage: FaultyStage) -> None:
    """A stopped target is reported as not tried, and the night goes on."""
    stop_target(stage)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state
    assert trail_of_trial(stage).endswith(
        "RDS; not tried: the target's port, because the target is stopped"
    )


def test_the_first_night_tries_the_services() -> None:
    """A night without an old target tries only the services."""
    stage = FaultyStage(staging=False)
    ended = stage.run_night()

    assert State.SUCCEEDED is ended.state
    assert trail_of_trial(stage).endswith(
        "not tried: the target's port, because there is no target yet"
    )


def test_a_changed_port_is_reported_as_not_tried() -> None:
    """A port that the old target does not use is reported as not tried."""
    stage = FaultyStage({"PORT": "5555"})
    stage.run_night()

    assert trail_of_trial(stage).endswith("; not tried: port 5555, which the new target will have")


def test_a_function_that_reaches_nothing_fails_the_operation(stage: FaultyStage) -> None:
    """The heartbeat ends the operation of a mute function within minutes, and nothing is lost."""
    stage.disabled.add(IN_VPC)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.PREFLIGHT_PASSED == ended.stopped_at
    assert [] == stage.calls_of(*DELETIONS)
    assert f"{IN_VPC} did not answer" in str(ended.reason)
    assert "It runs in a VPC: without a route to a NAT gateway, or an endpoint for DynamoDB" in str(
        ended.remedy
    )
    assert ended.durations[-2].seconds < 20 * 60


@pytest.mark.parametrize("how", [{}, {"from_step": IN_VPC}, {"from_step": "delete-rds"}])
def test_a_rerun_after_a_failed_network_check_checks_again(
    stage: FaultyStage, how: dict[str, str]
) -> None:
    """Whichever of the two steps is asked for, everything is looked up and tried again before the
    deletion.
    """
    stage.inject(refused("AccessDeniedException"), step=IN_VPC, call=CALLS["Secrets Manager"])
    first = stage.run_night()
    again(stage, first.operation_id, **how)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert ["SNAPSHOT_READY", "PREFLIGHT_PASSED"] == stage.path()[:2]


@pytest.mark.parametrize(
    ("resolves", "says"),
    [(False, "cannot resolve 127.0.0.1, the name of"), (True, "does not reach")],
)
def test_an_unresolved_name_and_a_blocked_port_are_different_problems(
    stage: FaultyStage, *, resolves: bool, says: str
) -> None:
    """Real clients, which tell one error for both."""
    trial = trial_in_a_dead_network(stage, resolves=resolves)

    assert ("DynamoDB",) == trial.reached
    assert [True] * 3 == [says in str(problem) for problem in trial.problems]


def asked(stage: FaultyStage, detail: dict[str, Any]) -> None:
    """Put the doctor's question on the bus, and have it delivered."""
    stage.put("ProbeRequested", **detail)
    stage.deliver()


def test_the_doctors_probe_is_answered_in_the_log(stage: FaultyStage) -> None:
    """The answer has the question's id and the time; no operation begins."""
    settings = plan(stage.ports(), DEFAULT_PLAN)
    assert settings is not None
    asked(stage, {"request_id": "doctor-1", "settings": settings.to_settings()})
    answer = stage.operations.trial(DEFAULT_PLAN)

    assert "doctor-1" == answer["request_id"]
    assert [] == answer["problems"]
    assert [] == stage.all_operations()
    assert ["DynamoDB", "EventBridge", "Secrets Manager", "RDS"] == answer["reached"][:4]
    assert [] == stage.notices()


def test_the_doctor_of_another_version_is_answered(stage: FaultyStage) -> None:
    """The doctor's question is answered also where it has a setting that this version lacks."""
    settings = plan(stage.ports(), DEFAULT_PLAN)
    assert settings is not None
    newer = settings.to_settings() | {"masking_rules": ["none"]}
    asked(stage, {"request_id": "doctor-1", "settings": newer})

    assert "doctor-1" == stage.operations.trial(DEFAULT_PLAN)["request_id"]


def test_the_answer_to_a_probe_names_the_remedy(stage: FaultyStage) -> None:
    """Each problem is answered with one sentence on the cause and one on the remedy."""
    settings = plan(stage.ports(), DEFAULT_PLAN)
    assert settings is not None
    stage.inject(NO_ANSWER, step=IN_VPC, call=CALLS["RDS"])
    asked(stage, {"request_id": "doctor-1", "settings": settings.to_settings()})
    ((reason, remedy),) = stage.operations.trial(DEFAULT_PLAN)["problems"]

    assert f"{IN_VPC} does not reach RDS ({TARGET_REGION})." == reason
    assert "com.amazonaws.us-west-2.rds" in remedy


def test_a_malformed_probe_is_ignored(stage: FaultyStage) -> None:
    """An event that is no valid question of the doctor gets no answer."""
    asked(stage, {"request_id": "doctor-1"})

    assert ({}, []) == (stage.operations.trial(DEFAULT_PLAN), stage.failures)
