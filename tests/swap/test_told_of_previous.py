"""What people are told of the previous target: its name, its time, and why it is gone."""

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.ownership import OWNER_TAG
from simulation.stage import STAGE, TOPIC
from tests.pointer.pointer_stage import TARGET, A, B, PointerStage
from tests.refusals.remedies import go_on
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

_, NEXT, PREVIOUS = NAMES
HOUR = 3600


def line(stage: SwapStage, beginning: str) -> str:
    """Give the one line of the last notice that begins so."""
    lines = stage.notices()[-1]["text"].splitlines()
    (found,) = [each for each in lines if each.startswith(beginning)]
    return str(found)


def test_the_notice_names_the_previous_target_and_both_ends_of_its_time() -> None:
    """The next restore may need its name before the time is over."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    told = line(stage, "The previous target, ")

    assert told.startswith(f"The previous target, {PREVIOUS} ({old}), is kept until 2")
    assert told.endswith("Z, or until the next restore needs its name.")
    assert line(stage, "To go back to it until then: aws events put-events ")


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_notice_says_that_the_previous_target_is_stopped(
    stage_of: type[SwapStage], is_stopped: bool
) -> None:
    """It does with STOP_PREVIOUS=true alone, and a rollback starts the cluster, as it says."""
    stage = stage_of(STOP_PREVIOUS=str(is_stopped).lower())
    first_and_second(stage)
    told = line(stage, "The previous target, ")

    assert is_stopped is told.endswith(" It is stopped meanwhile; a rollback starts it first.")
    stage.run(HOUR)
    stage.ask_back(stage.restores()[0])
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert is_stopped is bool(stage.calls_of("start_db_cluster"))


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
@pytest.mark.parametrize("is_back", [False, True])
def test_the_notice_has_the_command_that_keeps_the_previous_target(
    stage_of: type[SwapStage], is_back: bool
) -> None:
    """It names the operation that would delete it, also after a rollback."""
    stage = stage_of()
    rolled_back(stage) if is_back else first_and_second(stage)
    standing = stage.standing()
    go_on(stage, line(stage, "To keep it for good: "))
    stage.run(20 * HOUR)

    assert State.CANCELLED is stage.retirements()[-1].state
    assert standing == stage.standing()


def test_the_notice_of_a_rollback_names_the_cluster_that_people_did_not_want() -> None:
    """It has another name than the previous target of a restore."""
    stage = SwapStage()
    _, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)

    assert line(stage, "The cluster that ").startswith(
        f"The cluster that was rolled back, {NEXT} ({new}), is kept until 2"
    )
    assert new == stage.standing()[NEXT]


def rolled_back(stage: SwapStage) -> Operation:
    """Roll a night back; gives the operation that deletes what was replaced."""
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    return stage.retirements()[-1]


@pytest.mark.parametrize("again", [False, True])
def test_the_notice_of_what_people_keep_after_a_rollback_names_it(again: bool) -> None:
    """Its subject has the name under which the cluster is kept."""
    stage = SwapStage()
    retirement = rolled_back(stage)
    for _ in range(2 if again else 1):
        stage.request(CANCEL_REQUESTED, operation_id=retirement.operation_id)
        stage.disabled = set()
        stage.run(600)
        stage.disabled = {"delete-rds"}
        stage.request(REQUESTED, rerun_of=retirement.operation_id)
        retirement = stage.retirements()[-1]
    subjects = [found["Subject"] for found in stage.topics.published(TOPIC)]

    assert subjects.count(f"aurora-restore {STAGE}: {NEXT} CANCELLED") == (2 if again else 1)


def test_the_notice_of_a_deletion_that_failed_after_a_rollback_names_the_cluster() -> None:
    """It calls it the previous target, as people know it, and no left-over."""
    stage = SwapStage()
    rolled_back(stage)
    arn = stage.rds().describe_db_clusters(DBClusterIdentifier=NEXT)["DBClusters"][0][
        "DBClusterArn"
    ]
    stage.rds().remove_tags_from_resource(ResourceName=arn, TagKeys=[OWNER_TAG])
    stage.run(14 * HOUR)
    published = stage.topics.published(TOPIC)[-1]

    assert f"aurora-restore {STAGE}: {NEXT} FAILED" == published["Subject"]
    assert f"The previous target {arn} does not carry our tag" in published["email"]
    assert PREVIOUS not in published["email"]


def test_an_adopted_target_is_kept_for_its_whole_time_but_leads_back_only_till_the_next() -> None:
    """No restore needs its name where two other clusters take turns."""
    stage = PointerStage()
    old, _ = first_and_second(stage)
    kept, back = line(stage, "The previous target, "), line(stage, "To go back to it ")
    stage.run(20 * HOUR)
    assert State.SUCCEEDED is stage.run_night().state
    second = line(stage, "The previous target, ")

    assert kept.startswith(f"The previous target, {TARGET} ({old}), is kept until 2")
    assert kept.endswith("Z.")
    assert "until then, or until the next restore replaces the target: aws events" in back
    assert second.startswith(f"The previous target, {A} (")
    assert second.endswith("Z, or until the next restore needs its name.")
    assert B in stage.standing()


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_a_previous_target_whose_time_was_over_cannot_come_back(
    stage_of: type[SwapStage],
) -> None:
    """The refusal names the operation that deleted it."""
    stage = stage_of()
    first_and_second(stage)
    stage.run(20 * HOUR)
    stage.ask_back(stage.restores()[0])
    (retirement,) = stage.retirements()

    assert f" {retirement.operation_id} deleted the previous target" in line(stage, "The previous")
    assert "because its time was over." in line(stage, "The previous")


def test_a_previous_target_whose_name_was_needed_cannot_come_back() -> None:
    """The refusal says that the next restore took the name before the time was over."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    first_and_second(stage)
    stage.run(20 * HOUR)
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])

    assert "because a restore needed its name." in line(stage, "The operation ")


def test_a_cancelled_restore_says_that_it_cost_people_the_way_back() -> None:
    """It had a kept cluster deleted, whose name it needed, and was cancelled after that."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    rolled_back(stage)
    gone = stage.standing()[NEXT]
    stage.run(20 * HOUR)
    stage.night()
    stage.reach(State.CLUSTER_RESTORING)
    stage.request(CANCEL_REQUESTED, operation_id=stage.restores()[-1].operation_id)
    ended = stage.run_until_ended(len(stage.restores()))

    assert State.CANCELLED is ended.state
    assert gone not in stage.standing().values()
    assert line(stage, f"The cluster {NEXT} ({gone}), ").endswith(
        "is deleted, because the new cluster needed its name, so nobody can go back to it any more."
    )


def test_a_previous_target_that_others_deleted_cannot_come_back() -> None:
    """The refusal does not say that an operation deleted it."""
    stage = PointerStage()
    first_and_second(stage)
    stage.remove(TARGET)
    stage.run(20 * HOUR)
    stage.ask_back(stage.restores()[0])

    assert "others deleted it." in line(stage, "The previous target ")


@pytest.mark.parametrize("stage_of", [SwapStage, PointerStage])
def test_a_rollback_tells_nothing_that_it_did_not_look_at(stage_of: type[SwapStage]) -> None:
    """What is in the databases is as it was left; it names the users only where they log in."""
    stage = stage_of()
    first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    adopted = stage.notices()[-1]["text"]
    stage.ask_back(stage.restores()[-1])
    stage.run_until_ended(3)
    made_by_us = stage.notices()[-1]["text"]

    for text in (adopted, made_by_us):
        assert "Endpoint: " in text
        assert "Production's" not in text
        assert "nothing was found" not in text
        assert "could log in" not in text
        assert "The rollback changed no data, users or jobs: all are as they were left." in text
    assert ("Users: " in adopted, "Users: " in made_by_us) == (False, True)


def test_a_rollback_that_comes_while_the_target_is_busy_begins_when_it_is_asked_again() -> None:
    """Its notice says so, and names no step at which it failed; the same command works then."""
    stage = SwapStage()
    first_and_second(stage)
    stage.run(6 * HOUR)
    stage.night()
    stage.reach(State.COPYING)
    first, busy = stage.restores()
    stage.ask_back(first, request_id="back")
    stage.run(60)
    (text,) = [found["text"] for found in stage.notices() if "rollback of" in found["text"]]
    stage.request(CANCEL_REQUESTED, operation_id=busy.operation_id)
    stage.run_until_ended(3)
    stage.ask_back(first, request_id="back")
    ended = stage.run_until_ended(4)

    assert "failed at" not in text
    assert f"did not begin. The operation {busy.operation_id} already runs on " in text
    assert (Kind.ROLLBACK, State.SUCCEEDED) == (ended.kind, ended.state), ended.reason
