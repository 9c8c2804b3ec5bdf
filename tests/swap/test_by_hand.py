"""Where a rollback cannot give the old cluster its name back, people are told how they can."""

import re
import shlex

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.refusals.refused_swaps import kept_out
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES
MEMBERS = {
    "--db-cluster-identifier": "DBClusterIdentifier",
    "--db-instance-identifier": "DBInstanceIdentifier",
    "--new-db-cluster-identifier": "NewDBClusterIdentifier",
    "--resource-arn": "ResourceArn",
    "--skip-final-snapshot": "SkipFinalSnapshot",
    "--apply-immediately": "ApplyImmediately",
}
FLAGS = ("--skip-final-snapshot", "--apply-immediately")


def type_in(stage: SwapStage, command: str) -> None:
    """Do what a command of the AWS command line says; only `wait` waits for anything."""
    _, service, verb, *words = shlex.split(command)
    assert "rds" == service
    if verb == "wait":
        waited(stage, *words)
        return
    given: dict[str, object] = {}
    while words:
        option = words.pop(0)
        if option == "--region":
            assert words.pop(0) == TARGET_REGION
        else:
            given[MEMBERS[option]] = True if option in FLAGS else words.pop(0)
    getattr(stage.rds(), verb.replace("-", "_"))(**given)


def waited(stage: SwapStage, what: str, option: str, name: str, *_region: str) -> None:
    """Wait as the command line does: it looks every 30 seconds for half an hour.

    It waits for no cluster that is not found.
    """
    assert "--db-cluster-identifier" == option
    is_deleted = what == "db-cluster-deleted"
    for _ in range(60):
        known = stage.rds().describe_db_clusters()["DBClusters"]
        found = [one["Status"] for one in known if one["DBClusterIdentifier"] == name]
        if not found:
            assert is_deleted, f"There is no {name} to wait for."
            return
        if found == ["available"] and not is_deleted:
            return
        stage.clock.advance(30)
        stage.aurora.tick()
    raise TimeoutError(f"{what} {name}: it is {found[0]}.")


def follow(stage: SwapStage, words: str) -> None:
    """Type the commands of the newest notice that come after some words."""
    notice = stage.notices()[-1]["text"]
    assert words in notice
    for command in re.findall(r"aws rds [^;\n]+", notice.partition(words)[2].splitlines()[0]):
        type_in(stage, command)
    stage.settle(600)


@pytest.mark.parametrize("status", ["failed", "inaccessible-encryption-credentials"])
def test_a_new_cluster_that_fails_at_the_name_is_deleted_by_people(status: str) -> None:
    """AWS renames no failed cluster, so the rollback ends at once, with the commands. Typed as they
    stand, they give the old cluster its name back.
    """
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    kept_out(stage)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[TARGET].status = status
    ended = stage.run_until_ended(1)
    follow(stage, "To give the old cluster its name back: ")

    assert State.FAILED is ended.state
    assert f"{status} at {TARGET}." in str(ended.reason)
    assert [] == [found for found in stage.retirements() if found.open]
    assert old == stage.standing()[TARGET]


def test_a_stopped_cluster_in_the_way_is_started_before_people_delete_it() -> None:
    """AWS deletes no stopped cluster: a failed night has left it, and somebody saved its cost."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(3600)
    trouble = refused("InvalidParameterValue")
    stage.inject(trouble, step="setup-db-users", call="rds.modify_db_cluster", times=9)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    stage.rds().stop_db_cluster(DBClusterIdentifier=NEXT)
    stage.settle(3600)
    stage.ask_back(stage.restores()[0], request_id="first")
    assert NEXT in stage.standing()
    follow(stage, "To delete it: ")
    stage.ask_back(stage.restores()[0], request_id="second")

    assert State.SUCCEEDED is stage.run_until_ended(3).state


def test_what_a_rollback_can_do_needs_no_commands() -> None:
    """Where it gives the name back itself, nobody is told to."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    kept_out(stage)
    ended = stage.run_until_ended(1)

    assert (State.FAILED, old) == (ended.state, stage.standing()[TARGET])
    assert "aws rds" not in str(ended.remedy)


def test_a_new_target_that_fails_after_it_was_opened_is_taken_back_by_people() -> None:
    """The notice has the command of the rollback; that cannot rename the failed cluster, and says
    what people can type, which gives the previous target the name.
    """
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[TARGET].status = "failed"
    failed = stage.run_until_ended(1)
    opened = stage.notices()[-1]["text"]
    (command,) = re.findall(r"^To go back to it until then: (aws .*)$", opened, re.MULTILINE)
    go_on(stage, command)
    back = stage.run_until_ended(2)
    follow(stage, "To give the previous target the name: ")

    assert (State.FAILED, State.TARGET_OPEN) == (failed.state, failed.stopped_at)
    assert State.FAILED is back.state
    assert old == stage.standing()[TARGET]
