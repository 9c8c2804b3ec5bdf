"""Rollbacks that could not succeed: they are refused before anything is renamed or moved."""

from datetime import timedelta

import pytest

from chalicelib.aws.statuses import RECOVERABLE
from chalicelib.flow.choreography import REQUESTED, State
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import A, PointerStage
from tests.refusals.refused_swaps import emptied, made, renamed
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_by_hand import follow

TARGET, NEXT, PREVIOUS = NAMES


def a_failed_night(stage: SwapStage) -> None:
    """Let a night fail once its new cluster is there, which stays for a rerun."""
    stage.inject(refused("InvalidParameterValue"), call="rds.modify_db_cluster", times=99)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()


def test_a_rollback_after_a_failed_night_is_refused_until_its_cluster_is_gone() -> None:
    """That has the name under which the present target would be kept. The commands of the notice
    delete it, and then people get the previous target.
    """
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    stage.run(3600)
    a_failed_night(stage)
    left = stage.standing()[NEXT]
    count = len(stage.calls_of("modify_db_cluster"))
    stage.ask_back(stage.restores()[0], request_id="first")

    assert 2 == len(stage.restores())
    assert f"would be kept as {NEXT}, and another cluster" in stage.notices()[-1]["reason"]
    assert f":cluster:{NEXT} ({left})" in stage.notices()[-1]["reason"]
    assert count == len(stage.calls_of("modify_db_cluster"))
    follow(stage, "To delete it: ")
    stage.settle(1800)
    stage.ask_back(stage.restores()[0], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    assert {TARGET: old, NEXT: new} == stage.standing()


def test_a_rollback_of_a_rollback_is_refused_while_a_third_cluster_has_the_name() -> None:
    """The way back and forth needs the other of the two names."""
    stage = SwapStage()
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    back = stage.run_until_ended(2)
    made(PREVIOUS)(stage)
    before = stage.standing()
    stage.ask_back(back)

    assert f"would be kept as {PREVIOUS}" in stage.notices()[-1]["reason"]
    assert before == stage.standing()
    assert 2 == len(stage.restores())


@pytest.mark.parametrize(
    ("make", "name", "other"), [(SwapStage, PREVIOUS, NEXT), (PointerStage, TARGET, A)]
)
def test_a_previous_target_that_people_renamed_comes_back_under_its_name_alone(
    make: type[SwapStage], name: str, other: str
) -> None:
    """The functions may not change clusters of other names: the notice has the command."""
    stage = make()
    old, new = first_and_second(stage)
    renamed(name, "of-friday")(stage)
    stage.ask_back(stage.restores()[0], request_id="first")

    assert f"renamed the previous target {old} to of-friday" in stage.notices()[-1]["reason"]
    assert 1 == len(stage.restores())
    follow(stage, "To rename it: ")
    stage.ask_back(stage.restores()[0], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert {TARGET: old, other: new} == stage.standing()


@pytest.mark.parametrize(("make", "name"), [(SwapStage, PREVIOUS), (PointerStage, TARGET)])
def test_a_rollback_to_a_cluster_without_instances_is_refused(
    make: type[SwapStage], name: str
) -> None:
    """Nobody could log in to it: no cluster is renamed, and no pointer moved."""
    stage = make()
    first_and_second(stage)
    emptied(name)(stage)
    before, count = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    stage.ask_back(stage.restores()[0])
    stage.run(600)

    assert "has no writer: nobody could log in to it." in stage.notices()[-1]["reason"]
    assert (before, 1) == (stage.standing(), len(stage.restores()))
    assert count == len(stage.calls_of("modify_db_cluster"))
    assert name == PREVIOUS or A in stage.standing()


CLUSTERS = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:"
INSTANCES = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:"


@pytest.mark.parametrize(
    ("make", "name", "which"),
    [
        (SwapStage, PREVIOUS, "previous target"),
        (PointerStage, A, "previous target"),
        (SwapStage, TARGET, "target"),
    ],
)
def test_a_rollback_without_the_key_of_a_cluster_is_refused(
    make: type[SwapStage], name: str, which: str
) -> None:
    """AWS neither opens nor renames such a cluster: the notice names the key and the command, and
    nothing is changed. When the cluster is available again, people get the previous target.
    """
    stage = make()
    first_and_second(stage)
    stage.run(20 * 3600)
    old = stage.target().opened_id
    assert State.SUCCEEDED is stage.run_night().state
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    stage.aurora.set_status(f"{CLUSTERS}{name}", RECOVERABLE)
    stage.ask_back(stage.restores()[-1], request_id="first")
    stage.run(600)
    told = stage.notices()[-1]

    assert f"The {which} {CLUSTERS}{name} is {RECOVERABLE}" in told["reason"]
    assert f"Enable the key {stage.key_arn()}, start the cluster" in told["remedy"]
    assert f"aws rds start-db-cluster --db-cluster-identifier {name} " in told["remedy"]
    assert (before, 2) == (stage.standing(), len(stage.restores()))
    assert changes == len(stage.calls_of("modify_db_cluster"))
    stage.aurora.set_status(f"{CLUSTERS}{name}", "available")
    stage.ask_back(stage.restores()[-1], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(3).state
    assert old == stage.target().opened_id


def test_pointers_leave_a_target_whose_key_is_disabled() -> None:
    """Nothing is renamed, so the present target needs no key: the previous one is the way out."""
    stage = PointerStage()
    first_and_second(stage)
    stage.aurora.set_status(f"{CLUSTERS}{A}", RECOVERABLE)
    stage.ask_back(stage.restores()[0])

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert stage.all_name(TARGET) == stage.pointed()


@pytest.mark.parametrize(("make", "name"), [(SwapStage, PREVIOUS), (PointerStage, TARGET)])
@pytest.mark.parametrize("status", ["failed", "incompatible-parameters"])
def test_a_rollback_to_a_cluster_whose_writer_failed_is_refused(
    make: type[SwapStage], name: str, status: str
) -> None:
    """Nobody could log in to it: that is said before a cluster is renamed or a pointer moved."""
    stage = make()
    first_and_second(stage)
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    (writer,) = (one for one in found["DBClusterMembers"] if one["IsClusterWriter"])
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    stage.aurora.set_status(f"{INSTANCES}{writer['DBInstanceIdentifier']}", status)
    stage.ask_back(stage.restores()[0])
    stage.run(600)

    assert f"is {status}: nobody could log in to it." in stage.notices()[-1]["reason"]
    assert (before, 1) == (stage.standing(), len(stage.restores()))
    assert changes == len(stage.calls_of("modify_db_cluster"))


@pytest.mark.parametrize("make", [SwapStage, PointerStage])
def test_a_rollback_to_a_cluster_that_is_being_stopped_waits_and_starts_it(
    make: type[SwapStage],
) -> None:
    """Somebody has stopped it a moment ago, as STOP_PREVIOUS does."""
    stage = make()
    old, _ = first_and_second(stage)
    name = next(name for name, found in stage.standing().items() if found == old)
    stage.rds().stop_db_cluster(DBClusterIdentifier=name)
    while "stopping" != status_of(stage, name):
        stage.move_to(stage.clock.now() + timedelta(seconds=1))
        stage.aurora.tick()
    stage.ask_back(stage.restores()[0])

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert old == stage.target().opened_id
    assert stage.calls_of("start_db_cluster")


def status_of(stage: SwapStage, name: str) -> str:
    """Give a cluster's status."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return str(found["Status"])


@pytest.mark.parametrize("make", [SwapStage, PointerStage])
@pytest.mark.parametrize("which", ["failed", "retirement", "older", "repetition"])
def test_a_rollback_of_another_operation_names_the_one_that_can_be_rolled_back(
    make: type[SwapStage], which: str
) -> None:
    """The previous target is kept, and the command of the refusal brings it back."""
    stage = make(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(20 * 3600)
    old = stage.target().opened_id
    last = stage.run_night()
    assert State.SUCCEEDED is last.state
    (older, *_), retirement = stage.restores(), stage.retirements()[-1]
    if which == "failed":
        stage.inject(refused("AccessDenied", 403), call="rds.describe_db_cluster_snapshots")
        stage.request(REQUESTED)
        assert State.FAILED is stage.run_until_ended(3).state
    elif which == "repetition":
        stage.request(REQUESTED, rerun_of="last", from_step="setup-db-users")
        assert State.SUCCEEDED is stage.run_until_ended(3).state
    newest = stage.restores()[-1]
    wrong = {"failed": newest, "retirement": retirement, "older": older, "repetition": newest}
    stage.ask_back(wrong[which])
    told, count = stage.notices()[-1], len(stage.restores())

    why = {"older": "is not the one that replaced", "repetition": "kept no previous target"}
    assert f"{wrong[which].operation_id} {why.get(which, 'replaced nothing')}" in told["reason"]
    assert told["remedy"].startswith(f"{last.operation_id} can be rolled back: the target that")
    go_on(stage, told["remedy"])
    assert State.SUCCEEDED is stage.run_until_ended(count + 1).state
    assert old == stage.target().opened_id


def test_a_rollback_for_which_nothing_is_kept_is_answered_with_a_snapshot() -> None:
    """The command of the refusal restores one, once its name is in place."""
    stage = SwapStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.ask_back(stage.retirements()[0])
    go_on(stage, stage.notices()[-1]["remedy"])

    assert "your-snapshot" in stage.notices()[-1]["remedy"]
    assert State.SUCCEEDED is stage.run_until_ended(2).state
