"""A cluster that is no longer the target is left alone, whatever is asked to be done again on it.

With pointers it keeps its name and its resource id, so only the target's item tells.
"""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.records.store import Change
from chalicelib.records.targets import TargetRecord, target_key
from tests.pointer.pointer_stage import PointerStage
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_custom_endpoints import READER, endpoints, make_endpoint
from tests.swap.test_reruns_of_opened import failed_when_open

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600
STAGES = [SwapStage, PointerStage]
STEPS = ["setup-db-users", "archive-snapshot"]
both_ways = pytest.mark.parametrize("make", STAGES)
each_step = pytest.mark.parametrize("step", STEPS)


def two_nights(stage: SwapStage) -> None:
    """Restore twice; the first cluster is kept."""
    for _ in range(2):
        ended = stage.run_night()
        assert State.SUCCEEDED is ended.state, ended.reason
        stage.run(20 * HOUR)


def went_back(stage: SwapStage, operation_id: str) -> None:
    """Go back from an operation's cluster to the one before it."""
    count = len(stage.restores()) + 1
    (operation,) = [one for one in stage.restores() if one.operation_id == operation_id]
    stage.ask_back(operation)
    assert State.SUCCEEDED is stage.run_until_ended(count).state
    stage.run(HOUR)


def is_refused(stage: SwapStage, **detail: Any) -> str:
    """Ask for something that is refused and changes nothing; gives the notice."""
    operations, record, standing = len(stage.restores()), stage.target(), stage.standing()
    passwords = {name: dict(known.roles) for name, known in stage.data.clusters.items()}
    stage.request(REQUESTED, **detail)
    stage.run(600)
    notice = stage.notices()[-1]

    assert "refused" == notice["kind"], notice["text"]
    assert operations == len(stage.restores())
    looked = replace(record, next_catch_up_at=stage.target().next_catch_up_at)
    assert (looked, standing) == (stage.target(), stage.standing())
    assert passwords == {name: dict(known.roles) for name, known in stage.data.clusters.items()}
    return str(notice["text"])


@both_ways
@each_step
def test_a_step_of_an_older_success_is_not_done_again(make: type[SwapStage], step: str) -> None:
    """The target, its data and its age stay; the command repeats the step on the present one."""
    stage = make(KEEP_PREVIOUS_HOURS="48")
    two_nights(stage)
    first, second = stage.restores()
    text = is_refused(stage, rerun_of=first.operation_id, from_step=step)

    assert f"{first.facts.target.cluster_resource_id} is no longer the target" in text
    assert f"The last success on it is {second.operation_id}." in text
    assert '\\"rerun_of\\": \\"last\\"' in text


@both_ways
@each_step
def test_a_step_is_not_done_again_on_what_people_went_back_from(
    make: type[SwapStage], step: str
) -> None:
    """The cluster that nobody restored is the target, so there is no other one either."""
    stage = make()
    first_and_second(stage)
    (only,) = stage.restores()
    went_back(stage, only.operation_id)
    text = is_refused(stage, rerun_of=only.operation_id, from_step=step)

    assert f"{only.facts.target.cluster_resource_id} is no longer the target" in text
    assert "Restore the newest snapshot instead" in text


@both_ways
@each_step
def test_the_last_success_is_the_rollback_to_a_cluster_that_nobody_restored(
    make: type[SwapStage], step: str
) -> None:
    """No login of its people is closed, and no password is set."""
    stage = make()
    first_and_second(stage)
    went_back(stage, stage.restores()[0].operation_id)
    text = is_refused(stage, rerun_of="last", from_step=step)

    assert stage.restores()[-1].operation_id == stage.target().last_success_operation
    assert "no known operation restored" in text


@both_ways
def test_a_step_is_done_again_on_what_people_went_back_to(make: type[SwapStage]) -> None:
    """The first success's cluster is the target again: by its id, and as the last success."""
    stage = make(KEEP_PREVIOUS_HOURS="48")
    two_nights(stage)
    first, second = stage.restores()
    went_back(stage, second.operation_id)
    for number, rerun_of in enumerate((first.operation_id, "last")):
        stage.request(REQUESTED, rerun_of=rerun_of, from_step="setup-db-users")
        ended = stage.run_until_ended(4 + number)

        assert State.SUCCEEDED is ended.state, ended.reason
        assert first.facts.target.cluster_resource_id == stage.target().opened_id


@both_ways
def test_a_failure_after_the_opening_is_not_finished_when_people_went_back(
    make: type[SwapStage],
) -> None:
    """The custom endpoint stays with the target."""
    stage = make()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.night()
    failed = failed_when_open(stage)
    went_back(stage, failed)
    text = is_refused(stage, rerun_of=failed)

    assert ["analytics"] == [*endpoints(stage, TARGET)]
    assert "Restore the newest snapshot instead" in text


def test_a_target_whose_pointers_are_new_is_not_the_one_of_the_swap() -> None:
    """The swapped one keeps the target's name beside them."""
    stage = PointerStage(REPLACEMENT="swap")
    first_and_second(stage)
    stage.run(20 * HOUR)
    stage.environment["REPLACEMENT"] = "pointer"
    first, _ = stage.restores()[0], first_and_second(stage)
    text = is_refused(stage, rerun_of=first.operation_id, from_step="setup-db-users")

    assert f"{first.facts.target.cluster_resource_id} is no longer the target" in text


def test_a_cluster_that_people_gave_the_name_back_to_is_the_target() -> None:
    """They renamed it themselves: its users are set up again, and the target's item knows it."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    two_nights(stage)
    for name, to in ((TARGET, "elsewhere"), (PREVIOUS, TARGET)):
        stage.rds().modify_db_cluster(
            DBClusterIdentifier=name, NewDBClusterIdentifier=to, ApplyImmediately=True
        )
        stage.settle(600)
    first = stage.restores()[0]
    stage.request(REQUESTED, rerun_of=first.operation_id, from_step="setup-db-users")
    ended = stage.run_until_ended(3)

    assert State.SUCCEEDED is ended.state, ended.reason
    assert first.facts.target.cluster_resource_id == stage.target().opened_id


def set_opened(stage: SwapStage, **attributes: str) -> TargetRecord:
    """Write what the target's item says of the cluster that was opened last."""
    arn = stage.target().arn
    stage.operations.store.change(Change(target_key(arn), assign=dict(attributes)))
    return stage.target()


@each_step
def test_a_target_that_changes_after_the_request_is_noticed_by_the_step(step: str) -> None:
    """As with a request that the version before took."""
    stage = PointerStage()
    first_and_second(stage)
    stage.put(REQUESTED, rerun_of="last", from_step=step)
    stage.deliver_one(stage.queue.pop())
    noted = set_opened(stage, opened_id="cluster-OTHER", opened_as="staging-cluster-b")
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert "is no longer the target" in str(ended.reason)
    assert "cluster-OTHER" == stage.target().opened_id
    assert noted.last_success_operation == stage.target().last_success_operation


def test_an_item_of_before_tells_the_target_by_its_last_success() -> None:
    """It does not say which cluster was opened."""
    stage = PointerStage(KEEP_PREVIOUS_HOURS="48")
    two_nights(stage)
    remove = ("opened_id", "opened_as")
    stage.operations.store.change(Change(target_key(stage.target().arn), remove=remove))
    first, second = stage.restores()
    text = is_refused(stage, rerun_of=first.operation_id, from_step="setup-db-users")

    assert f"The last success on it is {second.operation_id}." in text
