"""Nights whose target is swapped: what stands under which name, and when."""

from datetime import timedelta

import pytest

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from chalicelib.flow.operation import Duration, Operation
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import target_of
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES


def test_a_night_exchanges_the_clusters_and_keeps_the_previous_one() -> None:
    """The new cluster has the target's name, and the old one is there until its time is over."""
    stage = SwapStage()
    old, new = first_and_second(stage)

    assert {TARGET: new, PREVIOUS: old} == stage.standing()
    stage.run(12 * 3600 + 600)
    assert {TARGET: new} == stage.standing()
    assert [State.RETIRED] == [found.state for found in stage.retirements()]
    assert [] == stage.broken_promises()


def test_a_first_night_has_nothing_to_keep() -> None:
    """Without an old target the new cluster takes the name, and no retirement begins."""
    stage = SwapStage(staging=False)
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert {TARGET: ended.facts.target.cluster_resource_id} == stage.standing()
    assert [] == stage.retirements()


def test_the_name_is_nobodys_for_two_renames() -> None:
    """People are without a target while two renames take place, and not a look longer."""
    stage = SwapStage()
    swapping = the_swap_of(stage.run_night())
    pace = stage.aurora.durations

    assert swapping.seconds <= 2 * (pace.rename_lag + pace.rename) + 10


def test_waiting_for_a_rename_is_no_time_of_the_apps_own() -> None:
    """What swap-target waits within an invocation is Aurora's time, in notices and metrics."""
    swapping = the_swap_of(SwapStage().run_night())

    assert swapping.own_seconds < 1 < swapping.seconds


def the_swap_of(operation: Operation) -> Duration:
    """Find how long the renames took."""
    (swapping,) = (found for found in operation.durations if found.state is State.SWAPPING)
    return swapping


def test_the_next_night_swaps_again() -> None:
    """The name of the previous target is free by then."""
    stage = SwapStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    _, third = first_and_second(stage)

    assert third == stage.standing()[TARGET]


def test_a_previous_target_that_is_still_kept_makes_room_for_the_next() -> None:
    """With KEEP_PREVIOUS_HOURS longer than a day, the older one is deleted once it has to be."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    old, new = first_and_second(stage)
    stage.run(23 * 3600)
    assert {TARGET: new, PREVIOUS: old} == stage.standing()
    _, third = first_and_second(stage)

    assert {TARGET: third, PREVIOUS: new} == stage.standing()


def test_a_previous_target_can_be_stopped_meanwhile() -> None:
    """STOP_PREVIOUS=true saves the cost of its instances."""
    stage = SwapStage(STOP_PREVIOUS="true")
    first_and_second(stage)
    stage.run(1800)

    assert "stopped" == _status(stage, PREVIOUS)
    stage.run(13 * 3600)
    assert PREVIOUS not in stage.standing()


def test_a_cancelled_retirement_keeps_the_cluster() -> None:
    """The next night then needs its name, and says so before it makes anything."""
    stage = SwapStage()
    old, new = first_and_second(stage)
    stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[0].operation_id)
    stage.run(24 * 3600)
    assert {TARGET: new, PREVIOUS: old} == stage.standing()
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert PREVIOUS in (ended.reason or "")
    assert {TARGET: new, PREVIOUS: old} == stage.standing()


@pytest.mark.parametrize("call", ["rds.modify_db_cluster", "rds.describe_db_clusters"])
def test_a_denied_rename_leaves_people_the_old_target(call: str) -> None:
    """The operation fails, and the target is as it was."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.inject(refused("AccessDenied"), step="swap-target", call=call, times=99)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert old == stage.standing()[TARGET]


def test_a_new_cluster_that_is_gone_after_the_first_rename_brings_the_old_one_back() -> None:
    """Whoever deleted it, people get the target that they had."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.SWAPPING)
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    stage.inject(
        lambda: setattr(region.clusters[NEXT], "status", "failed"),
        state="SWAPPING",
        call="rds.modify_db_cluster",
        after_effect=True,
    )
    ended = stage.run_until_ended(1)

    assert State.FAILED == ended.state
    assert old == stage.standing()[TARGET]
    assert "After the rollback, the old cluster" in (ended.reason or "")


def test_a_rollback_to_an_earlier_night_proves_its_logins() -> None:
    """What one of our operations made is proven as on its own night."""
    stage = SwapStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    yesterday, today = first_and_second(stage)
    stage.ask_back(stage.restores()[-1])
    ended = stage.run_until_ended(3)

    assert {TARGET: yesterday, NEXT: today} == stage.standing()
    assert "the plan's users log in" in stage.trail(ended.operation_id)[2]["what"]


def test_a_cancelled_swap_brings_the_old_target_back() -> None:
    """The operation ends as cancelled once the old cluster has its name again."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.SWAPPING)
    stage.request(CANCEL_REQUESTED, operation_id=stage.restores()[0].operation_id)
    ended = stage.run_until_ended(1)

    assert State.CANCELLED == ended.state
    assert old == stage.standing()[TARGET]


def test_users_that_cannot_log_in_at_the_name_bring_the_old_target_back() -> None:
    """Whatever was proven before, it is proven once more where people log in."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    new = stage.standing()[TARGET]
    stage.data.clusters[new].roles["app_user"].can_login = False
    ended = stage.run_until_ended(1)

    assert State.FAILED == ended.state
    assert {TARGET: old, NEXT: new} == stage.standing()


def test_a_third_cluster_at_the_name_is_left_alone() -> None:
    """The operation says what is where, and touches none of the three."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.SWAPPING)
    waiting = list(stage.queue)
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, NewDBClusterIdentifier="elsewhere", ApplyImmediately=True
    )
    stage.settle(600)
    stage.make_cluster(TARGET, TARGET_REGION, members=0)
    third = stage.standing()[TARGET]
    stage.queue.extend(waiting)
    ended = stage.run_until_ended(1)

    assert State.FAILED == ended.state
    assert third == stage.standing()[TARGET]
    assert f"the old cluster {old} is elsewhere" in (ended.reason or "")
    assert f"a third cluster, {third}, has the name {TARGET}" in (ended.reason or "")


def test_the_previous_target_comes_back_on_request() -> None:
    """The two are exchanged, and the one that people did not want is kept for a while."""
    stage = SwapStage()
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0], reason="broken")
    ended = stage.run_until_ended(2)

    assert State.SUCCEEDED == ended.state, ended.reason
    assert {TARGET: old, NEXT: new} == stage.standing()
    stage.run(20 * 3600)
    assert {TARGET: old} == stage.standing()


def test_a_previous_target_that_came_back_is_not_deleted() -> None:
    """Its retirement ends as cancelled, and says why and what to do."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    stage.run(20 * 3600)
    first = stage.retirements()[0]

    assert (State.CANCELLED, True) == (first.state, bool(first.remedy))
    assert f"{old} is the target again" in (first.reason or "")
    assert [] == stage.broken_promises()


def test_a_rollback_can_be_rolled_back() -> None:
    """The clusters are exchanged once more."""
    stage = SwapStage()
    old, new = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    rolled_back = stage.run_until_ended(2)
    stage.ask_back(rolled_back)
    ended = stage.run_until_ended(3)

    assert State.SUCCEEDED == ended.state, ended.reason
    assert {TARGET: new, PREVIOUS: old} == stage.standing()


def test_a_previous_target_that_is_gone_cannot_come_back() -> None:
    """The request is refused with a sentence."""
    stage = SwapStage()
    first_and_second(stage)
    stage.run(20 * 3600)
    stage.ask_back(stage.restores()[0])

    assert 1 == len(stage.restores())
    assert "gone" in stage.notices()[-1]["text"]


def test_the_night_after_a_rollback_swaps_as_usual() -> None:
    """The cluster that people did not want makes room for the new one."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    stage.ask_back(stage.restores()[0])
    stage.run_until_ended(2)
    _, third = first_and_second(stage)

    assert {TARGET: third, PREVIOUS: old} == stage.standing()


def test_a_stopped_target_is_started_to_be_renamed() -> None:
    """RDS renames no cluster that is stopped."""
    stage = SwapStage()
    stage.rds().stop_db_cluster(DBClusterIdentifier=TARGET)
    stage.settle(3600)
    old, new = first_and_second(stage)

    assert {TARGET: new, PREVIOUS: old} == stage.standing()


def test_a_failed_restore_leaves_the_target_and_the_next_night_clears_up() -> None:
    """What stands under the new cluster's name is deleted before the next one is made."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    ended = stage.run_night()
    assert State.FAILED == ended.state
    assert {TARGET: old} == {TARGET: stage.standing()[TARGET]}
    stage.call_faults.clear()
    stage.clock.advance(timedelta(hours=20).total_seconds())
    _, new = first_and_second(stage)

    assert {TARGET: new, PREVIOUS: old} == stage.standing()


def _status(stage: SwapStage, name: str) -> str:
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    return str(found["Status"])


def test_a_name_that_still_leads_to_the_old_cluster_proves_nothing() -> None:
    """The old cluster has the same users; the login counts once the name leads to the new one."""
    stage = SwapStage()
    old = stage.standing()[TARGET]
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    host = stage.endpoint(TARGET)
    new, stage.data.hosts[host] = stage.data.hosts[host], old
    stage.run(120)
    waiting = stage.restores()[-1]
    stage.data.hosts[host] = new

    assert State.TARGET_RENAMED == waiting.state
    assert "does not lead to" in (waiting.waiting_for or "")
    assert State.SUCCEEDED == stage.run_until_ended(1).state


def test_a_reader_that_somebody_added_does_not_stop_the_night() -> None:
    """It is named, it stays with the previous target, and that is not deleted while it is there."""
    stage = SwapStage()
    rds = stage.rds()
    rds.create_db_instance(
        DBInstanceIdentifier="scaled-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier=TARGET,
    )
    stage.settle(3600)
    old, new = first_and_second(stage)
    ended = stage.restores()[-1]
    stage.run(20 * 3600)
    (retirement,) = stage.retirements()

    assert any("scaled-reader" in warning for warning in ended.warnings)
    assert {TARGET: new, PREVIOUS: old} == stage.standing()
    assert State.FAILED == retirement.state
    assert "scaled-reader" in (retirement.reason or "")


def test_a_retirement_that_failed_can_be_rerun() -> None:
    """After the remedy, its rerun deletes the previous target at once."""
    stage = SwapStage()
    stage.inject(refused("AccessDenied"), call="rds.delete_db_cluster", times=99)
    _, new = first_and_second(stage)
    stage.run(14 * 3600)
    (failed,) = stage.retirements()
    stage.call_faults.clear()
    stage.request(REQUESTED, request_id="again", rerun_of=failed.operation_id)
    stage.run(3600)

    assert State.FAILED == failed.state
    assert {TARGET: new} == stage.standing()
    assert State.RETIRED == stage.retirements()[-1].state


def test_a_deletion_whose_record_somebody_removed_stops_no_swap() -> None:
    """The note of a deletion counts only while its operation is open."""
    stage = SwapStage()
    key = f"target#{target_of(TARGET)}"
    stage.store.tables["state"].setdefault(key, {})["deleted_by"] = "gone"
    old, new = first_and_second(stage)

    assert {TARGET: new, PREVIOUS: old} == stage.standing()


def test_a_previous_target_that_is_not_kept_is_deleted_at_once() -> None:
    """With KEEP_PREVIOUS_HOURS=0 its deletion begins when the new target opens, and ends."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="0", SWAP_DEADLINE="3600")
    first_and_second(stage)
    stage.run(3600)

    assert [State.RETIRED] == [found.state for found in stage.retirements()]
    assert stage.target().deleted_by is None
    assert stage.target().swapped_by is None


class StageOfAddresses(SwapStage):
    """A stage whose endpoints are addresses, which no name server knows."""

    def addresses(self, host: str) -> frozenset[str]:
        """Give an address itself."""
        return frozenset({host})


def test_an_endpoint_that_is_an_address_needs_no_name_server() -> None:
    """An address leads to its cluster at once, and differs from those of the instances."""
    ended = StageOfAddresses().run_night()

    assert State.SUCCEEDED is ended.state, ended.reason


def test_a_rename_is_looked_at_with_one_call() -> None:
    """While a cluster is being renamed, its swap asks for nothing but the two clusters."""
    stage = SwapStage()
    stage.run_night()
    looks = [
        call.parameters
        for call in stage.calls_of("describe_db_clusters")
        if (call.step, call.state) == ("swap-target", "SWAPPING")
    ]
    of_names = [asked["DBClusterIdentifier"] for asked in looks if "Filters" not in asked]

    assert len(of_names) < len(looks) / 2
    assert 2 == of_names.count(PREVIOUS)  # before the old cluster gets it, and at the end
